r"""The checking tool refuses what is wrong, and accepts the right formula beside it.

Each row holds two calls that differ in one place. The first is refused, for the reason named; the
second is accepted, so the reason was that place. They run on what chapters 00 to 03 declare and
prove, and on a few names of their own, numbered from 80.
"""

from collections.abc import Callable
from contextlib import contextmanager
from copy import copy
from typing import NamedTuple

import pytest
import sympy as sp

from ddpm_course import algebra
from ddpm_course.algebra import (
    AlgebraError, Derivation, after, book, complete_square, convex_in, define, draw, eq,
    gap, in_chains, increments, induct, joints, log_density_of, marginal, moments, notation,
    pointwise, ref, solve_for, substitute, using,
)

# The book: what the rows stand on.

EVIDENCE = (r"\mathbb E_{q(x_{1:T}\mid x_0)}\left["
            r"\log\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]")


@contextmanager
def kept():
    """What stands in the book before, stands in it again afterwards."""
    before = {name: copy(value) for name, value in vars(book).items()}
    yield
    vars(book).update(before)


@pytest.fixture(scope="module")
def recalled():
    with kept():
        after("03_posterior")
        notation("g", "scalar", "a number that nothing defines")
        notation("r", "density", "a law of some other process")
        notation(r"\hat x_\theta(x_t,t)", "vector", "an estimate of the image")
        notation(r"\hat\epsilon_\theta(x_t,t)", "vector", "an estimate of the noise")
        notation("s_t", "sequence", "a number given by a recursion")
        define("80.1", "s_0 := 0")
        define("80.2", r"s_t := \alpha_ts_{t-1}+1-\alpha_t")
        notation("y_t", "sequence", "another one, which starts in the same way")
        define("80.3", "y_0 := 0")
        define("80.4", r"y_t := y_{t-1}+1-\alpha_t")
        eq("80.5", r"x_0 = \frac{x_t-\sqrt{1-\bar\alpha_t}\,\epsilon}{\sqrt{\bar\alpha_t}}",
           by=solve_for(ref("2.7"), "x_0"))
        eq("80.6", r"q(x_{t-1},x_t\mid x_0) = q(x_t\mid x_{t-1},x_0)\,q(x_{t-1}\mid x_0)",
           by=joints())
        eq("80.7", r"q(x_{t-1},x_t\mid x_0) = q(x_t\mid x_{t-1})\,q(x_{t-1}\mid x_0)",
           by=using("80.6", "1.3"))
        eq("80.8", EVIDENCE + r"+\log p_\theta(x_0)"
           r" = D_{KL}(q(x_{1:T}\mid x_0)\|p_\theta(x_{1:T}\mid x_0))", by=joints())
        define("80.11", r"p_\theta(x_{0:T})"
               r" := p_\theta(x_T)\prod_{t=1}^{T}p_\theta(x_{t-1}\mid x_t)")
        notation("h", "column", "an offset", shape=("m", 1))
        notation("Z_t", "column", "a column that has a time", shape=("n", 1))
        define("80.9", r"r(X) := \mathcal N(X;m,\Lambda^{-1})")
        define("80.10", r"r(Y\mid X) := \mathcal N(Y;AX+h,L^{-1})")
        yield


@pytest.fixture(autouse=True)
def isolated(recalled):
    with kept():
        yield


# The rows.

class Pair(NamedTuple):
    name: str
    reason: str  # found in the message of the refusal
    wrong: Callable
    right: Callable


def claim(latex: str, by: Callable = lambda: None, start: int = 1) -> Callable:
    """A call of `eq`; `by` makes the way of proof when it runs."""
    return lambda: eq("99.1", latex, by=by(), start=start)


def spelt(name: str, reason: str, latex: str, wrong: str, right: str, **how) -> Pair:
    """Two claims that differ in their text, at the place @."""
    return Pair(name, reason, *(claim(latex.replace("@", part), **how) for part in (wrong, right)))


def derived(name: str, reason: str, latex: str, wrong: Callable, right: Callable, **how) -> Pair:
    """Two claims that differ in their way of proof."""
    return Pair(name, reason, *(claim(latex, by, **how) for by in (wrong, right)))


def first_s() -> Derivation: return substitute(ref("80.2", "1"), ref("80.1"))


def first_y() -> Derivation: return substitute(ref("80.4", "1"), ref("80.3"))


def next_s(before: Derivation) -> Derivation: return substitute(ref("80.2"), before)


def next_y(before: Derivation) -> Derivation: return substitute(ref("80.4"), before)


def one_step_on() -> Derivation:
    """x_t from x_{t-1}, which is drawn given x_0."""
    return substitute(ref("1.2"), draw(ref("2.6", "t-1"), r"\bar\epsilon_t"))


def step_back(number: str, image: str) -> Derivation:
    """x_{t-1} from x_t and x_0, which is drawn by this law."""
    define(number, image + r" := \mathcal N(x_0;\mu,vI)")
    return substitute(draw(ref("3.4"), r"\epsilon"), draw(ref(number), r"\bar\epsilon"))


def from_square(number: str) -> Derivation:
    return complete_square(log_density_of(number), "x_{t-1}")


def two_steps() -> Derivation: return substitute(ref("1.2"), ref("1.2", "t-1"))


READER = [
    spelt("an undeclared symbol", "undeclared symbol", "2@ = @+@", r"\gamma_t", r"\alpha_t"),
    spelt("text that is not read", "not read", "2u = u+u@", ", u = v", ""),
    spelt("a bracket too many", "not read", "2u = (u+u)@", ")+v", ""),
    spelt("text that ends early", "symbol was expected", "2u = u+@", "", "u"),
    spelt("a brace that stays open", "expected }", r"u+u = 2\sqrt{u^2@", "", "}"),
    spelt("an index is missing", "undeclared symbol", "2@ = @+@", r"\bar\alpha", r"\bar\alpha_t"),
    spelt("an index too many", "undeclared symbol", "2@ = @+@", "u_t", "u"),
    spelt("a function without its arguments", r"expected \(", "2@ = @+@",
          r"\tilde\mu_t", r"\tilde\mu_t(x_t,x_0)"),
    spelt("arguments exchanged", "with the arguments", "2@ = @+@",
          r"\tilde\mu_t(x_0,x_t)", r"\tilde\mu_t(x_t,x_0)"),
    spelt("arguments of another time", "with the arguments", "2@ = @+@",
          r"\hat x_\theta(x_{t-1},t)", r"\hat x_\theta(x_{t-1},t-1)"),
    spelt("a column of another time", "read at t alone", "2@ = @+@", "Z_{t-1}", "Z_t"),
    spelt("a sum over a symbol", "expected t or k", r"\sum_{@=1}^{3}u = 3u", "u", "k"),
    spelt("two formulas on two lines", "line or column",
          r"\begin{aligned}2u &= 1 \\ @2u &= 2u+0\end{aligned}", "", r"\cdot "),
    spelt("two formulas side by side", "symbol was expected", "2u = 1@2u", r"\quad ", r"\cdot "),
    spelt("digits that meet", "number after a factor", "2u = 1@2u", r"\,", r"\cdot "),
    spelt("a factor after a stroke", "above or below", r"\frac12u = @", "1/2u", "u/2"),
    spelt("a factor after a log", "belong to the argument", r"(\log u)v = @",
          r"\log u v", r"v\log u"),
]

SIGNS = [
    spelt("the second sign is wrong", "is wrong",
          r"\frac{v_1+v_2}{v_1v_2} = \frac1{v_1}+\frac1{v_2} = @",
          r"\frac2{v_1+v_2}", r"\frac1{v_2}+\frac1{v_1}"),
    spelt("a formula compared with itself", "with itself", "u+v = @", "u+v", "v+u"),
    spelt("no sign at all", "no relation", "u+v @ v+u", "+", "="),
    spelt("a definition among the proved", "by define", "2u @ u+u", ":=", "="),
    spelt("a wrong = beside a right equality in law", "is wrong",
          r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}+@ \overset{d}{=}"
          r" \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}+\sqrt{1-\alpha_t\alpha_{t-1}}\,\bar\epsilon_t",
          r"\sqrt{1-\alpha_t\alpha_{t-1}}\,\epsilon_t",
          r"\sqrt{\alpha_t}\sqrt{1-\alpha_{t-1}}\,\epsilon_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t",
          by=two_steps, start=2),
    spelt("equality in law with the same noise twice", "is wrong",
          r"\sqrt{v_1}\,\epsilon+\sqrt{v_2}\,@ \overset{d}{=} \sqrt{v_1+v_2}\,\epsilon",
          r"\epsilon", r"\bar\epsilon"),
    spelt("equality in law beyond affine forms", "not affine",
          r"2d-@ \overset{d}{=} -@+2d", r"\lVert\epsilon\rVert^2", r"\lVert\mu\rVert^2"),
    spelt("a noise that the state contains", "not independent",
          r"@+\epsilon_t \overset{d}{=} @+\epsilon_{t+1}", "x_t", "x_{t-1}"),
    Pair("true from t = 2, claimed from 1", "not defined", *(claim(
        r"\tilde\beta_t = \left(\frac1{1-\bar\alpha_{t-1}}+\frac{\alpha_t}{1-\alpha_t}\right)^{-1}",
        start=first) for first in (1, 2))),
]

PROOFS_AND_NUMBERS = [
    derived("by a string", "way of proof", "2u = u+u", lambda: "obvious", lambda: None),
    derived("by an expression", "way of proof", "2u = u+u",
            lambda: 2 * sp.Symbol("u"), lambda: None),
    Pair("equal from t = 2, both without a meaning at 1", "not defined at t = 1", *(claim(
        r"\frac2{\tilde\beta_t} = \frac1{\tilde\beta_t}+\frac1{\tilde\beta_t}", start=start)
        for start in (1, 2))),
    Pair("a number used twice", "already the number",
         lambda: [eq("99.2", "2u = u+u"), eq("99.2", "3u = 2u+u")],
         lambda: [eq("99.2", "2u = u+u"), eq("99.3", "3u = 2u+u")]),
    Pair("nothing defines it", "nothing says what g",
         claim("g = 2u"), lambda: define("99.1", "g := 2u")),
    Pair("defined by itself", "by itself",
         lambda: define("99.1", "g := g+u"), lambda: define("99.1", "g := v+u")),
    Pair("a second meaning", "already has a meaning",
         lambda: define("99.1", r"\bar\alpha_t := \alpha_t"), lambda: define("99.1", r"g := u")),
    Pair("a second law", "already has a law",
         lambda: define("99.1", r"q(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)"),
         lambda: define("99.1", r"r(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)")),
]

KINDS = [
    spelt("a power of a vector", "power of a vector", "2@ = @+@", r"\mu^2", r"\lVert\mu\rVert^2"),
    spelt("a product of vectors", "product of a vector", "2@ = @+@", r"x\mu", r"u\mu"),
    spelt("a sum of a vector and a number", "sum of a", r"\mu+@ = @+\mu", "u", "x"),
    spelt("a number equal to a multiple of I", "relates a", r"uI+uI = 2u@", "", "I"),
    spelt("a covariance without I", "relates a",
          r"\operatorname{Cov}[\sqrt v\,\epsilon] = @", "v", "vI"),
    spelt("a law without I", "multiple of I",
          r"2\mathcal N(x;\mu,@) = 2\mathcal N(\mu;x,vI)", "v", "vI"),
    spelt("section 1.5: a division by I", "number is needed",
          r"\frac1{@}\lVert x-\mu\rVert^2 = \frac1{2v}\lVert\mu-x\rVert^2", "2vI", "2v"),
    spelt("a power of a vector in the chains", "power of a vector",
          r"\mathbb E_{q(x_0)}[2@] = 2\,\mathbb E_{q(x_0)}[@]", "x_0^2", r"\lVert x_0\rVert^2",
          by=in_chains),
]

S = r"s_t = 1-\prod_{k=1}^{t}\alpha_k"

DERIVATIONS = [
    spelt("induction to a wrong claim", "is wrong", r"s_t = 1-\prod_{k=1}^{@}\alpha_k", "t-1", "t",
          by=lambda: induct(1, first_s(), next_s)),
    derived("induction from a wrong base", "is wrong", S,
            lambda: induct(1, ref("80.2", "1"), next_s), lambda: induct(1, first_s(), next_s)),
    derived("induction from the base of another", r"about s_t\(1\), the base about y_t\(1\)", S,
            lambda: induct(1, first_y(), next_s), lambda: induct(1, first_s(), next_s)),
    derived("induction by the step of another", "is not in", S,
            lambda: induct(1, first_s(), next_y), lambda: induct(1, first_s(), next_s)),
    Pair("induction that starts after its claim", "starts at 2", *(
        claim(r"\sum_{k=2}^{t}k = \frac{(t-1)(t+2)}2", lambda: increments(2), start)
        for start in (1, 2))),
    spelt("increments right, the start wrong", "is wrong",
          r"\sum_{k=0}^{t}a^k = \frac{@-a^{t+1}}{1-a}", "a", "1", by=lambda: increments(1)),
    Pair("a density that is not normalised", "not normalised", lambda: from_square("80.7"),
         lambda: from_square("3.2")),
    Pair("the moments of another variable", "is not a law of",
         lambda: moments(r"q(x_{t-1}\mid x_0)", one_step_on()),
         lambda: moments(r"q(x_t\mid x_0)", one_step_on())),
    Pair("moments with a condition missing", "still depends on",
         lambda: moments("q(x_t)", one_step_on()),
         lambda: moments(r"q(x_t\mid x_0)", one_step_on())),
    Pair("two draws with one noise", "used twice",
         lambda: substitute(ref("1.2"), draw(ref("2.6", "t-1"), r"\epsilon_t")),
         lambda: substitute(ref("1.2"), draw(ref("2.6", "t-1"), r"\epsilon"))),
    Pair("a draw without regard to another state", "without regard",
         lambda: step_back("99.1", "r(x_0)"), lambda: step_back("99.2", r"r(x_0\mid x_t)")),
    spelt("one noise for two times", "same noise",
          r"x_t-\sqrt{\bar\alpha_t}\,x_0@\sqrt{1-\bar\alpha_t}\,\epsilon",
          r"-(x_{t-1}-\sqrt{\bar\alpha_{t-1}}\,x_0) = -\sqrt{1-\bar\alpha_{t-1}}\,\epsilon+", "=",
          by=lambda: using("2.7"), start=2),
    derived("equations that do not suffice", "is wrong",
            r"x_t = \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\epsilon",
            lambda: using("1.2"), lambda: using("2.7")),
]

BOUND = (EVIDENCE + r" = D_{KL}(q(x_T\mid x_0)\|p_\theta(x_T))+@"
         r"[D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))]"
         r"-\mathbb E_{q(x_1\mid x_0)}[\log p_\theta(x_0\mid x_1)]")
FROM_TWO = r"\sum_{t=2}^{T}\mathbb E_{q(x_t\mid x_0)}"


def by_telescoping() -> algebra.Way: return using("1.4", "3.2", "80.11")


BAYES = r"q(x_{t-1}\mid x_t,x_0) = \frac{@\,q(x_{t-1}\mid x_0)}{q(x_t\mid x_0)}"
MARKOV = BAYES.replace("@", r"q(x_t\mid x_{t-1})")

IN_A_CHAIN = "in a chain with T ="  # these are not proved, only tried
DENSITIES = [
    spelt("a mean over the wrong state", "is wrong",
          r"\mathbb E_{q(@\mid x_0)}[\lVert x_t\rVert^2]"
          r" = \bar\alpha_t\lVert x_0\rVert^2+d(1-\bar\alpha_t)", "x_{t-1}", "x_t"),
    spelt("a mean of divergences over the wrong state", "is wrong", BOUND,
          r"\sum_{t=2}^{T}\mathbb E_{q(x_{t-1}\mid x_0)}", FROM_TWO, by=by_telescoping),
    spelt("a mean of a mean that is not conditioned", "is wrong",
          r"\mathbb E_{q(x_t\mid x_0)}[\mathbb E_{q(x_{t-1}\mid @)}[\log q(x_t\mid x_{t-1})]]"
          r" = \mathbb E_{q(x_{t-1},x_t\mid x_0)}[\log q(x_t\mid x_{t-1})]", "x_0", "x_t,x_0",
          by=using),
    spelt("a state taken out of its mean", "is wrong",
          r"\mathbb E_{q(x_{1:T}\mid x_0)}[\log q(@)] = \log q(@)", "x_t", "x_0", by=using),
    spelt("states taken out of the mean of one of them", "is wrong",
          r"\mathbb E_{q(x_t\mid x_0)}[\sum_{k=1}^{T}\log q(x_k)] = \sum_{k=1}^{T}@",
          r"\log q(x_k)", r"\mathbb E_{q(x_t\mid x_0)}[\log q(x_k)]", by=using),
    spelt("an estimate is no constant", "function of a random vector",
          r"\mathbb E_{q(@)}[\hat x_\theta(x_t,t)] = \hat x_\theta(x_t,t)",
          r"x_t\mid x_0", r"x_{t-1}\mid x_t,x_0"),
    spelt("an estimate is no constant, in the chains", IN_A_CHAIN,
          r"\mathbb E_{q(@)}[\hat x_\theta(x_t,t)] = \hat x_\theta(x_t,t)",
          r"x_t\mid x_0", r"x_{t-1}\mid x_t,x_0", by=in_chains),
    spelt("a noise under a law that it may depend on", "may depend on",
          r"\mathbb E_{q(x_t\mid x_0)}[x_t+@] = \sqrt{\bar\alpha_t}\,x_0+\mu",
          r"\mu+\epsilon", r"\mu"),
    spelt("a divergence of laws of two variables", "a divergence between laws",
          r"D_{KL}(\mathcal N(x;\mu_1,vI)\|\mathcal N(@;\mu_2,vI))"
          r" = \frac{\lVert\mu_1-\mu_2\rVert^2}{2v}", "z", "x"),
    spelt("a divergence of densities of two variables", "a divergence between laws",
          r"D_{KL}(q(x_0)\|p_\theta(@))"
          r" = \mathbb E_{q(x_0)}[\log q(x_0)]-\mathbb E_{q(x_0)}[\log p_\theta(@)]",
          "x_1", "x_0", by=using),
    spelt("two processes under one name", IN_A_CHAIN,
          r"q(x_1,x_0) = q(x_1\mid x_0)\,@(x_0)", "r", "q", by=in_chains),
    spelt("true for Markov chains only", "is wrong", BAYES, r"q(x_t\mid x_{t-1})",
          r"q(x_t\mid x_{t-1},x_0)", by=joints),
    derived("the Markov property is not named", "was not proved", MARKOV,
            lambda: using("3.1"), lambda: using("3.1", "1.3")),
    spelt("a bound turned around", IN_A_CHAIN, "@", EVIDENCE + r" \le -\log p_\theta(x_0)",
          r"-\log p_\theta(x_0) \le " + EVIDENCE, by=lambda: gap("80.8", "0.9")),
    spelt("a bound with another gap", "the gap is not that",
          r"-\log p_\theta(x_0) \le @",
          r"-\log p_\theta(x_0)+D_{KL}(q(x_0)\|p_\theta(x_0))", EVIDENCE,
          by=lambda: gap("80.8", "0.9")),
    derived("a bound on something else than a divergence", "by zero",
            r"-\log p_\theta(x_0) \le " + EVIDENCE,
            lambda: gap("80.8", "0.8"), lambda: gap("80.8", "0.9")),
    Pair("a bound used as an equality", "does not say",
         lambda: [eq("99.1", r"r(x_0) \le 1", by=in_chains()), ref("99.1")],
         lambda: [eq("99.2", r"r(x_0) = \frac{r(x_0,x_1)}{r(x_1\mid x_0)}", by=joints()),
                  ref("99.2")]),
    spelt("a tangent that does not touch", "not convex with minimum zero", r"\log u \le @",
          r"u-\frac12", "u-1", by=lambda: convex_in("u")),
    spelt("a tangent on the other side", "not convex", r"@", r"u-1 \le \log u", r"\log u \le u-1",
          by=lambda: convex_in("u")),
    spelt("a true bound that the tangent does not give", "under a mean",
          r"\mathbb E_{q(x_0)}\left[\log\frac{p_\theta(x_0)}{q(x_0)}\right]"
          r" \le \mathbb E_{q(x_0)}\left[\frac{p_\theta(x_0)}{q(x_0)}@\right]", "", "-1",
          by=lambda: pointwise("0.8")),
]

KL_MATRICES = (r"D_{KL}(\mathcal N(m_1,\Sigma_1)\|\mathcal N(m_2,\Sigma_2)) = \frac12\left("
               r"\operatorname{tr}(@)+(m_1-m_2)^\top\Sigma_2^{-1}(m_1-m_2)"
               r"-d+\log\frac{|\Sigma_2|}{|\Sigma_1|}\right)")

MATRICES = [
    spelt("a transpose that keeps the order", "is wrong", r"(BK)^\top = @",
          r"B^\top K", r"KB^\top"),
    spelt("shapes that do not fit", "shapes do not fit", r"2(A\Lambda+@) = 2@+2A\Lambda",
          r"\Lambda A^\top", "LA"),
    spelt("covariances exchanged in a divergence", "is wrong", KL_MATRICES,
          r"\Sigma_1^{-1}\Sigma_2", r"\Sigma_2^{-1}\Sigma_1"),
    spelt("the dimension forgotten in a divergence", "is wrong",
          r"D_{KL}(\mathcal N(\mu_1,v_1I)\|\mathcal N(\mu_2,v_2I)) = \frac12\left("
          r"d\,\frac{v_1}{v_2}+\frac{\lVert\mu_1-\mu_2\rVert^2}{v_2}-d"
          r"+@\log\frac{v_2}{v_1}\right)", "", "d"),
]

# What the lecture notes print wrong in the sections that chapters 00 to 05 retell, and beside it
# what they should print.

ESTIMATED = (r"\frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}x_t"
             r"+\frac{\sqrt{\bar\alpha_{t-1}}(1-\alpha_t)}{1-\bar\alpha_t}")
X0_ERROR = (r"\frac1{2\tilde\beta_t}\lVert\tilde\mu_t(x_t,x_0)-(" + ESTIMATED +
            r"\hat x_\theta(x_t,t))\rVert^2 = @\lVert x_0-\hat x_\theta(x_t,t)\rVert^2")
NOISE_ERROR = (r"\frac1{2\tilde\beta_t}\lVert\tilde\mu_t(x_t,x_0)-(" + ESTIMATED +
               r"\cdot\frac{x_t-\sqrt{1-\bar\alpha_t}\,\hat\epsilon_\theta(x_t,t)}"
               r"{\sqrt{\bar\alpha_t}})\rVert^2"
               r" = @\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2")


def of_notes(name: str, latex: str, printed: str, corrected: str, **how) -> Pair:
    return spelt(name, "is wrong", latex, printed, corrected, **how)


NOTES = [
    of_notes("section 1.2: the factor of the noise",
             r"x_t = \sqrt{\alpha_t}\,x_{t-1}+@\epsilon_t", r"(1-\alpha_t)", r"\sqrt{1-\alpha_t}",
             by=lambda: draw(ref("1.1"), r"\epsilon_t")),
    of_notes("section 1.2: the sum of all noise",
             r"x_t = a^tx_0+@\sum_{k=0}^{t-1}a^k\epsilon_{t-k}", "", "b",
             by=lambda: induct(1, ref("1.5", "1"),
                               lambda before: substitute(ref("1.5"), before))),
    of_notes("section 1.2: its covariance",
             r"\operatorname{Cov}[b\sum_{k=0}^{t-1}a^k\epsilon_{t-k}] = b^2\frac{1-a^{@}}{1-a^2}I",
             "2(t-1)", "2t", by=lambda: increments(1)),
    of_notes("section 1.3: two steps at once",
             r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
             r"+\sqrt{\alpha_t}\sqrt{1-\alpha_{t-1}}\,\epsilon_{t-1}+@\epsilon_t",
             r"\sqrt{\alpha_{t-1}}\,", r"\sqrt{1-\alpha_t}\,", by=two_steps, start=2),
    of_notes("section 1.3: the merged noise is a new one",
             r"x_t @ \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
             r"+\sqrt{1-\alpha_t\alpha_{t-1}}\,\epsilon_{t-1}",
             "=", r"\overset{d}{=}", by=two_steps, start=2),
    of_notes("section 1.4: the variance of the step back",
             r"\tilde\beta_t = \frac{(1-\alpha_t)(1-@)}{1-\bar\alpha_t}",
             r"\sqrt{\bar\alpha_{t-1}}", r"\bar\alpha_{t-1}"),
    of_notes("section 1.4: the same in the law",
             r"q(x_{t-1}\mid x_t,x_0) = \mathcal N(x_{t-1};\tilde\mu_t(x_t,x_0),"
             r"\frac{(1-\alpha_t)(1-@)}{1-\bar\alpha_t}I)",
             r"\sqrt{\bar\alpha_{t-1}}", r"\bar\alpha_{t-1}",
             by=lambda: from_square("3.2"), start=2),
    of_notes("section 1.5: divergences from t = 1 beside L_0", BOUND,
             r"\sum_{t=1}^{T}\mathbb E_{q(x_t\mid x_0)}", FROM_TWO, by=by_telescoping),
    of_notes("section 1.5: the expectation", BOUND,
             r"\sum_{t=2}^{T}", FROM_TWO, by=by_telescoping),
    of_notes("section 1.5: the weight of the image", X0_ERROR,
             r"\frac{(1-\alpha_t)\sqrt{\bar\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)}",
             r"\frac{(1-\alpha_t)^2\bar\alpha_{t-1}}{2\tilde\beta_t(1-\bar\alpha_t)^2}", start=2),
    of_notes("section 1.5: the same by the ratio of signal to noise", X0_ERROR,
             r"\frac{(1-\alpha_t)\sqrt{\bar\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)}",
             r"\frac12(\mathrm{SNR}_{t-1}-\mathrm{SNR}_t)", start=2),
    of_notes("section 1.5: the noised image",
             r"x_t \overset{d}{=} @x_0+\sqrt{1-\bar\alpha_t}\,\epsilon",
             r"\bar\alpha_t", r"\sqrt{\bar\alpha_t}\,", by=lambda: draw(ref("2.6"), r"\epsilon")),
    of_notes("section 1.5: the same in the algorithm",
             r"q(x_t\mid x_0) = \mathcal N(x_t;@x_0,(1-\bar\alpha_t)I)",
             r"\bar\alpha_t", r"\sqrt{\bar\alpha_t}\,"),
    of_notes("section 1.5: the weight of the noise", NOISE_ERROR,
             r"\frac{(1-\alpha_t)^2\sqrt{\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)^2}",
             r"\frac{(1-\alpha_t)^2}{2\tilde\beta_t\alpha_t(1-\bar\alpha_t)}",
             by=lambda: using("80.5"), start=2),
    of_notes("section 1.6: the linear-Gaussian theorem, square",
             r"K^{-1}+B\Lambda^{-1}B^\top-K^{-1} = @", r"BK^{-1}B^{-1}", r"B\Lambda^{-1}B^\top"),
    spelt("F68, section 1.6: the linear-Gaussian theorem, not square", "shapes do not fit",
          r"r(Y) = \mathcal N(Y;Am+h,L^{-1}+@)", r"AL^{-1}A^{-1}", r"A\Lambda^{-1}A^\top",
          by=lambda: marginal("r(Y)", "80.9", "80.10")),
]

PAIRS = READER + SIGNS + PROOFS_AND_NUMBERS + KINDS + DERIVATIONS + DENSITIES + MATRICES + NOTES


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_refused_and_accepted(pair):
    with pytest.raises(AlgebraError, match=pair.reason):
        pair.wrong()
    pair.right()


PROVED = [pair for pair in PAIRS if pair.reason == "is wrong"]
TRIED = [pair for pair in PAIRS if pair.reason == IN_A_CHAIN]


@pytest.mark.parametrize("pair", PROVED + TRIED, ids=lambda pair: pair.name)
def test_numbers_alone_refuse(pair, monkeypatch):
    monkeypatch.setattr(algebra, "vanishes", lambda expr: True)
    with pytest.raises(AlgebraError, match=pair.reason):
        pair.wrong()


@pytest.mark.parametrize("pair", PROVED, ids=lambda pair: pair.name)
def test_proof_alone_refuses(pair, monkeypatch):
    for name in ("refute", "refute_in_chains"):
        monkeypatch.setattr(algebra, name, lambda *claimed, **how: None)
    with pytest.raises(AlgebraError, match="was not proved|does not follow"):
        pair.wrong()
