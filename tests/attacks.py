r"""False statements by kinds of unsoundness, each with the error that has to stop it.

A1 to I3 are the statements that the first checking tool of this course called derived, restated;
the others of each kind are new. Every one is tried in a copy of the book after chapter 07, as it is
and by the kernel alone, without the second opinion in numbers.
`python tests/attacks.py` prints the table.
"""

import copy
import dataclasses
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple
from unittest import mock

import sympy as sp
from sympy.core.function import UndefinedFunction

from ddpm_course.proofs import (
    ProofError,
    WrongRule,
    after,
    assume,
    cite,
    condition,
    define,
    eq,
    gap,
    importance,
    increments,
    induct,
    induct_down,
    innovation,
    kernel,
    mix,
    notation,
    numeric,
    oracle,
    process,
    tangent,
    using,
)
from ddpm_course.proofs.book import Book, book, in_book
from ddpm_course.proofs.derivatives import gradient
from ddpm_course.proofs.display import facts
from ddpm_course.proofs.kernel import Theorem
from ddpm_course.proofs.matrices import Det, Matrix, Trace
from ddpm_course.proofs.statements import AtMost, Equal, Token
from ddpm_course.proofs.terms import (
    EE,
    EV,
    STATE,
    T_,
    VECTOR,
    Dot,
    M,
    Range,
    Term,
    k_,
    s_,
    span,
    t_,
)
from ddpm_course.proofs.theory import Definition, Theory
from ddpm_course.proofs.zero import Context

KINDS = {
    "A": "a name takes a value that is not its own",
    "B": "an induction uses its own conclusion",
    "C": "equal in law is taken for equal; one noise is used twice",
    "D": "a mean or a covariance forgets what depends on what",
    "E": "true in one dimension only",
    "F": "a law is that of another process",
    "G": "definitions contradict each other",
    "H": "limits, empty ranges, points where a side has no value, and LaTeX that is misread",
    "I": "tried in numbers and called derived; forged theorems",
    "J": "a letter of a sum takes what stands outside of it",
    "K": "a letter brings a meaning or an assumption that nobody declared",
    "L": "a statement is used after the last t of its proof",
    "M": "s, which is bounded by t, moves with it",
    "N": "a derivative forgets what moves, or is taken where there is none",
}


class Attack(NamedTuple):
    """`refused` names the error that stops it, with the rule of a WrongRule, and `alone` the one of
    the kernel alone; "numeric" stands for a claim that it lets pass as tried, not as derived."""

    id: str
    says: str
    run: Callable
    refused: str
    alone: str

    @property
    def kind(self) -> str:
        return self.id[0]


def attack(
    id: str,
    latex: str,
    refused: str,
    alone: str,
    *before: Callable,
    by: Callable = lambda: None,
    start: int = 1,
) -> Attack:
    """A formula is claimed, after what stands before it."""

    def run():
        for step in before:
            step()
        return eq("99.9", latex, by=by(), start=start)

    return Attack(id, latex, run, refused, alone)


def definition(id: str, latex: str, refused: str, *before: Callable, start: int = 1) -> Attack:
    """A definition, which is refused before anything is tried in numbers."""

    def run():
        for step in before:
            step()
        return define("99.9", latex, start=start)

    return Attack(id, latex, run, refused, refused)


def rule(id: str, says: str, refused: str, run: Callable) -> Attack:
    """A rule of the kernel, or Python itself, is asked; the second opinion has no part in it."""
    return Attack(id, says, lambda: run(book().theory), refused, refused)


def step(word: Callable, *arguments, **options) -> Callable:
    return lambda: word(*arguments, **options)


def proved(number: str) -> Theorem:
    return book()[number].theorem


def said(error: Exception) -> str:
    """An error by its type; a WrongRule with its rule."""
    return f"WrongRule {error.rule}" if isinstance(error, WrongRule) else type(error).__name__


@cache
def standing() -> Book:
    with in_book(Book()) as made:
        after("07_ddim")
        return made


def outcome(attack: Attack, alone: bool) -> str:
    """The error that stops an attack, or the verdict of what passed."""
    with (
        in_book(standing().copy()),
        mock.patch.object(
            oracle,
            "refute",
            **({"new": lambda *claim, **how: 1} if alone else {"side_effect": oracle.refute}),
        ),
    ):
        try:
            made = attack.run()
        except Exception as error:
            return said(error)  # noqa: BLE001
        return getattr(made, "verdict", None) or getattr(made, "strength", "accepted")


# --- Words that several attacks share -------------------------------------------------------------


def again(earlier):
    """The step of an induction that gives its hypothesis back."""
    return using(earlier)


def shifted(earlier):
    """The hypothesis, moved from t-1 to t."""
    return lambda b, goal: kernel.at(b.theory, earlier, t_ + 1)


alpha, abar, x, noise = (
    sp.Function(name) for name in (r"\alpha_t", r"\bar\alpha_t", "•x_t", r"→\epsilon_t")
)
C, SAME = sp.Symbol("c"), Equal(Term(abar(t_)), Term(alpha(t_)))


def base_of(theory) -> Theorem:
    """The claim SAME at t = 1."""
    return kernel.calc(theory, Term(abar(1)), Term(alpha(1)), (), Range())


PHI = step(notation, r"\phi_t", "noise", "another noise")
Y, Y_t, G_t = (
    step(notation, name, kind, "a letter of its own")
    for name, kind in (("y", "scalar"), ("y_t", "scalar"), ("g_t", "sequence"))
)
Q_B = step(process, "q_b", "forward", "another chain")
CLOSED = r"q(x_t\mid x_0) = \mathcal N(x_t;@)"
EVIDENCE = (
    r"\mathbb E_{q(x_{1:T}\mid x_0)}"
    r"\left[\frac{p_\theta(x_{0:T})}{q(x_{1:T}\mid x_0)}\right]"
)
THREE = r"(T-2)(T-3)(T-4)"


def closed(normal: str) -> str:
    return CLOSED.replace("@", normal)


def closed_by_another(theory) -> Theorem:
    (hypothesis, _), (_, other) = kernel.suppose(theory, SAME, 1), kernel.suppose(theory, SAME, 1)
    return kernel.induct(theory, other, base_of(theory), hypothesis)


def from_another_book(theory) -> Theorem:
    elsewhere, th = kernel.define(theory, "99.1", C, Term(sp.S.One))
    return kernel.restate(theory, th, th.claim, Range())


def step_from_five(theory) -> Theorem:
    hypothesis, token = kernel.suppose(theory, SAME, 1)
    step = kernel.restate(theory, hypothesis, hypothesis.claim, Range(5))
    return kernel.induct(theory, token, base_of(theory), step)


def base_is_open(theory) -> Theorem:
    hypothesis, token = kernel.suppose(theory, SAME, 1)
    return kernel.induct(theory, token, hypothesis, hypothesis)


POSITIVE, EVEN = sp.Symbol("c", positive=True), sp.Dummy("k", even=True)
EARLIER = r"|\bar\alpha_{T-1}-\bar\alpha_t| = \bar\alpha_t-\bar\alpha_{T-1}, proved for t < T"


def same_numbers(theory, left, right, using=(), rng=Range()) -> Theorem:
    return kernel.calc(theory, Term(left), Term(right), using, rng)


def given_by_the_letter_of_the_sum(theory) -> Theorem:
    inside = sp.Sum(x(k_), (k_, 1, 2))
    means = EV(sp.Symbol("q"), sp.Tuple(span(k_)), inside)
    left, right = (Term(sp.Sum(alpha(k_) * v, (k_, 1, 2)), "vector") for v in (means, inside))
    return kernel.calc(theory, left, right, (), Range())


def letter_of_the_program(theory) -> Theorem:
    F, theory = sp.Function("F0"), theory.with_symbol("F0", "scalar", "real")
    return same_numbers(theory, sp.Sum(alpha(k_), (k_, 1, t_)), F(t_ + 1) - F(1))


def distance(one, two) -> sp.Expr:
    return sp.sqrt(sp.expand((one - two) ** 2))


def before_the_last(theory) -> Theorem:
    gap = abar(t_) - abar(T_ - 1)
    return same_numbers(theory, distance(abar(t_), abar(T_ - 1)), gap, (), Range(1, T_ - 1))


def moved_by_calc(theory) -> Theorem:
    gap = lambda n: distance(abar(n), abar(s_)) + abar(n) - abar(s_)
    mean = lambda n: EV(sp.Symbol("q"), sp.Tuple(span(n - 1)), x(n))
    right = lambda n: sp.sqrt(alpha(n)) * x(n - 1) + gap(n) * sp.Symbol(r"→\mu")
    claim = lambda n: (Term(mean(n), "vector"), Term(right(n), "vector"))
    odd = kernel.calc(theory, *claim(t_), [proved("1.1")], Range())
    return kernel.calc(theory, *claim(t_ - 3), [odd], Range(4))


def sine_without_its_sign(theory) -> Theorem:
    phi, theory = sp.Symbol("ψ"), theory.with_symbol("ψ", "variable", "real")
    return same_numbers(theory, sp.sqrt(1 - sp.cos(phi) ** 2), sp.sin(phi))


TAU, ANGLE, PLACE, SHARE, PATH, FIELD = (
    step(notation, name, kind, "a letter that moves, or may move")
    for name, kind in (
        (r"\tau", "variable"),
        (r"\phi", "variable"),
        ("g", "point"),
        (r"S(\tau)", "smooth"),
        (r"y(\tau)", "path"),
        (r"D(\tau)", "scalar"),
    )
)
MOVING = (
    TAU,
    Q_B,
    step(define, "99.1", r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;\tau\,x_{t-1},I)"),
)
ITS_NOISE = (
    step(notation, r"\psi_t", "noise", "its noise"),
    step(eq, "99.2", r"x_t = \tau\,x_{t-1}+\psi_t", by=innovation("99.1")),
)

ATTACKS = [
    # --- A: names
    attack("A1", r"\pi = 1", "Refuted", "NotProved", by=lambda: using("7.40")),
    attack("A2", r"d = 1", "Refuted", "NotProved", by=lambda: using("7.40")),
    attack("A3", r"\alpha_t = 1", "Refuted", "NotProved", by=lambda: using("7.40")),
    attack("A4", r"\beta_t = 0", "Refuted", "NotProved", by=lambda: using("7.40")),
    attack(
        "A5",
        r"\sigma_t = \frac{(1-\alpha_t)(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}",
        "Refuted",
        "NotProved",
        by=lambda: using("3.5"),
    ),
    definition("A6", r"\alpha_t := 1", "WrongRule define"),
    definition("A7", r"\beta_t := 0", "WrongRule define"),
    definition("A8", r"T := 4", "WrongRule define"),
    definition("A9", r"\pi := 3", "WrongRule define"),
    definition("A10", r"x_t := 0x_0", "WrongRule define"),
    definition("A11", r"c := c+1", "WrongRule define"),
    definition("A12", r"y := \lVert x_0\rVert^2", "WrongRule define", Y),
    definition("A13", r"y := t", "WrongRule define", Y),
    attack(
        "A14", r"\eta = \mathrm{SNR}_t", "Refuted", "NotProved", by=lambda: using("2.8", "7.21")
    ),
    definition("A15", r"\xi := \mu", "Unreadable"),
    # --- B: induction
    attack(
        "B1",
        closed(r"\sqrt{\bar\alpha_t}\,x_0,(1-\alpha_t)I"),
        "Refuted",
        "WrongRule at",
        by=lambda: induct("1.1", shifted),
    ),
    attack(
        "B2",
        closed(r"\sqrt{\alpha_t^t}\,x_0,(1-\alpha_t^t)I"),
        "Refuted",
        "WrongRule at",
        by=lambda: induct("1.1", again),
    ),
    attack("B3", r"\nu_t = 1-\alpha_t^t", "Refuted", "NotProved", by=lambda: induct("1.20", again)),
    attack(
        "B4",
        closed(r"\sqrt{\bar\alpha_t}\,x_0,(1-\alpha_t)I"),
        "Refuted",
        "NotProved",
        by=lambda: induct("1.1", lambda earlier: mix(earlier, "1.1")),
    ),
    attack(
        "B5",
        closed(r"\sqrt{\bar\alpha_t}\,x_0,(1-\alpha_t)I"),
        "Refuted",
        "WrongRule law",
        by=lambda: induct("1.1", lambda earlier: using("1.1")),
    ),
    attack(
        "B6",
        r"q_\sigma(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_T}\,x_0,(1-\bar\alpha_T)I)",
        "Refuted",
        "WrongRule at",
        by=lambda: induct_down("7.18", again),
    ),
    attack(
        "B7",
        r"p_\theta(x_t) = \mathcal N(x_t;0,I)",
        "Refuted",
        "WrongRule mix",
        by=lambda: induct_down("4.17", lambda later: mix(later, "4.11")),
    ),
    attack(
        "B8",
        r"\nu_t = 2-\prod_{s=1}^{t}\alpha_s",
        "Refuted",
        "NotProved",
        by=lambda: induct("1.20", lambda earlier: using("1.20", earlier)),
    ),
    attack(
        "B9", r"\sum_{k=0}^{t-1}a^k = \frac{1-a^{2t}}{1-a^2}", "Refuted", "NotProved", by=increments
    ),
    attack(
        "B10",
        r"\nu_t = 1-\alpha_1\alpha_t",
        "Refuted",
        "NotProved",
        by=lambda: induct("1.20", lambda earlier: using("1.20", earlier)),
        start=2,
    ),
    attack(
        "B11",
        r"q_\tau(x_s\mid x_0) = \mathcal N(x_s;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_s)I)",
        "Refuted",
        "WrongRule suppose",
        by=lambda: induct("7.32", again),
        start=2,
    ),
    rule(
        "B12",
        r"\bar\alpha_t = \alpha_t by a step that starts at t = 5",
        "WrongRule induct",
        step_from_five,
    ),
    rule(
        "B13",
        "an induction whose base rests on its own hypothesis",
        "WrongRule induct",
        base_is_open,
    ),
    # --- C: laws and equality
    attack(
        "C1",
        r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon",
        "Refuted",
        "NotProved",
        by=lambda: using("1.1"),
    ),
    attack(
        "C2",
        r"\epsilon = -\epsilon",
        "Refuted",
        "NotProved",
        step(
            eq,
            "99.1",
            r"x_t \overset{q\mid x_0}{=} \sqrt{\bar\alpha_t}\,x_0-\sqrt{1-\bar\alpha_t}\,\xi",
        ),
        by=lambda: using("99.1", "2.7", "5.0"),
    ),
    attack(
        "C3",
        r"\frac{x_t-\sqrt{\bar\alpha_t}\,x_0}{\sqrt{1-\bar\alpha_t}} = \frac{x_{t-1}-"
        r"\sqrt{\bar\alpha_{t-1}}\,x_0}{\sqrt{1-\bar\alpha_{t-1}}}",
        "Refuted",
        "NotProved",
        by=lambda: using("5.0", "7.5", "7.6"),
        start=2,
    ),
    attack(
        "C4",
        r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}+\sqrt{1-\alpha_t\alpha_{t-1}}\,\epsilon_t",
        "Refuted",
        "NotProved",
        by=lambda: using("2.5"),
        start=2,
    ),
    attack(
        "C5",
        r"x_t = \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\xi",
        "WrongRule second opinion",
        "Unreadable",
        by=lambda: using("2.7"),
    ),
    attack("C6", r"\xi+\xi \overset{d}{=} \sqrt2\,\xi", "Refuted", "NotProved"),
    attack("C7", r"\epsilon_t = \epsilon", "Refuted", "NotProved", by=lambda: using("1.2", "5.0")),
    attack(
        "C8",
        r"\epsilon_t = \epsilon_{t-1}",
        "Refuted",
        "NotProved",
        by=lambda: using("1.2"),
        start=2,
    ),
    attack(
        "C9",
        r"x_t \overset{q\mid x_0}{=} \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\epsilon",
        "WrongRule second opinion",
        "WrongRule combination",
        by=lambda: using("2.6"),
    ),
    attack(
        "C10",
        r"x_t+x_{t-1} \overset{q\mid x_0}{=} (\sqrt{\bar\alpha_t}+\sqrt{\bar"
        r"\alpha_{t-1}})x_0+\sqrt{2-\bar\alpha_t-\bar\alpha_{t-1}}\,\xi",
        "Refuted",
        "WrongRule combination",
        by=lambda: using("2.6"),
        start=2,
    ),
    attack(
        "C11",
        r"\operatorname{Cov}_{q(x_{1:T}\mid x_0)}[\epsilon+\epsilon_t] = 2I",
        "Refuted",
        "WrongRule combination",
    ),
    attack(
        "C12",
        r"\epsilon_t-\zeta_t \overset{q\mid x_{t-1}}{=} \sqrt2\,\xi",
        "Refuted",
        "WrongRule combination",
    ),
    attack(
        "C13",
        r"x_t \overset{d}{=} \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\xi",
        "Refuted",
        "WrongRule combination",
    ),
    rule(
        "C14",
        r"\epsilon_t+\epsilon_{t-1} given x_{t-1} as N(0,2I)",
        "WrongRule combination",
        lambda theory: kernel.combination(
            theory, sp.Symbol("q"), frozenset({span(t_ - 1)}), noise(t_) + noise(t_ - 1), Range(2)
        ),
    ),
    # --- D: means and covariances
    attack(
        "D1",
        r"\mathbb E_{q(x_t\mid x_0)}[\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2] "
        r"= d+\mathbb E_{q(x_t\mid x_0)}[\lVert\hat\epsilon_\theta(x_t,t)\rVert^2]",
        "Refuted",
        "NotProved",
        by=lambda: using("2.6"),
    ),
    attack("D2", r"\mathbb E_{q(x_t\mid x_0)}[x_t] = x_t", "Refuted", "NotProved"),
    attack(
        "D3", r"\operatorname{Cov}_{q(x_t\mid x_0)}[x_t] = 0I", "Refuted", "WrongRule combination"
    ),
    attack(
        "D4",
        r"\mathbb E_{q(x_t\mid x_0)}[\lVert x_t-\epsilon\rVert^2] = \lVert x_t\rVert^2+d",
        "Refuted",
        "NotProved",
    ),
    attack(
        "D5",
        r"x_t-\sqrt{1-\bar\alpha_t}\,\epsilon \overset{q\mid x_0}{=} x_t+\sqrt{1-\bar"
        r"\alpha_t}\,\epsilon",
        "WrongRule second opinion",
        "WrongRule combination",
    ),
    attack(
        "D6",
        r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}\left[\sum_{k=0}^{t-1}a^k\zeta_{t-k}+"
        r"\sum_{k=0}^{t-1}\zeta_{t-k}\right] = \sum_{k=0}^{t-1}(a^{2k}+1)\,I",
        "Refuted",
        "NotProved",
    ),
    attack(
        "D7",
        r"\mathbb E_{q(x_t\mid x_0)}[\lVert x_t\rVert^2] = \lVert\sqrt{\bar\alpha_t}\,x_0"
        r"+\sqrt{1-\bar\alpha_t}\,\epsilon\rVert^2",
        "Refuted",
        "NotProved",
        by=lambda: using("5.0"),
    ),
    attack(
        "D8",
        r"\mathbb E_{\xi}[\lVert\xi-\hat\epsilon_\theta(x_t,t)\rVert^2] = d+\lVert\hat"
        r"\epsilon_\theta(x_t,t)\rVert^2",
        "Unreadable",
        "Unreadable",
    ),
    attack(
        "D9",
        r"\mathbb E_{q(x_t\mid x_0)}[\mathbb E_{q(x_1\mid x_t)}[\lVert x_1\rVert^2]] = "
        r"\mathbb E_{q(x_1\mid x_0)}[\lVert x_1\rVert^2]",
        "Refuted",
        "NotProved",
        start=2,
    ),
    attack(
        "D10",
        r"\mathbb E_{q(x_t\mid x_0)}[\langle\epsilon,\hat\epsilon_\theta(x_t,t)\rangle] = 0",
        "Refuted",
        "NotProved",
    ),
    attack(
        "D11",
        r"\mathbb E_{q(x_{t-1},x_t\mid x_0)}[\langle\epsilon_t,x_t\rangle] = 0",
        "Refuted",
        "NotProved",
        by=lambda: using("1.1", "2.6"),
        start=2,
    ),
    attack(
        "D12",
        r"\operatorname{Cov}_{q(x_{1:T}\mid x_0)}[\epsilon_t+\hat x_\theta(x_t,t)] = I",
        "Refuted",
        "WrongRule combination",
    ),
    attack(
        "D13",
        r"\operatorname{Cov}_{q(x_t\mid x_{t-1})}[\lVert x_t\rVert^2\epsilon_t] = ("
        r"\lVert x_t\rVert^2)^2I",
        "WrongRule combination",
        "WrongRule combination",
    ),
    attack(
        "D14",
        r"\mathbb E_{q(x_0)}[\log q(x_0)] = \log\mathbb E_{q(x_0)}[q(x_0)]",
        "Refuted",
        "Undefined",
    ),
    attack(
        "D15",
        r"\mathbb E_{q(x_1\mid x_0)}[x_2] = \sqrt{\alpha_2}\,x_1",
        "Undefined",
        "Unreadable",
        by=lambda: using("1.2"),
        start=2,
    ),
    attack(
        "D16",
        r"\mathbb E_{q(x_0\mid x_t)}[\lVert x_0-h\rVert^2] = \lVert\mathbb E_{q(x_0\mid "
        r"x_t)}[x_0]-h\rVert^2",
        "Refuted",
        "NotProved",
    ),
    attack(
        "D17",
        r"\mathbb E_{\xi}[\lVert\mu+\sqrt v\,\xi\rVert^2] = \lVert\mu\rVert^2+d\sqrt v",
        "Refuted",
        "NotProved",
    ),
    rule(
        "D18",
        r"\lVert x_t\rVert^2\epsilon_t given x_{t-1} as a normal law",
        "WrongRule combination",
        lambda theory: kernel.combination(
            theory,
            sp.Symbol("q"),
            frozenset({span(t_ - 1)}),
            Dot(x(t_), x(t_)) * noise(t_),
            Range(),
        ),
    ),
    # --- E: one dimension only
    attack(
        "E1",
        r"(\lVert x_t+x_0\rVert^2-\lVert x_t\rVert^2-\lVert x_0\rVert^2)^2 = 4\lVert x_t"
        r"\rVert^2\lVert x_0\rVert^2",
        "Refuted",
        "NotProved",
    ),
    attack(
        "E2",
        r"\mathbb E_{\xi}[(\lVert x+\xi\rVert^2-\lVert x\rVert^2-\lVert\xi\rVert^2)("
        r"\lVert h+\xi\rVert^2-\lVert h\rVert^2-\lVert\xi\rVert^2)] = 2d(\lVert x+h\rVert^2-"
        r"\lVert x\rVert^2-\lVert h\rVert^2)",
        "Refuted",
        "WrongRule mean",
    ),
    attack(
        "E3",
        r"\mathbb E_{q(x_0\mid x_t)}[(\lVert x_0+h\rVert^2-\lVert x_0\rVert^2-\lVert h"
        r"\rVert^2)^2] = 4\lVert h\rVert^2\mathbb E_{q(x_0\mid x_t)}[\lVert x_0\rVert^2]",
        "Refuted",
        "NotProved",
    ),
    attack(
        "E4",
        r"\mathrm{tr}(LL^{-1}) = \mathrm{tr}(\Lambda\Lambda^{-1})",
        "Refuted",
        "WrongRule calc",
    ),
    attack(
        "E5",
        r"\langle x_t,x_0\rangle^2 = \lVert x_t\rVert^2\lVert x_0\rVert^2",
        "Refuted",
        "NotProved",
    ),
    attack("E6", r"\langle x,h\rangle\mu = \langle\mu,h\rangle x", "Refuted", "NotProved"),
    attack(
        "E7",
        r"\mathcal N(x;\mu,vI) = (2\pi v)^{-\frac12}\exp\left(-\frac{\lVert x-\mu"
        r"\rVert^2}{2v}\right)",
        "Refuted",
        "NotProved",
    ),
    attack(
        "E8",
        r"D_{KL}(\mathcal N(\mu_1,v_1I)\|\mathcal N(\mu_2,v_2I)) = \frac12\left("
        r"\frac{v_1}{v_2}+\frac{\lVert\mu_1-\mu_2\rVert^2}{v_2}-1+\log\frac{v_2}{v_1}\right)",
        "Refuted",
        "NotProved",
    ),
    attack("E9", r"\Sigma_1\Sigma_2 = \Sigma_2\Sigma_1", "Refuted", "NotProved"),
    attack(
        "E10",
        r"\mathrm{tr}(\Sigma_1\Sigma_2) = \mathrm{tr}(\Sigma_1)\mathrm{tr}(\Sigma_2)",
        "Refuted",
        "NotProved",
    ),
    attack("E11", r"X^\top X\Lambda = X^\top\Lambda X", "Refuted", "NotProved"),
    attack(
        "E12",
        r"\mathrm{tr}(\Sigma_1\Sigma_2\Sigma V) = \mathrm{tr}(\Sigma_2\Sigma_1\Sigma V)",
        "Refuted",
        "NotProved",
    ),
    attack("E13", r"\mathbb E_{\xi}[\langle\xi,h\rangle\xi] = d\,h", "Refuted", "WrongRule mean"),
    attack(
        "E14",
        r"\lvert\Sigma_1+\Sigma_2\rvert = \lvert\Sigma_1\rvert+\lvert\Sigma_2\rvert",
        "Refuted",
        "NotProved",
    ),
    # --- F: another process
    attack(
        "F1",
        r"p_\theta(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("2.6"),
    ),
    attack(
        "F2",
        r"q(x_{t-1}\mid x_t) = \mathcal N\left(x_{t-1};\frac{\sqrt{\alpha_t}\,(1-\bar"
        r"\alpha_{t-1})}{1-\bar\alpha_t}\,x_t+\frac{\sqrt{\bar\alpha_{t-1}}\,\beta_t}{1-\bar"
        r"\alpha_t}\,\hat\mu_t(x_t),\left(\tilde\beta_t+\frac{\bar\alpha_{t-1}\,\beta_t^2}{(1-"
        r"\bar\alpha_t)^2}\,\hat\kappa_t\right)I\right)",
        "Refuted",
        "WrongRule mix",
        by=lambda: mix("4.23", "3.4"),
        start=2,
    ),
    attack(
        "F3",
        r"q_\sigma(x_{t-1}\mid x_t,x_0) = \mathcal N(x_{t-1};\tilde\mu_t(x_t,x_0),\tilde"
        r"\beta_tI)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("3.4"),
        start=2,
    ),
    attack(
        "F4",
        r"q_\sigma(x_t\mid x_{t-1}) = \mathcal N(x_t;\sqrt{\alpha_t}\,x_{t-1},(1-\alpha_t)I)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("1.1"),
    ),
    attack(
        "F5",
        r"q(x_0\mid x_t) = \mathcal N(x_0;\hat\mu_t(x_t),\hat\kappa_tI)",
        "Refuted",
        "WrongRule condition",
        by=lambda: condition("4.19", "2.6"),
    ),
    attack(
        "F6",
        r"q(x_t) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,\mu,(\bar\alpha_t\kappa+1-\bar"
        r"\alpha_t)I)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("4.21"),
    ),
    attack(
        "F7",
        r"q_a(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("2.6"),
    ),
    attack(
        "F8",
        r"\tilde q(x_{t-1}\mid x_0) = \mathcal N(x_{t-1};\sqrt{\bar\alpha_{t-1}}\,x_0,(1-"
        r"\bar\alpha_{t-1})I)",
        "Refuted",
        "WrongRule law",
        by=lambda: using("2.6", "7.20"),
        start=2,
    ),
    attack(
        "F9",
        r"q_\sigma(x_t\mid x_{t-1},x_0) = q_\sigma(x_t\mid x_{t-1})",
        "Refuted",
        "NotProved",
        start=2,
    ),
    attack(
        "F10",
        r"\epsilon \overset{p_\theta\mid x_0}{=} \xi",
        "WrongRule combination",
        "WrongRule combination",
    ),
    attack(
        "F11",
        r"\operatorname{Cov}_{q(x_{1:T}\mid x_0)}[\zeta_t] = I",
        "Refuted",
        "WrongRule combination",
    ),
    attack(
        "F12",
        r"p_\sigma(x_{t-1}\mid x_t) = p_\theta(x_{t-1}\mid x_t)",
        "Refuted",
        "NotProved",
        by=lambda: using("4.11", "7.36"),
        start=2,
    ),
    attack(
        "F13",
        r"\mathbb E_{p_\theta(x_{1:T}\mid x_0)}\left[\frac{p_\theta(x_{0:T})}{q(x_{1:T}"
        r"\mid x_0)}\right] = p_\theta(x_0)",
        "Refuted",
        "NotProved",
        by=importance,
    ),
    attack(
        "F14",
        r"D_{KL}(p_\theta(x_0)\|q(x_0)) = D_{KL}(q(x_0)\|p_\theta(x_0))",
        "Refuted",
        "NotProved",
    ),
    rule(
        "F15",
        "(2.6) as a law of p_theta",
        "WrongRule restate",
        lambda theory: kernel.restate(
            theory,
            proved("2.6"),
            dataclasses.replace(proved("2.6").claim, process=sp.Symbol(r"p_\theta")),
            Range(),
        ),
    ),
    rule(
        "F16",
        "the start of q_kappa mixed with the step of q",
        "WrongRule mix",
        lambda theory: kernel.mix(theory, proved("4.19"), proved("2.6")),
    ),
    rule(
        "F17",
        "(2.6) as a law of the trial chain",
        "WrongRule instance",
        lambda theory: kernel.instance(theory, proved("2.6"), "q_a"),
    ),
    # --- G: definitions against each other
    attack(
        "G1",
        r"x_{t-1} = \frac{\sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t-b\,"
        r"\epsilon_t}{a}",
        "Refuted",
        "NotProved",
        by=lambda: using("1.5", "1.2"),
    ),
    attack(
        "G2",
        r"g_{t-1} = g_{t-1}+1",
        "WrongRule define",
        "WrongRule define",
        G_t,
        step(define, "99.1", r"g_0 := 0"),
        step(define, "99.2", r"g_t := g_{t-1}+1"),
        step(define, "99.3", r"g_t := g_{t-1}+2"),
    ),
    definition("G3", r"q(x_s\mid x_{s-1}) := \mathcal N(x_s;x_{s-1},I)", "Undefined"),
    definition("G4", r"q(x_t\mid x_{t-1},x_0) := q(x_t\mid x_0)", "Unreadable"),
    attack(
        "G5",
        r"2\nu_1 = 14",
        "WrongRule define",
        "WrongRule define",
        step(define, "99.1", r"\nu_1 := 7"),
    ),
    definition("G6", r"q(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)", "WrongRule declare"),
    definition("G7", r"q(x_0) := \mathcal N(x_0;0,I)", "WrongRule declare"),
    definition(
        "G8", r"q_\kappa(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)", "WrongRule declare"
    ),
    definition(
        "G9",
        r"q_\sigma(x_s\mid x_t,x_0) := \mathcal N(x_s;\sqrt{\bar\alpha_s}\,x_0,"
        r"\sigma_t^2I)",
        "WrongRule declare",
        start=2,
    ),
    attack(
        "G10",
        r"x_t = a\,x_{t-1}+b\,\epsilon_t",
        "WrongRule define",
        "WrongRule define",
        by=lambda: innovation("1.4a"),
    ),
    attack(
        "G11",
        r"v_t is declared beside v_1",
        "WrongRule notation",
        "WrongRule notation",
        step(notation, "v_t", "scalar", "clashes with v_1"),
    ),
    attack(
        "G12",
        r"q is declared again, to run backward",
        "WrongRule notation",
        "WrongRule notation",
        step(process, "q", "backward", "again"),
    ),
    definition("G13", r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;x_0,I)", "WrongRule declare", Q_B),
    definition("G14", r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},cI)", "Undefined", Q_B),
    definition(
        "G15",
        r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},\lVert x_{t-1}\rVert^2I)",
        "WrongRule declare",
        Q_B,
    ),
    attack(
        "G16",
        r"(2.6) is another formula",
        "WrongRule number",
        "WrongRule number",
        step(eq, "2.6", r"\bar\alpha_0 = 1"),
    ),
    attack(
        "G17",
        r"g_0 := 0, and g_0 := 1",
        "WrongRule define",
        "WrongRule define",
        G_t,
        step(define, "99.1", r"g_0 := 0"),
        step(define, "99.2", r"g_0 := 1"),
    ),
    attack(
        "G18",
        r"y_t := w, w := y_t",
        "WrongRule define",
        "WrongRule define",
        Y_t,
        step(notation, "z_t", "scalar", ""),
        step(define, "99.1", r"y_t := z_t+1"),
        step(define, "99.2", r"z_t := y_t+1"),
    ),
    rule(
        "G19",
        "a second step of q, declared by the rule itself",
        "WrongRule declare",
        lambda theory: kernel.declare(
            theory, "99.1", dataclasses.replace(proved("1.1").claim, mean=x(t_ - 1)), 1
        ),
    ),
    # --- H: limits, ranges, reading
    attack("H1", r"\lim_{t\to\infty}\alpha_t = 1\alpha_t", "WrongRule limit", "WrongRule limit"),
    attack(
        "H2", r"\lim_{t\to\infty}\frac{a^t}{\sigma_t} = 0", "WrongRule limit", "WrongRule limit"
    ),
    attack(
        "H3",
        r"\prod_{k=3}^{t}\alpha_k = \frac{\bar\alpha_t}{\alpha_1\alpha_2}",
        "Undefined",
        "Undefined",
    ),
    attack(
        "H4",
        r"x_1 = \sqrt{\alpha_1\alpha_0}\,x_{-1}+\sqrt{1-\alpha_1\alpha_0}\,\epsilon_1",
        "Undefined",
        "Undefined",
        by=lambda: using("2.5"),
    ),
    attack(
        "H5",
        r"q(x_0\mid x_1,x_0) = \mathcal N(x_0;\tilde\mu_1(x_1,x_0),\tilde\beta_1I)",
        "WrongRule second opinion",
        "Undefined",
        by=lambda: using("3.4"),
    ),
    attack("H6", r"\log(\kappa)^2 = 2\log(\kappa)", "Unreadable", "Unreadable"),
    attack("H7", r"\kappa^\alpha_t\kappa = \kappa^{1+\alpha_t}", "Unreadable", "Unreadable"),
    attack(
        "H8",
        r"\frac{\alpha_t-\alpha_{t-1}}{\alpha_t-\alpha_{t-1}} = 1",
        "Undefined",
        "Undefined",
        start=2,
    ),
    attack("H9", r"\lim_{t\to\infty}a^tx_t = 0", "WrongRule limit", "WrongRule limit"),
    attack("H10", r"\lim_{t\to\infty}\kappa^t = 0", "WrongRule limit", "WrongRule limit"),
    attack("H11", r"\lim_{t\to\infty}\frac{a^t+a^{2t}}{2a^t+a^{2t}} = 1", "Refuted", "NotProved"),
    attack(
        "H12",
        r"\frac{1-\bar\alpha_t}{1-\bar\alpha_{t-1}}\,\tilde\beta_t = \beta_t",
        "Undefined",
        "Undefined",
    ),
    attack(
        "H13",
        r"q(x_{t-1}\mid x_t,x_0) = \mathcal N(x_{t-1};\tilde\mu_t(x_t,x_0),\tilde\beta_tI)",
        "Undefined",
        "Undefined",
        by=lambda: condition("2.6", "1.1"),
    ),
    attack(
        "H14", r"\sum_{t=2}^{T-1}\beta_t = \sum_{t=2}^{T}\beta_t-\beta_T", "Undefined", "Undefined"
    ),
    attack("H15", r"\sqrt{c^2} = c", "Refuted", "NotProved"),
    attack("H16", r"\log(c^2) = 2\log c", "Undefined", "Undefined"),
    attack("H17", r"-\kappa^2 = \kappa^2", "Refuted", "NotProved"),
    attack("H18", r"\frac12\kappa = \frac1{2\kappa}", "Refuted", "NotProved"),
    attack("H19", r"1/2\kappa = \frac1{2\kappa}", "Unreadable", "Unreadable"),
    attack("H20", r"\log\kappa\,u = \log\kappa+\log u", "Unreadable", "Unreadable"),
    attack("H21", r"\alpha^2_t = \alpha_t^2", "Unreadable", "Unreadable"),
    attack("H22", r"2\,3 = 6", "Unreadable", "Unreadable"),
    attack(
        "H23",
        r"x_{t+1} = \sqrt{\alpha_{t+1}}\,x_t+\sqrt{1-\alpha_{t+1}}\,\epsilon_{t+1}",
        "Undefined",
        "Undefined",
        by=lambda: using("1.2"),
    ),
    attack(
        "H24",
        r"\begin{aligned}\kappa &= \kappa \\ & \kappa\end{aligned}",
        "Unreadable",
        "Unreadable",
    ),
    attack(
        "H25",
        r"\prod_{k=t-1}^{t}\alpha_k+\beta_1 = (\alpha_{t-1}+\beta_1)(\alpha_t+\beta_1)",
        "Refuted",
        "NotProved",
        start=2,
    ),
    attack(
        "H26",
        r"\sum_{k=1}^{2}\left(\sum_{k=1}^{2}k\right)k = \left(\sum_{k=1}^{2}k\right)"
        r"\sum_{k=1}^{2}1",
        "Unreadable",
        "Unreadable",
    ),
    rule("H27", "(3.4) at t = 1", "Undefined", lambda theory: kernel.at(theory, proved("3.4"), 1)),
    rule(
        "H28",
        "(3.4) from t = 1",
        "Undefined",
        lambda theory: kernel.restate(theory, proved("3.4"), proved("3.4").claim, Range(1)),
    ),
    rule(
        "H29",
        "(2.6) at t = T+1",
        "Undefined",
        lambda theory: kernel.at(theory, proved("2.6"), T_ + 1),
    ),
    # --- I: numbers, laundering, forging
    attack("I1", r"T \le 4", "Refuted", "numeric", by=numeric),
    attack(
        "I2",
        rf"2{EVIDENCE} = 2p_\theta(x_0)+2{THREE}",
        "Refuted",
        "NotProved",
        step(eq, "99.1", rf"{EVIDENCE} = p_\theta(x_0)+{THREE}", by=numeric()),
        by=lambda: using("99.1"),
    ),
    rule(
        "I3",
        r"x_t = 0x_0 as a theorem of one's own making",
        "WrongRule theorem",
        lambda theory: Theorem(
            Equal(Term(x(t_), "vector"), Term(0 * x(0), "vector")),
            1,
            T_,
            frozenset(),
            frozenset(),
            frozenset(),
            "derived",
            (),
            theory,
            (),
            None,
        ),
    ),
    rule(
        "I4",
        "a theorem copied with another range",
        "ValueError",
        lambda theory: dataclasses.replace(proved("3.4"), lo=1),
    ),
    rule(
        "I5",
        "the same, with a key of one's own",
        "WrongRule theorem",
        lambda theory: dataclasses.replace(proved("3.4"), lo=1, key=object()),
    ),
    rule(
        "I6",
        "a theory copied without its laws",
        "WrongRule theory",
        lambda theory: dataclasses.replace(theory, laws={}),
    ),
    rule(
        "I7",
        "a theory with laws of one's own",
        "WrongRule theory",
        lambda theory: Theory(laws={("q", sp.S.Zero): None}),
    ),
    rule(
        "I8",
        "the start of a token changed",
        "FrozenInstanceError",
        lambda theory: setattr(
            kernel.suppose(theory, Equal(Term(abar(t_)), Term(alpha(t_))), 1)[1], "start", 0
        ),
    ),
    rule(
        "I9",
        "the hypothesis of one token closed by another, equal one",
        "WrongRule induct",
        closed_by_another,
    ),
    rule(
        "I10",
        "a theorem of a book in which c := 1, used where c has no meaning",
        "WrongRule restate",
        from_another_book,
    ),
    rule(
        "I11",
        "a theorem copied, and its range set",
        "FrozenInstanceError",
        lambda theory: setattr(copy.copy(proved("3.4")), "lo", 1),
    ),
    attack(
        "I12",
        r"\alpha_t = 1",
        "Refuted",
        "WrongRule premise",
        step(cite, "99.1", r"\alpha_t = 1", "nowhere"),
        by=lambda: using("99.1"),
    ),
    attack(
        "I13",
        r"\sigma_t = 0",
        "WrongRule premise",
        "WrongRule premise",
        step(assume, "H99", r"\sigma_t \le 0"),
        by=lambda: using("H99"),
    ),
    attack("I14", r"\alpha_t = 1", "Refuted", "WrongRule premise", by=lambda: using("99.9")),
    attack(
        "I15",
        r"-\log p_\theta(x_0) \ge \mathbb E_{q(x_{1:T}\mid x_0)}\left[\log"
        r"\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]",
        "Refuted",
        "NotProved",
        by=lambda: gap("4.3", "0.8"),
    ),
    attack("I16", r"\log u \le u-2", "Refuted", "WrongRule convex", by=lambda: tangent("u")),
    attack(
        "I18",
        r"2\mathbb E_{q(x_0)}[\lVert x_0\rVert^2] = 2d",
        "Refuted",
        "numeric",
        step(eq, "99.1", r"\mathbb E_{q(x_0)}[\lVert x_0\rVert^2] = d", by=numeric()),
        by=lambda: using("99.1"),
    ),
    attack(
        "I19",
        r"q_\kappa(x_t) = \mathcal N(x_t;0,I)",
        "Refuted",
        "numeric",
        step(eq, "99.1", r"q(x_t\mid x_0) = \mathcal N(x_t;0,I)", by=numeric()),
        by=lambda: mix("4.19", "99.1"),
    ),
    attack(
        "I20",
        r"x_t = 0x_0+\phi_t",
        "Refuted",
        "WrongRule innovation",
        PHI,
        step(eq, "99.1", r"q(x_t\mid x_0) = \mathcal N(x_t;0,I)", by=numeric()),
        by=lambda: innovation("99.1"),
    ),
    attack("I17", r"1-\bar\alpha_t = 1-\bar\alpha_t", "WrongRule eq", "WrongRule eq"),
    # --- J: letters of sums
    attack("J1", r"\sum_{k=1}^{t}\alpha_t = \sum_{k=1}^{t}\alpha_k", "Refuted", "NotProved"),
    attack(
        "J2",
        r"\sum_{k=1}^{1}y_k = 3",
        "Refuted",
        "WrongRule sum",
        Y_t,
        step(define, "99.1", r"y_t := \sum_{k=1}^{2}t"),
    ),
    attack(
        "J3",
        r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}\left[\sum_{j=0}^{t-1}a^k\zeta_{t-j}\right]"
        r" = \sum_{k=1}^{t}a^{2k}\,I",
        "Refuted",
        "Unreadable",
    ),
    rule(
        "J4",
        "x_1+x_2 is known from x_k, where k is the letter of the sum",
        "WrongRule sum",
        given_by_the_letter_of_the_sum,
    ),
    # --- K: letters
    rule(
        "K1",
        r"\sqrt{c^2} = c, for a c that SymPy takes for positive",
        "WrongRule calc",
        lambda theory: same_numbers(theory, sp.sqrt(POSITIVE**2), POSITIVE),
    ),
    rule(
        "K2",
        "(-1)^k, added for k = 1 alone, is 1, for a k that SymPy takes for even",
        "WrongRule calc",
        lambda theory: same_numbers(theory, sp.Sum((-1) ** EVEN, (EVEN, 1, 1)), sp.S.One),
    ),
    rule(
        "K3",
        r"\sum_{k=1}^{t}\alpha_k = F_{t+1}-F_1, for any F, since sums are compared by an F",
        "NotProved",
        letter_of_the_program,
    ),
    rule(
        "K4",
        "a letter that nobody declared is 1",
        "WrongRule calc",
        lambda theory: same_numbers(theory, sp.Symbol("nobody"), sp.S.One),
    ),
    # --- L: the last t
    rule(
        "L1",
        EARLIER + ", for t = T",
        "Undefined",
        lambda theory: kernel.at(theory, before_the_last(theory), T_),
    ),
    rule(
        "L2",
        EARLIER + ", for all t",
        "Undefined",
        lambda theory: kernel.restate(
            theory, before_the_last(theory), before_the_last(theory).claim, Range()
        ),
    ),
    rule(
        "L3",
        EARLIER + " at t+1",
        "Undefined",
        lambda theory: kernel.restate(
            theory,
            kernel.at(theory, before_the_last(theory), t_ + 1),
            before_the_last(theory).claim.map(lambda e: e.subs(t_, t_ + 1)),
            Range(1, T_ - 1),
        ),
    ),
    # --- M: s and t
    rule(
        "M1",
        "(7.34), which holds s, at t-1",
        "WrongRule at",
        lambda theory: kernel.at(theory, proved("7.34"), t_ - 1),
    ),
    rule(
        "M2",
        "(7.34), which holds s, as the hypothesis of an induction over t",
        "WrongRule suppose",
        lambda theory: kernel.suppose(theory, proved("7.34").claim, 1)[0],
    ),
    attack(
        "M3",
        r"\sqrt{(\bar\alpha_s-\bar\alpha_{t-3})^2} = \bar\alpha_s-\bar\alpha_{t-3}",
        "Refuted",
        "NotProved",
        start=4,
    ),
    rule(
        "M4",
        "what holds for s < t, applied at t-3 with the same s",
        "NotProved",
        moved_by_calc,
    ),
    # --- N: derivatives
    attack("N1", r"\frac{d}{d\tau}(\tau\,S(\tau)) = S(\tau)", "Refuted", "NotProved", TAU, SHARE),
    attack(
        "N2", r"\frac{d}{dt}\bar\alpha_t = 0", "WrongRule second opinion", "WrongRule derivative"
    ),
    attack("N3", r"\frac{d}{d\tau}\sqrt{\tau^2} = 1", "Refuted", "WrongRule derivative", TAU),
    attack(
        "N4",
        r"\frac{d}{d\tau}\mathbb E_{q_b(x_t\mid x_{t-1})}[\langle x_t,x_{t-1}\rangle] = 0",
        "Refuted",
        "WrongRule derivative",
        *MOVING,
    ),
    attack(
        "N5",
        r"\frac{d}{d\tau}\langle\psi_t,x_0\rangle = 0",
        "Refuted",
        "WrongRule derivative",
        *MOVING,
        *ITS_NOISE,
    ),
    attack(
        "N6",
        r"\frac{d}{d\tau}(\tau\,\xi) \overset{d}{=} \tau\,\xi",
        "Refuted",
        "WrongRule derivative",
        TAU,
    ),
    attack(
        "N7",
        r"\nabla_{x_t}\langle x_i,x_t\rangle = x_i",
        "Refuted",
        "WrongRule derivative",
    ),
    attack(
        "N8",
        r"\nabla_{x_t}\langle\hat\epsilon_\theta(x_t,t),x_0\rangle = 0",
        "Refuted",
        "WrongRule derivative",
    ),
    attack("N9", r"\nabla_{g}\cdot(c\,g) = c", "Refuted", "NotProved", PLACE),
    attack("N10", r"\nabla_{g}\lVert g\rVert^2 = g", "Refuted", "NotProved", PLACE),
    attack(
        "N11",
        r"\nabla_{g}\cdot\nabla_{g}(\langle g,\mu\rangle^2) = 2d\lVert\mu\rVert^2",
        "Refuted",
        "NotProved",
        PLACE,
    ),
    attack(
        "N12",
        r"\nabla_{x_t}\log q(x_t\mid x_0) = 0",
        "Refuted",
        "WrongRule derivative",
    ),
    attack("N13", r"\sqrt{1-\cos(\phi)^2} = \sin(\phi)", "Refuted", "Undefined", ANGLE),
    attack(
        "N14",
        r"\frac{d}{d\tau}\left(\frac{d}{d\tau}\left(\frac{d}{d\tau}y(\tau)\right)\right) = 0",
        "Refuted",
        "WrongRule calc",
        TAU,
        PATH,
    ),
    attack("N15", r"\frac{dx_t}{d\tau} = x_t", "Unreadable", "Unreadable", TAU),
    attack("N16", r"\frac{d}{d\tau}D(\tau) = 0", "Refuted", "WrongRule derivative", TAU, FIELD),
    attack(
        "N17",
        r"\nabla_{\mu}\langle\mu,x\rangle = x",
        "WrongRule second opinion",
        "WrongRule derivative",
    ),
    rule(
        "N22",
        r"\sqrt{1-\cos(\phi)^2} = \sin(\phi)",
        "NotProved",
        sine_without_its_sign,
    ),
    definition("N18", r"c := \tau", "WrongRule define", TAU),
    definition("N19", r"\tau := 2", "WrongRule define", TAU),
    definition("N20", r"y := \langle g,\mu\rangle", "WrongRule define", Y, PLACE),
    definition("N21", r"S(\tau) := \tau^2", "WrongRule define", TAU, SHARE),
]


# --- What is let through --------------------------------------------------------------------------


def leaked(b):
    """The hypothesis of an induction, kept after the induction was refused."""
    kept = []
    claim = closed(r"\sqrt{\bar\alpha_t}\,x_0,(1-\alpha_t)I")
    try:
        eq("99.1", claim, by=induct("1.1", lambda earlier: kept.append(earlier) or using(earlier)))
    except ProofError:
        pass
    return using(kept[0])


def bare_hypothesis(b, goal):
    """The claim at t, supposed as the hypothesis for t+1."""
    return kernel.suppose(b.theory, goal.claim.map(lambda e: e.subs(t_, t_ + 1)), 0)[0]


def up_and_down(b, goal):
    """The hypothesis of an induction upwards closes one downwards: its step is itself."""
    hypothesis, token = kernel.suppose(b.theory, goal.claim, 1)
    return kernel.induct(b.theory, token, b["4.17"].theorem, hypothesis, down=True)


def down_and_up(theory):
    hypothesis, token = kernel.suppose(theory, SAME, 1, down=True)
    return kernel.induct(theory, token, base_of(theory), hypothesis)


def unguarded(theory):
    """A theorem whose guard was taken away."""

    class Unguarded(Theorem):
        def __post_init__(self, key):
            pass

    claim, none = Equal(Term(alpha(t_)), Term(sp.S.One)), frozenset()
    return Unguarded(claim, 1, T_, none, none, none, "derived", (), theory, (), None)


class Full(dict):
    """A mapping that calls itself empty."""

    def __bool__(self):
        return False


def empty_theory(theory):
    one = Definition("99.1", C, sp.S.One, 0)
    forged = Theory(symbols=Full(theory.symbols), definitions=Full(c=one))
    return kernel.calc(forged, Term(C), Term(sp.S.One), (), Range())


def bound_of_a_defined_letter(theory):
    u, bound = sp.Symbol("u"), proved("0.8")
    theory, _ = kernel.define(theory, "99.1", u, Term(sp.S.One))
    bound = kernel.transfer(theory, AtMost(Term(sp.log(u)), Term(sp.S.Zero)), bound, (), Range())
    return kernel.substitute(theory, bound, u, Term(sp.Integer(2)), Range())


def definition_at_one_value(theory):
    u, y = sp.Symbol("u"), sp.Symbol("y")
    theory, th = kernel.define(theory.with_symbol("y", "scalar", "real"), "99.1", y, Term(u**2))
    return kernel.substitute(theory, th, u, Term(sp.Integer(2)), Range())


def before_its_range(theory):
    made = eq("99.1", r"\prod_{k=3}^{t}\alpha_k = \frac{\bar\alpha_t}{\alpha_1\alpha_2}", start=2)
    return kernel.substitute(theory, made.theorem, t_, Term(sp.S.One), Range(2))


def matrices_commute(theory):
    A, B = (sp.Symbol(name, commutative=False) for name in "AB")
    return kernel.calc(theory, Matrix(A * B, ("n", "n")), Matrix(B * A, ("n", "n")), (), Range())


def recursion_outside_its_domain(theory):
    y = sp.Function("y_t")(t_)
    theory, two, three = theory.with_symbol("y_t", "scalar", "(0,1)"), sp.Integer(2), sp.Integer(3)
    theory, _ = kernel.define_sequence(theory, frozenset({"99.1"}), y, Term(two), Term(three))
    return kernel.calc(theory, Term(sp.sqrt((1 - y) ** 2)), Term(1 - y), (), Range())


def needing_nothing(made):
    """Refused where the page names a hypothesis."""
    if facts(made, book())["assumes"]:
        raise WrongRule("page", "a hypothesis is named")
    return made


def noise_without_its_hypothesis():
    PHI()
    eq("99.1", r"x_{t-1} = \mu_\theta(x_t,t)+\sigma_t\phi_t", by=innovation("4.11"))
    return needing_nothing(eq("99.2", r"\sigma_t\phi_t = x_{t-1}-\mu_\theta(x_t,t)"))


def root_without_its_hypothesis():
    """Before g has a meaning, 1+g^2 > 0; then g is a root that only a hypothesis gives a value."""
    Y(), notation("g", "scalar", "a number")
    before = eq("99.1", r"\sqrt{(1+g^2)^2} = 1+g^2").theorem
    assume("H99", "0 < y")
    define("99.2", r"g := \sqrt y")
    moved = lambda b, goal: kernel.transfer(b.theory, goal.claim, before, (), goal.range)
    made = eq("99.3", r"\sqrt{(1+y)^2} = 1+y", by=moved)
    if "H99" in made.theorem.assumes:
        raise WrongRule("page", "the proof names the hypothesis")
    return made


def imaginary_number(theory):
    same = same_numbers(theory, sp.sqrt((1 + C**2) ** 2), 1 + C**2)
    theory, _ = kernel.define(theory, "99.1", C, Term(2 * sp.I))
    return kernel.transfer(
        theory, Equal(Term(sp.Integer(3)), Term(sp.Integer(-3))), same, (), Range()
    )


def head_at_two_times(theory):
    head = sp.Function("y_t")((t_ - 1) * (T_ - t_))
    theory = theory.with_symbol("y_t", "scalar", "real")
    theory, th = kernel.define(theory, "99.1", head, Term(t_))
    ends = [kernel.at(theory, th, n) for n in (T_, sp.S.One)]
    return kernel.transfer(theory, Equal(Term(sp.S.One), Term(T_)), ends[0], ends[1:], Range())


def matrices_as_numbers(theory):
    A, B = (sp.Symbol(name, commutative=False) for name in (r"\Sigma_1", r"\Sigma_2"))
    return kernel.calc(theory, Matrix(A * B), Matrix(B * A), (), Range())


def size_below_zero():
    with in_book(Book()):
        notation("n", "scalar", "")
        notation("K", "matrix", "", "symmetric", ("n", "n"))
        define("99.1", "n := -1")
        return eq("99.2", r"\operatorname{tr}(KK^{-1}) = -1")


def without_its_hypothesis():
    Y(), notation("g", "scalar", "a number")
    assume("H99", "0 < y")
    define("99.1", r"g := \sqrt y\sqrt y")
    made = eq("99.2", "g = y")
    if "H99" in made.theorem.assumes:
        raise WrongRule("page", "the proof names the hypothesis")
    return made


def covariance_without_its_hypothesis():
    assume("H99", "0 < c")
    process("p_2", "pair", "two columns")
    define("99.1", r"p_2(X) := \mathcal N(X;m,c\Lambda^{-1})")
    define("99.2", r"p_2(Y\mid X) := \mathcal N(Y;AX,L^{-1})")
    law = r"p_2(Y) = \mathcal N(Y;Am,L^{-1}+cA\Lambda^{-1}A^\top)"
    made = eq("99.3", law, by=mix("99.1", "99.2"))
    if "H99" in made.theorem.assumes:
        raise WrongRule("page", "the proof names the hypothesis")
    return made


def column_from_two():
    process("p_2", "pair", "two columns")
    law = r"p_2(X) := \mathcal N(X;\frac1{1-\bar\alpha_{t-1}}m,\Lambda^{-1})"
    made = define("99.1", law, start=2)
    if made.theorem.lo == made.start == 2:
        raise WrongRule("page", "the law starts where it is said to")
    return made


def half_a_step(theory):
    y = sp.Function("y_t")
    theory = theory.with_symbol("y_t", "scalar", "real").with_hypothesis("H99", y(t_), True, 1.5)
    th = kernel.calc(theory, Term(sp.sqrt(y(t_) ** 2)), Term(y(t_)), (), Range(1.5))
    return kernel.at(theory, th, 1)


class EqualToAll(SimpleNamespace):
    def __eq__(self, other):
        return True


def forged_premise_in_a_list(theory):
    said = Equal(Term(alpha(t_)), Term(sp.S.One))
    forged = EqualToAll(claim=said, open=frozenset(), lo=1, hi=T_)
    known = proved("1.1")
    left = Term(EV(sp.Symbol("q"), sp.Tuple(span(t_ - 1)), x(t_)), "vector")
    return kernel.calc(theory, left, Term(x(t_ - 1), "vector"), [known, forged], Range())


def beyond_T(theory):
    theory, g = theory.with_symbol("g_t", "sequence", "nonnegative"), sp.Function("g_t")
    upto = lambda n: sp.Product(alpha(k_), (k_, 1, n))
    last, root = upto(T_ + 1) - upto(T_), lambda n: sp.sqrt(g(n) ** 2)
    same = same_numbers(theory, root(T_ + 1) + C * root(T_), g(T_ + 1) + C * g(T_))
    theory, _ = kernel.define_sequence(
        theory, frozenset({"99.1"}), g(t_), Term(sp.S.Zero), Term(upto(t_) - upto(T_))
    )
    claim = Equal(Term(sp.sqrt(last**2)), Term(last))
    return kernel.transfer(theory, claim, same, (), Range())


def sigma_where_s_is_later(theory):
    sigma, value = sp.Function(r"\sigma_t,s"), theory.definitions[r"\sigma_t,s"].value
    moved = Term(value.subs(t_, t_ - 2) ** 2)
    return kernel.calc(theory, Term(sigma(t_ - 2, s_) ** 2), moved, (), Range(3))


K = sp.Symbol("k", integer=True)


def small_theory() -> Theory:
    theory = Theory()
    for name, *declared in (
        ("c", "scalar", "real"),
        ("u", "scalar", "real"),
        ("z", "scalar", "real"),
        ("y", "scalar", "positive"),
        ("n", "scalar", "natural"),
        ("y_t", "scalar", "positive"),
        ("→m", "vector", "real"),
        ("→w", "vector", "real"),
        ("→ξ", "fresh", "real"),
        ("A", "matrix", "symmetric", ("n", "n")),
        ("B", "matrix", "real", ("n", "n")),
        ("m", "column", "real", ("n", "1")),
    ):
        theory = theory.with_symbol(name, *declared)
    return theory


def matrix_letters(names: str) -> list[sp.Symbol]:
    return [sp.Symbol(name, commutative=False) for name in names.split()]


def product_over_zero(_):
    product = Term(sp.Product(K, (K, -3, t_)))
    return kernel.calc(small_theory(), product, Term(sp.S.Zero), (), Range(-3, sp.Integer(-1)))


def matrices_as_terms(_):
    A, B = matrix_letters("A B")
    return kernel.calc(small_theory(), Term(A * B), Term(B * A), (), Range())


def twin_of_a_matrix(_):
    A, n = sp.symbols("A n")
    return kernel.calc(small_theory(), Matrix(Trace(A, n)), Matrix(n * A), (), Range())


def projection_as_identity(_):
    m, turned = matrix_letters("m mᵀ")
    square = ("n", "n")
    left = Matrix(m * (turned * m) ** -1 * turned, square)
    return kernel.calc(small_theory(), left, Matrix(sp.S.One, square), (), Range())


def trace_of_negative_size(_):
    size = sp.Integer(-3)
    return kernel.calc(small_theory(), Matrix(Trace(sp.S.One, size)), Matrix(size), (), Range())


def logarithm_by_force(_):
    (A,) = matrix_letters("A")
    left, right = sp.log(C**2 * Det(A)), 2 * sp.log(C) + sp.log(Det(A))
    return kernel.calc(small_theory(), Matrix(left), Matrix(right), (), Range())


def vectors_as_numbers(_):
    u, z, m, w = sp.symbols("u z →m →w")
    theory, _ = kernel.define(small_theory(), "1", u, Term(m))
    theory, _ = kernel.define(theory, "2", z, Term(w))
    return kernel.calc(theory, Term(u * w, "vector"), Term(z * m, "vector"), (), Range())


def letter_as_an_index(_):
    y = sp.Function("y_t")
    theory = small_theory()
    same = kernel.calc(theory, Term(sp.sqrt(y(C) ** 2)), Term(y(C)), (), Range())
    theory = theory.with_hypothesis("H", 2 * t_ - 1, True, 1)
    theory, _ = kernel.define(theory, "1", C, Term(sp.S.Zero))
    theory, _ = kernel.define(theory, "2", y(t_), Term(2 * t_ - 1), 0)
    claim = Equal(Term(sp.S.One), Term(sp.S.NegativeOne))
    return kernel.transfer(theory, claim, same, (), Range())


def markov_without_condition(theory):
    th = kernel.markov(theory, proved("1.1"), [sp.Tuple(sp.S.One, t_ - 1)])
    return kernel.at(theory, th, sp.S.One)


def token_with_s(_):
    theory, root = small_theory(), sp.sqrt((s_ + sp.Symbol("y")) ** 2)
    claim = Equal(Term(root + t_), Term(s_ + sp.Symbol("y") + t_))
    step = kernel.calc(theory, claim.left, claim.right, (), Range(1))
    base = kernel.calc(theory, Term(root), Term(s_ + sp.Symbol("y")), (), Range(1))
    return kernel.induct(theory, Token(claim, 0, False), base, step)


def two_noises_as_one(_):
    drawn = sp.Function("→ξ")
    one, two = (sp.Sum(drawn(K, n), (K, 1, T_)) for n in (1, 2))
    return kernel.combination(small_theory(), None, frozenset(), one - two, Range())


def hypothesis_that_hides_another(_):
    y = sp.Symbol("y")
    theory = small_theory().with_hypothesis("H2", y, True, 1).with_hypothesis("H1", C - 1, True, 1)
    theory, _ = kernel.define(theory, "1", y, Term(C - 1))
    th = same_numbers(theory, sp.sqrt((C - 1) ** 2), C - 1)
    if "H1" in th.assumes:
        raise WrongRule("page", "the proof names the hypothesis")
    return th


def with_matrices(theory: Theory) -> tuple[Theory, list[sp.Symbol]]:
    """A theory with a positive number, two square matrices and a column; these and the turned column."""
    theory = Theory().with_symbol("u", "scalar", "positive").with_symbol("→h", "vector", "real")
    for name in "AB":
        theory = theory.with_symbol(name, "matrix", "real", ("n", "n"))
    theory = theory.with_symbol("X", "column", "real", ("n", "1"))
    return theory, [sp.Symbol(name, commutative=False) for name in ("A", "B", "X", "Xᵀ")]


def a_bound_of_matrices(theory) -> Theorem:
    theory, (A, _, X, turned) = with_matrices(theory)
    u = sp.Symbol("u")
    bound = kernel.convex(theory, u, Matrix(3 * u - 2), Matrix(u**3), sp.S.One)
    value = Matrix(1 + turned * A**2 * X * turned * X)
    return kernel.substitute(theory, bound, u, value, Range())


def the_root_of_a_matrix(theory) -> Theorem:
    theory, (A, B, *_) = with_matrices(theory)
    root = Matrix((A * B - B * A) ** sp.Rational(1, 2), ("n", "n"))
    return kernel.calc(theory, root, root, [], Range())


def the_square_of_a_vector(theory) -> Theorem:
    theory, _ = with_matrices(theory)
    h = sp.Symbol("→h")
    left, right = Matrix((h + 1) ** 2), Matrix(h**2 + 2 * h + 1)
    return kernel.calc(theory, left, right, [], Range())


class Hole(NamedTuple):
    """What the kernel alone lets through: why it is false, and which condition is missing."""

    id: str
    says: str
    run: Callable
    false: str
    missing: str

    @property
    def kind(self) -> str:
        return self.id[0]


def hole(
    id: str,
    latex: str,
    false: str,
    missing: str,
    *before: Callable,
    by: Callable = lambda: None,
    start: int = 1,
) -> Hole:
    run = attack(id, latex, "", "", *before, by=by, start=start).run
    return Hole(id, latex, run, false, missing)


def rule_hole(id: str, says: str, run: Callable, false: str, missing: str) -> Hole:
    return Hole(id, says, lambda: run(book().theory), false, missing)


def noise_of(law: str) -> Callable:
    return step(
        eq,
        "99.1",
        r"x_t = \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\phi_t",
        by=innovation(law),
    )


def hole_afresh(
    id: str, latex: str, false: str, missing: str, name: str, kind: str, domain: str = "real", **how
) -> Hole:
    """A claim in an empty book, which declares one letter besides a number, a noise and a matrix."""

    def run():
        with in_book(Book()):
            notation("c", "scalar", "any number")
            notation(r"\xi", "fresh", "a noise")
            notation("B", "matrix", "any matrix", shape=("n", "n"))
            notation(name, kind, "a letter of its own", domain, **how)
            return eq("99.9", latex)

    return Hole(id, latex, run, false, missing)


def a_sum_shifted_by_a_half(theory) -> Theorem:
    theory, half = theory.with_symbol("γ", "smooth", "real"), sp.Rational(1, 2)
    one = sp.Function("γ")(k_ + half)
    body = one * sp.cos(2 * sp.pi * T_ ** ((k_ + half) ** 2))
    left, right = (Term(sp.Sum(e, (k_, 1, t_))) for e in (body, one))
    return kernel.calc(theory, left, right, [], Range())


def a_gradient_of_one_term(theory) -> Theorem:
    x, h = sp.Function("•x_t"), sp.Symbol("→h")
    made = gradient(Context(theory, Range()), sp.Sum(Dot(x(k_), h), (k_, t_, t_)), x(t_))
    return kernel.calc(theory, Term(made, "vector"), Term(sp.S.Zero, "vector"), [], Range())


def a_function_of_a_square(theory) -> Theorem:
    theory = theory.with_symbol("y", "scalar", "real").with_symbol("τ", "variable", "real")
    tau = sp.Symbol("τ")
    return kernel.define(theory, "99.1", sp.Function("y")(tau**2), Term(tau))[1]


LABELS = "a label may be a command that shows nothing"
SIGNS = "what stands after the name is cut off at both ends, and no more looked at"
MEANT = "a letter that the kernel knows may be declared as another"
GAPS = "a gap is two of one sign in a row: any two signs of spacing are a gap"
SCRIPTS = "Python's digits are those of every script"
SPACED = "spaces fall out before TeX's arguments are taken; TeX takes the space"
MIXED = "only a number right before a fraction of two numbers is refused"
CLOSE = "d before a letter is the number of coordinates, whatever it looks like"
INNER = "any sign in a bracket makes it a sum, also one in an index, or at the start"
BODY = "the body of a product may hold a sign after which the eye ends it, or a second product"
WORD = "a name of several letters stands before a factor"
BRACES = (
    "in the grammar an atom may be {sum}; TeX shows no brace, so braces may hold one atom, "
    "or stand after ^, \\frac and \\sqrt"
)
CIRCLE = (
    "define and declare look for their own name, not for laws: refuse EE, EV and M in what "
    "they define"
)


def a_letter_that_knows_its_sign(theory):
    """z_t := y_t^2, with a y_t that is positive to SymPy; so would be every other, but for its cache."""
    y, z = (
        UndefinedFunction("y_t", __dict__={"_eval_is_positive": lambda self: True}),
        sp.Function("z_t"),
    )
    for name in ("y_t", "z_t"):
        theory = theory.with_symbol(name, "scalar", "real")
    try:
        theory, _ = kernel.define(theory, "1", z(t_), Term(y(t_) ** 2))
        return kernel.calc(theory, Term(sp.sqrt(z(t_))), Term(y(t_)), (), Range())
    finally:
        sp.core.cache.clear_cache()


def another_cosine(theory):
    class cos(sp.cos):
        @classmethod
        def eval(cls, arg):
            return sp.S.One

    theory = kernel.define(
        theory.with_symbol("y", "scalar", "real"), "1", sp.Symbol("y"), Term(sp.Symbol("c"))
    )[0]
    return kernel.calc(
        theory, Term(cos(sp.Symbol("y"), evaluate=False)), Term(sp.S.One), (), Range()
    )


def a_premise_without_a_value(theory):
    """0 = 0/D, of a D that is 0 and that nobody sees to be: multiplied by D, 0 is any multiple of D."""
    for name, domain in ("y", "real"), ("z", "positive"), ("j_1", "positive"):
        theory = theory.with_symbol(name, "scalar", domain)
    y, z, j = map(sp.Symbol, ("y", "z", "j_1"))
    root = sp.sqrt(z + j + 2 * sp.sqrt(z * j))
    nothing = (sp.sin(y) ** 2 + sp.cos(y) ** 2 - 1) / (root - sp.sqrt(z) - sp.sqrt(j))
    th = kernel.calc(theory, Term(sp.S.Zero), Term(nothing), (), Range())
    claim = Equal(Term(sp.S.Zero), Term(root + sp.sqrt(z) + sp.sqrt(j)))
    return kernel.restate(theory, th, claim, Range())


def a_mean_without_a_value(theory):
    """1 is the mean of 0/0, and so is 2."""
    theory = theory.with_symbol("y", "scalar", "real").with_symbol("z", "scalar", "real")
    one, other = (sp.sin(a) ** 2 + sp.cos(a) ** 2 - 1 for a in sp.symbols("y z"))
    mean = Term(EE(sp.Symbol("q"), sp.Tuple(), one / other))
    th = kernel.calc(theory, Term(sp.S.One), mean, (), Range())
    return kernel.restate(theory, th, Equal(Term(sp.S.One), Term(sp.Integer(2))), Range())


def a_circle_behind_a_number(_):
    """c is 2, f(c) is g(c) + 1, and g(c) is f(c): put in at 2, they have no circle to be seen."""
    theory = Theory()  # here any three letters will do
    for name in "yzw":
        theory = theory.with_symbol(name, "scalar", "real")
    y, f, g, two = sp.Symbol("y"), sp.Function("z"), sp.Function("w"), sp.Integer(2)
    theory = kernel.define(theory, "1", y, Term(two))[0]
    theory, first = kernel.define(theory, "2", f(y), Term(g(y) + 1))
    theory, second = kernel.define(theory, "3", g(y), Term(f(y)))
    first = kernel.restate(theory, first, Equal(Term(f(two)), Term(g(two) + 1)), Range())
    second = kernel.restate(theory, second, Equal(Term(g(two)), Term(f(two))), Range())
    claim = Equal(Term(sp.S.Zero), Term(sp.S.One))
    return kernel.transfer(theory, claim, first, (second,), Range())


def times_that_run_backwards(theory):
    """log q(x_T) = log q(x_1, x_T): of the times t, 2..0 and T the middle falls out, or joins t = 1."""
    log = lambda *spans: Term(M(sp.Symbol("q"), *(sp.Tuple(*map(sp.sympify, x)) for x in spans)))
    th = kernel.calc(theory, log((t_, t_), (2, 0), (T_, T_)), log((t_, t_), (T_, T_)), (), Range())
    claim = Equal(log((T_, T_)), log((1, 1), (T_, T_)))
    return kernel.transfer(theory, claim, kernel.at(theory, th, sp.S.One), (), Range())


def a_sequence_after_the_last_t(theory):
    """With f_t := sqrt(1 - z^(T-t)), real up to T, 1 + f_(T+2)^2 would be 2 - 1/z^2, and positive."""
    theory, f = theory.with_symbol("y_t", "sequence", "real"), sp.Function("y_t")
    theory, z = theory.with_symbol("z", "scalar", "(0,1)"), sp.Symbol("z")
    whole, start = 1 + f(T_ + 2) ** 2, f(0)
    sides = Term(sp.sqrt(whole**2) + start), Term(whole + start)
    th = kernel.calc(theory, *sides, (), Range())
    first, step_ = Term(sp.S.Zero), Term(sp.sqrt(1 - z ** (T_ - t_)))
    theory = kernel.define_sequence(theory, frozenset({"1"}), f(t_), first, step_)[0]
    gap = 2 - z**-2
    return kernel.restate(theory, th, Equal(Term(sp.sqrt(gap**2)), Term(gap)), Range())


def an_end_that_moves(theory):
    """f_(T-t) = 1 for t up to T - s; at t + 1 it would be f_0 = 1 for T = 2, and f_0 is 0."""
    theory, f = theory.with_symbol("y_t", "sequence", "real"), sp.Function("y_t")
    zero, one = Term(sp.S.Zero), Term(sp.S.One)
    theory, th = kernel.define_sequence(theory, frozenset("12"), f(t_), zero, one)
    th = kernel.calc(theory, Term(f(T_ - t_)), one, (th,), Range(2, T_ - s_))
    return kernel.at(theory, th, t_ + 1)


def given_an_empty_interval(theory):
    """x_0 + eps_t ~ N(x_0, I) given the states 1..0 and 0..t-1; at t = 1 given nothing."""
    given = frozenset({sp.Tuple(sp.S.One, sp.S.Zero), sp.Tuple(sp.S.Zero, t_ - 1)})
    noisy = sp.Function(STATE + "x_t")(0) + sp.Function(VECTOR + r"\epsilon_t")(t_)
    law = kernel.combination(theory, sp.Symbol("q"), given, noisy, Range())
    return kernel.at(theory, kernel.at(theory, law, t_), sp.S.One)


def refused(word: Callable, *arguments) -> Callable:
    def run():
        with suppress(ProofError):
            word(*arguments)

    return run


MENDED = [
    hole(
        "A-3",
        r"y(z_T)-y(z_1) = T-1",
        "z_t may be the same at every t",
        "define: an index in an argument of the head counts as shown",
        step(notation, "z_t", "scalar", ""),
        step(notation, "y(z_t)", "scalar", ""),
        step(define, "99.0", "y(z_t) := t"),
    ),
    hole(
        "A-4",
        "g(x_1) = x_1",
        "g(x_t) = t x_t, where x_t may be any vector",
        "the same",
        step(notation, "g(x_t)", "vector", ""),
        step(define, "99.0", r"g(x_t) := t\,x_t"),
    ),
    hole(
        "A-5",
        r"\sqrt{c^2} = -c",
        "c is positive",
        "assume looks too late whether its number is free, and leaves the hypothesis behind",
        refused(assume, "2.6", r"c \le 0"),
    ),
    hole(
        "A-6",
        "c = 3+0",
        "c is any positive number",
        "and define leaves its definition behind",
        refused(define, "2.6", "c := 3"),
    ),
    hole(
        "D-6",
        r"\mathbb E_{q(x_{1:t}\mid x_0)}\left[\left(\sum_{k=1}^{t}\lVert x_k\rVert^2\right)\lVert x_t"
        r"\rVert^2\right] = \left(\sum_{k=1}^{t}\lVert x_k\rVert^2\right)\mathbb E_{q(x_t\mid x_0)}"
        r"[\lVert x_t\rVert^2]",
        "the right side moves with x_1 to x_t",
        "the letter that stands for a sum shows no state, and so it counted as fixed",
    ),
    rule_hole(
        "F-4",
        "the law of x_0+eps_1, given nothing, is N(x_0, I)",
        given_an_empty_interval,
        "x_0 is not given",
        "an empty interval of given states joins two others",
    ),
    hole(
        "A-1",
        r"y = 2",
        "y was defined as the matrix 2I",
        "define: the value is of the kind of the letter",
        Y,
        step(define, "99.1", r"y := 2I"),
    ),
    hole(
        "A-2",
        r"\lVert yx_0\rVert^2 = y^2\lVert x_0\rVert^2",
        "y is the vector mu; the square of a vector is no number",
        "define: the value is of the kind of the letter",
        Y,
        step(define, "99.1", r"y := \mu"),
    ),
    hole(
        "B-1",
        r"q(x_{t-1}\mid x_0) = \mathcal N(x_{t-1};\sqrt{\bar\alpha_{t-1}}\,x_0,(1-"
        r"\alpha_{t-1})I)",
        "alpha_1 = 0.9, alpha_2 = 0.8, t = 3: variance 0.28, claimed 0.2",
        "book.proofs: a theorem with an open hypothesis is registered",
        by=lambda: leaked(book()),
        start=2,
    ),
    hole(
        "B-2",
        r"p_\theta(x_t) = \mathcal N(x_t;0,I)",
        "any mu_theta that is no multiple of x_t",
        "book.proofs: a theorem with an open hypothesis is registered",
        by=lambda: bare_hypothesis,
    ),
    hole(
        "B-3",
        r"p_\theta(x_t) = \mathcal N(x_t;0,I)",
        "the same",
        "a token does not know its direction: up closes down",
        by=lambda: up_and_down,
    ),
    rule_hole(
        "B-4",
        r"\bar\alpha_t = \alpha_t",
        down_and_up,
        "alpha = 0.9, 0.8: 0.72 and 0.8",
        "a token does not know its direction: down closes up",
    ),
    hole(
        "B-5",
        r"q_b(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)",
        "T = 1: no law of x_1 was given, for the definition starts at 2",
        "induct: the base may hold for T >= 2 alone; compare base.lo with the start, and "
        "base.hi with T",
        step(process, "q_b", "bridge", "another family"),
        step(
            define,
            "99.1",
            r"q_b(x_T\mid x_0) := \mathcal N(x_T;\sqrt{\bar\alpha_T}\,x_0,(1-\bar\alpha_T)I)",
            start=2,
        ),
        step(
            define,
            "99.2",
            r"q_b(x_{t-1}\mid x_t,x_0) := \mathcal N"
            r"\left(x_{t-1};\sqrt{\bar\alpha_{t-1}}\,x_0+\sqrt{1-\bar"
            r"\alpha_{t-1}-\sigma_t^2}\,\frac{x_t-\sqrt{\bar\alpha_t}"
            r"\,x_0}{\sqrt{1-\bar\alpha_t}},\sigma_t^2I\right)",
            start=2,
        ),
        by=lambda: induct_down("99.1", lambda later: mix(later, "99.2")),
    ),
    hole(
        "B-6",
        r"q_\sigma(x_t\mid x_0) = \mathcal N\left(x_t;\sqrt{\bar\alpha_t}\,x_0+(\bar"
        r"\alpha_T-c-\sqrt{(\bar\alpha_T-c)^2})h,(1-\bar\alpha_t)I\right)",
        "T = 1, alpha_1 = 0.5, c = 1, where H99 says nothing: the mean is off by -h",
        "the same: a hypothesis for t >= 2 is used at T = 1",
        step(assume, "H99", r"c \le \bar\alpha_T", start=2),
        lambda: eq(
            "99.1",
            r"q_\sigma(x_T\mid x_0) = \mathcal N\left(x_T;\sqrt{\bar\alpha_T}\,x_0"
            r"+(\bar\alpha_T-c-\sqrt{(\bar\alpha_T-c)^2})h,(1-\bar\alpha_T)I\right)",
            by=using("7.18"),
            start=2,
        ),
        by=lambda: induct_down("99.1", lambda later: mix(later, "7.17")),
    ),
    hole(
        "C-1",
        r"\operatorname{Cov}_{q(x_t\mid x_{t-1})}[\epsilon_t+\phi_t] = 2I",
        "phi_t = epsilon_t is derived beside it, so it is 4I",
        "combination tells noises apart by name: noises of single steps differ only if their "
        "times do",
        PHI,
        step(
            eq,
            "99.1",
            r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\phi_t",
            by=innovation("1.1"),
        ),
    ),
    hole(
        "C-2",
        r"\operatorname{Cov}_{q(x_{1:T}\mid x_0)}\left[\sum_{t=1}^{T}\epsilon\right] = "
        r"\sum_{t=1}^{T}1\,I",
        "T = 2, alpha = 0.9, 0.8: cov(eps at 1, at 2) = "
        "sqrt(0.8*0.1/0.28) = 0.53, so 3.07 I, not 2I",
        "combination asks for noises of single steps only where it sees two; a family of one "
        "noise is many",
    ),
    hole(
        "C-3",
        r"\operatorname{Cov}_{q_\sigma(x_{1:T}\mid x_0)}\left[\sum_{k=1}^{t}\phi_k\right] "
        r"= \sum_{k=1}^{t}1\,I",
        "t = 2, alpha_1 = 0.9, sigma_2^2 = 0.05: 3.41 I, not 2I",
        "the same, for a noise with an index",
        PHI,
        noise_of("7.20"),
    ),
    hole(
        "C-4",
        r"\operatorname{Cov}_{\tilde q(x_{t-1}\mid x_0)}[\phi_{t-1}] = I",
        "by (7.15) it is 1+sigma_t^2/(1-abar_{t-1}); with alpha_1 = 0.9, sigma_2^2 = 0.1: 2",
        "a noise of a process with a hidden t is taken at t-1 for one of the process at t: "
        "compare noise.process at n (drawn, _mean_atom)",
        PHI,
        noise_of("7.6a"),
        start=2,
    ),
    hole(
        "C-5",
        r"\phi_{t-1} \overset{\tilde q\mid x_0}{=} \xi",
        "the same",
        "the same",
        PHI,
        noise_of("7.6a"),
        start=2,
    ),
    hole(
        "D-1",
        r"\mathbb E_{\xi_1}[\operatorname{Cov}_{\xi_2}[\xi_1+\xi_2]] = 2I",
        "xi_1 is fixed inside: I",
        "combination draws every fresh letter, not those that Cov binds",
    ),
    hole(
        "D-2",
        r"\operatorname{Cov}_{\xi}[\xi+\omega_t] = 2I",
        "omega_t is bound nowhere",
        "a fresh letter with an index is read without a binder",
        step(notation, r"\omega_t", "fresh", "a fresh noise with an index"),
    ),
    hole(
        "D-3",
        r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}\left[\sum_{j=0}^{t-1}a^k\zeta_{t-j}"
        r"\right] = \sum_{k=1}^{t}a^{2k}\,I",
        "k is free: t a^{2k}; t = 2, k = 1, a = 0.5: 0.5, claimed 0.3125",
        "Noises.noises sums over the letter k itself and captures a free k: use a Dummy; and a "
        "free k should be unreadable",
    ),
    hole(
        "D-4",
        r"\mathbb E_{q(x_0\mid x_{1:T})}\left[\sum_{k=0}^{1}\log q(x_{k:t-k})\right] = "
        r"\sum_{k=0}^{1}\log q(x_{k:t-k})",
        "the left side does not depend on x_0, the right side does",
        "states_of exchanges both ends of an interval when one of them falls: each end has its "
        "own extremes",
        start=2,
    ),
    hole(
        "E-1",
        r"\Sigma_1\Sigma_2 = \Sigma_2\Sigma_1",
        "(1 1; 1 2) and (2 0; 0 1)",
        "calc and transfer compare matrices as commuting numbers: refuse the kind matrix",
        by=using,
    ),
    rule_hole("E-2", "AB = BA", matrices_commute, "the same", "the same"),
    hole(
        "E-3",
        r"(A\Lambda^{-1}A^\top)(A\Lambda^{-1}A^\top)^{-1} = I",
        "A = 0, or m > n: there is no inverse",
        "Words.positive takes A S A^T for positive "
        "definite; of an inverse ask for a term with one letter",
    ),
    hole(
        "E-4",
        r"\frac{\lvert\Sigma_1\rvert-1}{\lvert\Sigma_1\rvert-1} = 1",
        "there is no value where the determinant is 1",
        "a division by a number that holds a determinant asks for nothing",
    ),
    hole(
        "E-5",
        r"\log(m^\top m)-\log(m^\top m) = 0",
        "m = 0: there is no logarithm",
        "a logarithm among matrices asks for nothing",
    ),
    hole(
        "E-6",
        r"\log\Lambda-\log\Lambda = 0",
        "a logarithm of a matrix",
        "the same",
    ),
    hole(
        "F-1",
        r"q_\kappa(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0+y-\mathbb E_{q_"
        r"\kappa(x_0)}[x_0],(1-\bar\alpha_t)I)",
        "y is q's mean of x_0; q started at h, q_kappa at mu: off by h-mu",
        "instance renames q where it stands, not in what a letter was defined by",
        step(notation, "y", "vector", "the mean of q's start"),
        step(define, "99.1", r"y := \mathbb E_{q(x_0)}[x_0]"),
        lambda: eq(
            "99.2",
            closed(r"\sqrt{\bar\alpha_t}\,x_0+y-\mathbb E_{q(x_0)}[x_0],(1-\bar\alpha_t)I"),
            by=using("2.6"),
        ),
        by=lambda: using("99.2"),
    ),
    hole(
        "G-1",
        r"q_b(x_t\mid x_{t-1}) = \mathcal N(x_t;h+\mathbb E_{q_b(x_t\mid x_{t-1})}[x_t],vI)",
        "the mean is the mean plus h",
        CIRCLE,
        Q_B,
        step(
            define,
            "99.1",
            r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;\mathbb E_{q_b(x_t\mid "
            r"x_{t-1})}[x_t]+h,vI)",
        ),
    ),
    hole(
        "G-2",
        r"q_\kappa(x_0) = \mathcal N(x_0;\mathbb E_{q_\kappa(x_0)}[x_0]+h,\kappa I)",
        "the mean is the mean plus h",
        CIRCLE,
        step(define, "99.1", r"\mu := \mathbb E_{q_\kappa(x_0)}[x_0]+h"),
        by=lambda: using("4.19"),
    ),
    hole(
        "G-3",
        r"\sqrt{g_t^2} = g_t",
        "g_t = -t: t and -t",
        "define_sequence does not ask whether start and step lie in the domain of the letter",
        step(notation, "g_t", "sequence", "", "positive"),
        step(define, "99.1", "g_0 := 0"),
        step(define, "99.2", "g_t := g_{t-1}-1"),
    ),
    rule_hole(
        "G-4",
        r"\sqrt{(1-y_t)^2} = 1-y_t",
        recursion_outside_its_domain,
        "y_t = 3: 2 and -2",
        "the same",
    ),
    hole(
        "G-5",
        r"g_1 = s",
        "t = 3: g_1 = 1 and g_1 = 2",
        "define_sequence does not ask for letters that stand on the right alone, as define does",
        G_t,
        step(define, "99.1", "g_0 := 0"),
        step(define, "99.2", "g_t := g_{t-1}+s"),
    ),
    hole(
        "G-6",
        r"g_{T-1} = 5",
        "T = 1: g_0 = 1",
        "sequences unfolds at n where n >= 0 is known; n >= 1 is needed",
        G_t,
        step(define, "99.1", "g_0 := 1"),
        step(define, "99.2", "g_t := 5"),
    ),
    hole(
        "G-7",
        r"x_s = \sqrt{\bar\alpha_s}\,x_0+\sqrt{1-\bar\alpha_s-\sigma_t^2}\,\frac{x_t-"
        r"\sqrt{\bar\alpha_t}\,x_0}{\sqrt{1-\bar\alpha_t}}+\sigma_t\phi_t",
        "t = 3: one phi_3 for s = 1 and s = 2, for any x_1 and x_2",
        "innovation does not ask whether the value holds s, which the head does not show",
        PHI,
        by=lambda: innovation("7.31"),
        start=2,
    ),
    hole(
        "G-8",
        r"\mathbb E_{q(x_{1:T}\mid x_0)}[x_1] = x_1",
        "the mean of x_1 is random: x_1 became a letter of its own",
        "with_symbol compares names with their marks: the vector x_1 beside the state x_t",
        step(notation, "x_1", "vector", "a vector"),
    ),
    hole(
        "G-9",
        r"\sum_{k=1}^{t}\alpha_k-\sum_{k=1}^{t-1}\alpha_k = \alpha_k",
        "alpha = 0.9, 0.8: alpha_t on the right, not a constant",
        "with_symbol looks for digits alone: alpha_k, alpha_s, alpha_{t-1} clash with alpha_t "
        "as well",
        step(notation, r"\alpha_k", "scalar", "a number", "(0,1)"),
    ),
    hole(
        "G-10",
        r"\beta_{t-1} = \frac12",
        "beta_t = 1-alpha_t by (4.12)",
        "the same",
        step(notation, r"\beta_{t-1}", "scalar", "a number", "(0,1)"),
        step(define, "99.1", r"\beta_{t-1} := \frac12"),
    ),
    Hole(
        "G-11",
        r"p_2(X) := \mathcal N(X;(X^\top m)m,\Lambda^{-1})",
        lambda: (
            process("p_2", "pair", "two columns"),
            define("99.1", r"p_2(X) := \mathcal N(X;(X^\top m)m,\Lambda^{-1})"),
        )[1],
        "the mean of X holds X",
        "declare_matrix looks for X in the mean, not for its transpose",
    ),
    hole(
        "G-12",
        r"p_2(Y) = \mathcal N(Y;A(Y^\top g)m+g,L^{-1}+A\Lambda^{-1}A^\top)",
        "the mean of Y holds Y",
        "the same, for a second column in the first law",
        step(process, "p_2", "pair", "two columns"),
        step(notation, "g", "column", "", shape=("m", 1)),
        step(define, "99.1", r"p_2(X) := \mathcal N(X;(Y^\top g)m,\Lambda^{-1})"),
        step(define, "99.2", r"p_2(Y\mid X) := \mathcal N(Y;AX+g,L^{-1})"),
        by=lambda: mix("99.1", "99.2"),
    ),
    Hole(
        "G-14",
        r"y := A",
        lambda: (Y(), define("99.1", "y := A"))[1],
        "A is a matrix, y is a number",
        "where no side holds matrices, a letter of one is read as a number; a definition does not look",
    ),
    Hole(
        "G-13",
        r"\lVert w_t\rVert^2 \le d as a hypothesis",
        lambda: assume("H99", r"\lVert w_t\rVert^2 \le d"),
        "w_t is normal: no bound holds",
        "with_hypothesis looks for states, not for random letters and noises that hold them",
    ),
    hole(
        "H-1",
        r"\lim_{t\to\infty}\sqrt{\frac{a^t+a^{2t}}{2a^t+a^{2t}}} = 1",
        "sqrt(1/2)",
        "limit puts 0 for one power after the other, and looks only at the outermost denominator",
    ),
    hole(
        "H-2",
        r"\lim_{t\to\infty}\log\frac{a^t+a^{2t}}{2a^t+a^{2t}} = 0",
        "log(1/2)",
        "the same: log 0 - log 0",
    ),
    hole(
        "H-3",
        r"\lim_{t\to\infty}\exp\left(\frac{a^t+a^{2t}}{2a^t+a^{2t}}\right) = \exp(1)",
        "exp(1/2)",
        "the same",
    ),
    hole(
        "H-4",
        r"\lim_{t\to\infty}a^{t-t^2} = 0",
        "a = 0.5, t = 4: 4096",
        "limit reads the factor of t in an exponent without asking that it be linear",
    ),
    hole(
        "H-5",
        r"\sqrt{\left(\prod_{k=t-1}^{T}a-\prod_{k=1}^{T}a\right)^2} = \prod_{k=t-1}^{T}a-"
        r"\prod_{k=1}^{T}a",
        "a = 0.5, T = t = 1: 0.25 and -0.25",
        "products: a product over 1..n is taken to be at most 1 where n may be negative",
    ),
    hole(
        "H-6",
        r"\sqrt{\left(\prod_{k=1}^{t}c\,q(x_k\mid x_{k-1})\right)^2} = \prod_{k=1}^{t}c"
        r"\,q(x_k\mid x_{k-1})",
        "c = -1, t = 1: q and -q",
        "a product with densities becomes exp(sum log ..) though its factors are not proved to be "
        "positive",
    ),
    hole("H-7", r"c{-1} = -c", "TeX shows c-1", BRACES),
    hole("H-8", r"a{b+c} = ab+ac", "TeX shows ab+c", BRACES),
    hole("H-9", r"{a+b}^2 = a^2+2ab+b^2", "TeX shows a+b^2", BRACES),
    hole("H-10", r"\log{1+u} = \log(1+u)+0", "TeX shows log 1+u", BRACES),
    hole("H-11", r"2{3} = 6", "TeX shows 23", BRACES),
    hole(
        "H-12",
        r"\kappa^v_1 = \kappa^{v_1}+0",
        "TeX shows kappa with v above and 1 below, as in H7",
        "a symbol with a subscript stands after ^ without braces",
    ),
    hole(
        "H-13",
        r"\sqrt v_1\sqrt v_1 = v_1",
        "TeX sets the 1 outside of the root",
        "the same after \\sqrt and \\frac",
    ),
    hole(
        "H-14",
        r"2\frac12 = 1",
        "a reader sees two and a half",
        "a number before \\frac of two numbers; this one is a matter of taste",
    ),
    hole(
        "H-15",
        r"\frac{X^\top X}{X^\top X} = 1",
        "X = 0",
        "MatrixReading._div looks at commuting denominators alone",
    ),
    hole(
        "H-16",
        r"\sum_{t=2}^{T}\log q_\tau(x_s\mid x_0) = \sum_{t=2}^{T}\log\mathcal N(x_s;"
        r"\sqrt{\bar\alpha_s}\,x_0,(1-\bar\alpha_s)I)",
        "T = 3, t = 3, s = 2: at t = 2 the sum holds a jump from 2 to 2, which no law describes",
        "in a sum over t, nothing asks that s lies below the new t (density, for jump)",
        by=lambda: using("7.32"),
        start=2,
    ),
    hole(
        "I-1",
        r"\alpha_t = 1",
        "alpha_t = 0.9",
        "_make asks isinstance, which a subclass passes: ask type(p) is Theorem, or forbid "
        "subclasses",
        by=lambda: using(unguarded(book().theory)),
    ),
    rule_hole(
        "I-2",
        "c = 1",
        empty_theory,
        "c = 2",
        "Theory asks a mapping whether it is empty; and isinstance is not asked of theory",
    ),
    rule_hole(
        "I-3",
        r"\log 2 \le 0",
        bound_of_a_defined_letter,
        "0.69",
        "substitute: u may have a meaning by now",
    ),
    rule_hole(
        "I-4",
        r"y = 4, with y := u^2",
        definition_at_one_value,
        "u = 1",
        "substitute: another letter's meaning may hold u",
    ),
    rule_hole(
        "I-5",
        r"\prod_{k=3}^{1}\alpha_k = \frac{\bar\alpha_1}{\alpha_1\alpha_2}",
        before_its_range,
        "alpha_2 = 0.8: 1 and 1.25",
        "substitute: u may be t or T",
    ),
    hole(
        "I-6",
        r"\alpha_t = 1",
        "alpha_t = 0.9",
        "book.proofs takes what a tactic returns when "
        "it shows the claim; only restate would ask for a theorem: call it always",
        by=lambda: (
            lambda b, goal: SimpleNamespace(
                claim=goal.claim,
                lo=1,
                strength="derived",
                open=(),
                uses=(),
                assumes=(),
                premises=(),
            )
        ),
    ),
    hole(
        "I-7",
        r"\alpha_t = 1",
        "alpha_t = 0.9",
        "book.eq takes what `extends` returns without comparing it with the formula",
        by=lambda: SimpleNamespace(extends=lambda b, equation: (b["2.2"].theorem,)),
    ),
    rule_hole(
        "G-15",
        "1 = T, by a definition of y at (t-1)(T-t)",
        head_at_two_times,
        "T = 2",
        "define: the head stands at t, so that it is another atom at every t",
    ),
    rule_hole(
        "H-17",
        "3 = -3, by c := 2i where 1+c^2 > 0 was proved",
        imaginary_number,
        "it is no equation of real numbers",
        "define and substitute: a value is proved to be real",
    ),
    Hole(
        "I-9",
        r"\sqrt{(1+y)^2} = 1+y, said to need nothing",
        root_without_its_hypothesis,
        "y = -5: 4 and -4",
        "define: the hypotheses that give a value its roots are a part of the definition",
    ),
    Hole(
        "I-8",
        r"\sigma_t\phi_t = x_{t-1}-\mu_\theta(x_t,t), said to need nothing",
        noise_without_its_hypothesis,
        "sigma_t = 0: phi_t is no vector",
        "Meanings.meaning: the hypotheses under which a noise was defined are dropped when it "
        "is unfolded",
    ),
    hole(
        "D-5",
        r"\mathbb E_{\xi}[\langle\xi,\mathbb E_{q(x_0)}[\xi]\rangle] = 0",
        "the inner mean is xi: d",
        "gaussian_mean takes the mean of a fresh noise for one more fixed vector",
    ),
    rule_hole(
        "E-7",
        r"\Sigma_1\Sigma_2 = \Sigma_2\Sigma_1, as numbers",
        matrices_as_numbers,
        "(1 1; 1 2) and (2 0; 0 1)",
        "calc believes the shape that it is told; the theory knows none",
    ),
    hole(
        "E-8",
        r"\begin{pmatrix}m^\top m I&\Lambda\end{pmatrix}"
        r" = \begin{pmatrix}m^\top m&\Lambda\end{pmatrix}",
        "a row of n lines and one of one line",
        "blocks of a row may differ in height",
    ),
    Hole(
        "E-9",
        r"\operatorname{tr}(KK^{-1}) = -1",
        size_below_zero,
        "a size is -1",
        "the number of rows in a trace is a letter like another",
    ),
    hole(
        "G-16",
        r"\mathbb E_{q(x_{1:T}\mid x_0)}[x_T] = x_T",
        "the mean of x_T is random: x_T became a letter of its own",
        "with_symbol does not take T for an index",
        step(notation, "x_T", "vector", ""),
    ),
    hole(
        "G-17",
        r"\sum_{k=1}^{2}s = 10",
        "s is an index of (7.31)",
        "the letter of an index may be declared",
        step(notation, "s", "scalar", ""),
        step(define, "99.1", "s := 5"),
    ),
    hole(
        "G-18",
        r"\operatorname{tr}(\alpha_1\alpha_1^{-1}) = n",
        "alpha_1 is a number",
        "a matrix may bear the name of a family at an index",
        step(notation, r"\alpha_1", "matrix", "", "symmetric", ("n", "n")),
    ),
    rule_hole(
        "G-19",
        r"X = 0",
        lambda theory: kernel.define(
            theory, "99.1", sp.Symbol("X", commutative=False), Term(sp.S.Zero)
        )[1],
        "X is drawn from a law",
        "define takes letters of any kind",
    ),
    Hole(
        "G-20",
        r"g = y, for g := \sqrt y\sqrt y",
        without_its_hypothesis,
        "y < 0: g has no value",
        "SymPy cancels what was read, and its hypothesis with it",
    ),
    Hole(
        "G-21",
        r"p_2(Y) = \mathcal N(Y;Am,L^{-1}+cA\Lambda^{-1}A^\top)",
        covariance_without_its_hypothesis,
        "c < 0: there is no such law",
        "declare_matrix drops what it used",
    ),
    hole(
        "H-18",
        r"\log u \le u-1-(\sqrt{(u-1000000)^2}-1000000+u)",
        "u = 4000000: the right side is -2000001",
        "convex does not ask where a root has a slope",
        by=lambda: tangent("u"),
    ),
    hole(
        "H-19",
        r"\lim_{t\to\infty}a^{t-T} = 0",
        "t is at most T: it is 1 or more",
        "T stays while t goes to infinity",
    ),
    Hole(
        "H-20",
        r"p_2(X) := \mathcal N(X;\frac1{1-\bar\alpha_{t-1}}m,\Lambda^{-1}), from t = 1",
        column_from_two,
        "t = 1: the mean has no value",
        "declare_matrix takes no start",
    ),
    rule_hole(
        "H-21",
        r"\sqrt{y_1^2} = y_1, where y_t > 0 from t = 3/2",
        half_a_step,
        "y_1 = -1",
        "a range starts anywhere, and at takes its whole part",
    ),
    rule_hole(
        "I-10",
        r"\alpha_t = 1",
        forged_premise_in_a_list,
        "alpha = 1/2",
        "premises in a list are not looked at, and one that equals all others is not listed",
    ),
    hole(
        "J-1",
        r"\sum_{t=1}^{2}\lim_{t\to\infty}a^t = a+a^2",
        "it is 0",
        "a limit is taken in the t outside of the sum",
    ),
    rule_hole(
        "L-1",
        r"\sqrt{D^2} = D for D = \bar\alpha_{T+1}-\bar\alpha_T",
        beyond_T,
        "D < 0",
        "a letter has its domain after T, too",
    ),
    rule_hole(
        "M-1",
        r"\sigma_{t-2,s}^2 is what (7.10) says of it",
        sigma_where_s_is_later,
        "s = t-1: a square is negative",
        "a definition with s is put in at another index",
    ),
    hole(
        "H-22",
        r"\begin{aligned}1 &= 2 \\ -1 &= 1\end{aligned}",
        "two lines, both false",
        "lines are read as one formula",
    ),
    hole(
        "H-23",
        r"\begin{aligned}1 &= 2 & -1 &= 1\end{aligned}",
        "two columns, both false",
        "columns are read as one formula",
    ),
    hole(
        "H-24",
        r"1 = 2\ \ \ \ \ \ -1 = 1",
        "two formulas, both false",
        "a gap is no separator",
    ),
    hole(
        "H-25",
        r"\begin{aligned}c^2u &= \\[1cc] u\,\cdot1\end{aligned}",
        "TeX takes [1cc] for a distance: c^2 u = u",
        "a bracket after a line's end is read as a factor",
    ),
    hole(
        "H-26",
        r"\frac a23 = \frac a{23}+0",
        "TeX shows 3a/2",
        "only digits right after a fraction's first digit are taken singly",
    ),
    hole(
        "H-27",
        r"1-1 = x+z-z-x",
        "a number beside a vector",
        "whatever vanishes is of every kind, not the sign 0 alone",
    ),
    hole(
        "H-28",
        r"\sum_{k=\frac12}^{\frac12}\cos(2\pi k) = 1",
        "its term is cos(pi) = -1",
        "the ends of a sum may be fractions",
    ),
    rule_hole(
        "H-29",
        r"\prod_{k=-3}^{t}k = 0 for t from -3 to -1",
        product_over_zero,
        "t = -2: it is 6",
        "a product up to a negative number divides by one that may be 0",
    ),
    hole(
        "E-10",
        r"m^\top m = m^\top m I",
        "a number is a matrix",
        "I of any size stands beside a number",
    ),
    rule_hole(
        "E-11",
        r"AB = BA, of numbers",
        matrices_as_terms,
        "(1 1; 1 2) and (2 0; 0 1)",
        "a term may hold letters of matrices",
    ),
    rule_hole(
        "E-12",
        r"\operatorname{tr}A = nA",
        twin_of_a_matrix,
        "A is a matrix",
        "a commuting letter passes for that of a matrix",
    ),
    rule_hole(
        "E-13",
        r"m(m^\top m)^{-1}m^\top = I",
        projection_as_identity,
        "n = 2: a projection",
        "SymPy takes the inverse of a product apart",
    ),
    rule_hole(
        "E-14",
        r"\operatorname{tr}I = -3",
        trace_of_negative_size,
        "no matrix has -3 rows",
        "the size of a trace may be negative",
    ),
    rule_hole(
        "E-15",
        r"\log(c^2\lvert A\rvert) = 2\log c+\log\lvert A\rvert",
        logarithm_by_force,
        "c < 0: the right side has no value",
        "logarithms of products are taken apart by force",
    ),
    hole(
        "E-16",
        r"WW^\top(WW^\top)^{-1} = I",
        "n = 2: there is no inverse",
        "a column may be called symmetric",
        step(notation, "W", "column", "", "symmetric", ("n", 1)),
    ),
    rule_hole(
        "E-17",
        r"um = zw, of vectors",
        vectors_as_numbers,
        "m and w have two directions",
        "a term is believed to be a number",
    ),
    hole(
        "G-22",
        r"\mathrm{2} = 3+0",
        "2 is 3",
        "a digit may be a letter",
        step(notation, r"\mathrm{2}", "scalar", ""),
        step(define, "99.1", r"\mathrm{2} := 3"),
    ),
    hole(
        "G-23",
        r"\bar\alpha_{{T}} = 4+1",
        "it is a product",
        "a label with braces looks like an index",
        step(notation, r"\bar\alpha_{{T}}", "scalar", ""),
        step(define, "99.1", r"\bar\alpha_{{T}} := 5"),
    ),
    hole(
        "J-2",
        r"\sum_{k=1}^{3}y_k = 3y_k",
        "the page shows y_1+y_2+y_3",
        "a label may be the letter of an index",
        step(notation, "y_k", "scalar", ""),
    ),
    rule_hole(
        "K-1",
        r"1 = -1",
        letter_as_an_index,
        "y_c > 0, y_0 = -1",
        "a letter that is no whole number may be an index",
    ),
    rule_hole(
        "F-2",
        r"x_1 \sim \mathcal N(\sqrt{\alpha_1}\,x_0,1-\alpha_1), given nothing",
        markov_without_condition,
        "its mean is x_0's",
        "markov joins an empty interval, and loses the given state",
    ),
    hole(
        "F-3",
        r"q_k(X_t) = \mathcal N(X_t;\sqrt{\bar\alpha_1}\,m,\bar\alpha_1\Sigma+V)",
        "t = 2: alpha_2 differs",
        "at moves t in the law of a column, whose letter stays",
        by=lambda: lambda b, goal: kernel.at(b.theory, b["6.3"].theorem, 1),
    ),
    rule_hole(
        "M-2",
        r"\sqrt{(s+y)^2} = s+y from t = 0",
        token_with_s,
        "s = -1, y = 1/2",
        "only suppose asks for s, induct does not",
    ),
    rule_hole(
        "C-6",
        r"\sum_k\xi(k,1)-\sum_k\xi(k,2) \sim \mathcal N(0,0)",
        two_noises_as_one,
        "variance 2 T",
        "noises of two indices are told apart by the first",
    ),
    rule_hole(
        "I-11",
        r"\sqrt{(c-1)^2} = c-1, without c > 1",
        hypothesis_that_hides_another,
        "c = 0",
        "what a hypothesis' letters rest on is dropped",
    ),
    hole_afresh(
        "K-2",
        r"\sqrt{y^2} = y",
        "y^2 was said to be nonnegative, and y = -1",
        SIGNS,
        "y^2",
        "scalar",
        "nonnegative",
    ),
    hole_afresh(
        "K-3",
        r"\sqrt{y_t^2} = y_t",
        "y_t-1 was said to be positive",
        SIGNS,
        "y_t-1",
        "scalar",
        "positive",
    ),
    hole_afresh(
        "K-4",
        r"\cos(\pi) = -1",
        "a probability, 0.5",
        MEANT,
        r"\pi",
        "scalar",
        "(0,1)",
    ),
    hole_afresh("K-5", r"\sqrt{d^2} = d", "a difference, -1", MEANT, "d", "scalar"),
    hole_afresh("K-6", r"\sqrt{T^2} = T", "a temperature, -1", MEANT, "T", "scalar"),
    hole_afresh(
        "K-7",
        r"\operatorname{Cov}_{\xi}[\xi] = I",
        "an intensity, 2",
        MEANT,
        "I",
        "scalar",
    ),
    hole_afresh("K-8", "BI = B", "a matrix of zeros", MEANT, "I", "matrix", shape=("n", "n")),
    hole(
        "J-3",
        r"\sum_{k=1}^{3}\log p_k(x_0\mid x_1) = 3\log p_k(x_0\mid x_1)",
        "the page shows log p_1+log p_2+log p_3",
        "the label of a process may be the letter of a sum",
        step(process, "p_k", "backward", "model k"),
        step(define, "99.1", r"p_k(x_{t-1}\mid x_t) := \mathcal N(x_{t-1};x_t,I)"),
    ),
    hole(
        "H-30",
        r"c_{\quad}+1 = 3",
        "the page shows c+1 = 3",
        LABELS,
        step(notation, r"c_{\quad}", "scalar", "another number"),
        step(define, "99.1", r"c_{\quad} := 2"),
    ),
    hole(
        "H-31",
        r"\log q_{\relax}(x_t\mid x_{t-1}) = \log\mathcal N(x_t;x_{t-1},I)",
        "the page shows q",
        LABELS,
        step(process, r"q_{\relax}", "forward", "another chain"),
        step(define, "99.1", r"q_{\relax}(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)"),
    ),
    hole(
        "H-32",
        r"\mathrm{rank}(u+v) = \mathrm{rank}(u)+\mathrm{rank}(v)",
        "the page shows a function",
        WORD,
        step(notation, r"\mathrm{rank}", "scalar", "a number"),
    ),
    hole(
        "H-33",
        r"\mathrm{sgn}\,u\,v = u\,\mathrm{sgn}\,v",
        "the page shows sgn(uv) and u sgn(v)",
        WORD,
        step(notation, r"\operatorname{sgn}", "scalar", "a number"),
    ),
    hole(
        "H-34",
        r"\mathrm{Var}^2[u+v] = \mathrm{Var}^2[u]+\mathrm{Var}^2[v]",
        "the page shows squares of variances",
        WORD,
        step(notation, r"\mathrm{Var}", "scalar", "a number"),
    ),
    hole("H-35", r"1 = 2\;\;\;\;\;\;\;\;\;\;\;\;-1 = 1", "two formulas, both false", GAPS),
    hole("H-36", r"1 = 2\ \,\ \,\ \,\ \,\ \,-1 = 1", "two formulas, both false", GAPS),
    hole(
        "H-37",
        r"\begin{aligned}1 = 2\ \left\ \left\ \left\ -1 = 1\end{aligned}",
        "two formulas, both false",
        "what makes a bracket large may stand before no bracket",
    ),
    hole(
        "H-38",
        r"\begin{aligned}&1 = 2 \\ &-1 = 1\end{aligned}",
        "two lines, both false",
        "a line that begins with a sign may hold a relation sign",
    ),
    hole(
        "H-39",
        r"\begin{aligned}&c+1 = c+2 \\ &\;-1 = c+1\end{aligned}",
        "the first line is false",
        "a line that begins with a sign may hold a relation sign",
    ),
    hole(
        "H-40",
        r"\begin{aligned}c \\ = c-2u\end{aligned}\begin{aligned}&+u \\ &+u\end{aligned}",
        "two blocks side by side; c = c-2u is false",
        "aligned may begin and end anywhere",
    ),
    hole(
        "H-41",
        r"\begin{pmatrix}\begin{pmatrix}\Lambda\end{pmatrix}\begin{pmatrix}K\end{pmatrix}&-K"
        r"\end{pmatrix} = \begin{pmatrix}\Lambda K-K\end{pmatrix}",
        "a row of two blocks is none of one",
        "a column of a matrix that holds a matrix is dropped",
    ),
    hole(
        "H-42",
        r"\begin{pmatrix}\Lambda \\ [K]K\end{pmatrix} = \begin{pmatrix}\Lambda \\ KK+K-K"
        r"\end{pmatrix}",
        "TeX takes [K] for a distance: the second block is K",
        "a bracket after a row's end is read as a factor",
    ),
    hole("H-43", "৪+1 = 5", "to the eye it is 8", SCRIPTS),
    hole("H-44", "u^৪ = u^2u^2", "to the eye it is u^8", SCRIPTS),
    hole(
        "H-45",
        r"\prod_{k=1}^{2}u\cdot v = u^2v^2",
        "to the eye it is (uu)v",
        BODY,
    ),
    hole("H-46", r"\prod_{k=1}^{2}u/v = u^2v^{-2}", "to the eye it is (uu)/v", BODY),
    hole(
        "H-47",
        r"\prod_{k=1}^{2}u\,\log v = u^2(\log v)^2",
        "to the eye it is (uu)log v",
        BODY,
    ),
    hole(
        "H-48",
        r"\prod_{k=1}^{2}\alpha_1\sum_{j=1}^{2}\alpha_1 = 4\alpha_1^4",
        "to the eye it is two factors: 2 alpha_1^3",
        BODY,
    ),
    hole(
        "H-49",
        r"\lVert x_0\rVert^2^2 = \lVert x_0\rVert^2\lVert x_0\rVert^2",
        "TeX stops at a second exponent",
        "the square of a norm takes an exponent",
    ),
    hole(
        "H-50",
        r"\frac{u}{v}^2 = \frac{u^2}{v^2}",
        "TeX sets the 2 beside the numerator alone",
        "a fraction takes an exponent",
    ),
    hole(
        "H-51",
        r"\mu(1) = \mu+0x",
        "the page shows a function at 1",
        "a letter stands before a bracket that holds no sum",
    ),
    hole(
        "H-52",
        r"c\,x(c) = cc\,x+0x",
        "the page shows a function at c",
        "a letter stands before a bracket that holds no sum",
    ),
    hole(
        "H-53",
        r"\prod_{k=1}^{2}k(1-u) = 2(1-u)^2",
        "to the eye it is 2(1-u)",
        "a factor after the last that holds the letter of a product may be none of its body",
    ),
    hole(
        "G-24",
        r"p_2(Y) = \mathcal N(Y;\sqrt{\bar\alpha_t}\,Am,L^{-1}+A\Lambda^{-1}A^\top)",
        "Y shows no t, and has one mean at t = 1 and another at t = 2",
        "the letters of columns and matrices count as without an index",
        step(process, "p_2", "pair", ""),
        step(define, "99.1", r"p_2(X_t) := \mathcal N(X_t;\sqrt{\bar\alpha_t}\,m,\Lambda^{-1})"),
        step(define, "99.2", r"p_2(Y\mid X_t) := \mathcal N(Y;AX_t,L^{-1})"),
        by=lambda: mix("99.1", "99.2"),
    ),
    hole(
        "H-54",
        r"\sum_{k=t+1}^{T}\ell(k,s)s = \sum_{k=t+1}^{T}1",
        "at t = 1 and s = 0 the letter has no meaning",
        "what is defined from t = 2 on with an s is put in where s is 0",
        step(notation, r"\ell(t,s)", "scalar", ""),
        step(define, "99.1", r"\ell(t,s) := \frac1s", start=2),
    ),
    hole(
        "H-55",
        r"D_{KL}(\mathcal N(\Sigma_1,\Sigma_1)\|\mathcal N(\Sigma_1,\Sigma_2))"
        r" = \frac12(\operatorname{tr}(\Sigma_2^{-1}\Sigma_1)-n"
        r"+\log\lvert\Sigma_2\rvert-\log\lvert\Sigma_1\rvert)",
        "of n columns it is n times that",
        "the mean of a normal law may be a square matrix",
    ),
    hole(
        "H-56",
        r"\sum_{k=1}^{2}\mathrm{k} = 2\,\mathrm{k}",
        "to the eye it is 1 + 2",
        "a letter may be declared that differs from an index by its slant alone",
        step(notation, r"\mathrm{k}", "scalar", ""),
    ),
    hole(
        "H-57",
        r"E[u+1]E[u-1] = E^2[u^2-1]",
        "to the eye these are means",
        "E, P and Gamma stand before a bracket as factors",
        step(notation, "E", "scalar", ""),
    ),
    hole(
        "N-1",
        r"\nabla_{x_0}\langle\sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\epsilon,h\rangle = 0",
        "with the noise kept, and not x_t, it is a multiple of h",
        "a noise is differentiated as the states that it is made of; the page does not say so",
    ),
    rule_hole(
        "I-12",
        "sqrt(y_t^2) = y_t, of a y_t that SymPy takes for positive",
        a_letter_that_knows_its_sign,
        "at y_t = -1 it is 1 = -1",
        "two classes of functions are equal in SymPy if their names are",
    ),
    rule_hole(
        "I-13",
        "cos(u) = 1, of a class of that name",
        another_cosine,
        "at u = 1 it is not",
        "what is derived from a known class passes for it",
    ),
    rule_hole(
        "H-58",
        "0 = sqrt(z) + sqrt(w) + sqrt(z + w + 2 sqrt(z w)), of positive numbers",
        a_premise_without_a_value,
        "the right side is positive",
        "a quotient 0/0 is a premise, and is multiplied by its denominator",
    ),
    rule_hole(
        "H-59",
        "1 = 2, both the mean of 0/0",
        a_mean_without_a_value,
        "it is not",
        "a mean is taken to have a value, whatever stands in it",
    ),
    rule_hole(
        "G-25",
        "0 = 1, by two definitions in a circle",
        a_circle_behind_a_number,
        "it is not",
        "a circle is looked for in what can be put in, and at a number nothing can",
    ),
    hole(
        "H-60",
        r"\mathrm{tr}(X^\top X\,I+\Sigma) = \mathrm{tr}(X X^\top+\Sigma)",
        "of n rows, the left side counts the square of X n times",
        "a number times I is turned around in a trace like a product",
    ),
    rule_hole(
        "H-61",
        "log q(x_T) = log q(x_1, x_T)",
        times_that_run_backwards,
        "x_1 is not sure",
        "times that run backwards fall out, or join others",
    ),
    rule_hole(
        "L-2",
        "|2 - 1/z^2| = 2 - 1/z^2",
        a_sequence_after_the_last_t,
        "at z = 1/2 it is 2 = -2",
        "a sequence is put in after T, where nobody has asked for its value",
    ),
    rule_hole(
        "M-3",
        "f_0 = 1 at T = 2, where f_0 := 0 and f_t := 1",
        an_end_that_moves,
        "f_0 is 0",
        "a range ends at T - s, and s moves with t",
    ),
    hole(
        "H-62",
        r"\begin{aligned}[c]\kappa &= c\kappa+0\end{aligned}",
        "TeX shows k = ck",
        "after \\begin{aligned} TeX takes [c] for a place",
    ),
    hole("H-63", r"c^\,2 = cc", "TeX shows c 2 = cc", SPACED),
    hole("H-64", r"\frac\,12c = c/2", "TeX shows a fraction with nothing above the line", SPACED),
    hole("H-65", r"c\cdot2\frac12 = c", "two and a half c is not c", MIXED),
    hole("H-66", r"2\frac{1+0}2 = 1", "two and a half is not 1", MIXED),
    hole(
        "H-67",
        r"\lim_{t\to\infty}1+a^t = 1+a^t",
        "to the eye it is the limit of 1 + a^t, and that is 1",
        "a limit ends at the first plus",
    ),
    hole("H-68", r"\frac{2du}{dv} = \frac{2u}v", "the derivative of 2u in v is none", CLOSE),
    hole("H-69", r"d\,uv = u\,dv", "the differential of uv is u dv + v du", CLOSE),
    hole(
        "H-70",
        r"c(\alpha_{t-1}\alpha_t) = \alpha_t\cdot c(\alpha_{t-1})",
        "as a function",
        INNER,
        start=2,
    ),
    hole("H-71", r"c(-1) = -c", "c of -1 may be anything", INNER),
    hole(
        "H-72",
        r"u^{(2)} = uu",
        "to the eye it is a second derivative",
        "an exponent in brackets is one without",
    ),
    hole(
        "H-73",
        r"3 = 1+0\ \mathrm{and}\ +2 = 3",
        "3 = 1 and 2 = 3 are both false",
        "a word of a text may be a letter",
        step(notation, r"\mathrm{and}", "scalar", "a letter"),
    ),
    hole(
        "H-74",
        r"\operatorname{Var}_t\,c\,u = c\operatorname{Var}_t\,u",
        "of a variance the square of c comes out",
        "a word with an index may stand before a factor",
        step(notation, r"\operatorname{Var}_t", "scalar", "a letter"),
    ),
    hole(
        "H-75",
        r"\prod_{k=1}^{2}u\left(\sum_{k=1}^{2}k+0\right) = 9u^2",
        "the last factor holds no k of the product: it is 3u^2",
        "a letter that is bound again counts as the letter of the product",
    ),
    hole(
        "H-76",
        r"c_{1\,2} = c_{12}+0",
        "an index 1, 2 is not 12",
        "a space divides a number",
        step(notation, "c_{12}", "scalar", "a letter"),
    ),
    hole(
        "H-77",
        r"\begin{aligned}u &= 2u- \\ &u = u\end{aligned}",
        "u = 2u is false",
        "a line may end with a sign, and the next be a formula",
    ),
    rule_hole(
        "H-78",
        "a sum over k of cos(2 pi T^((k+1/2)^2)) is the sum of ones",
        a_sum_shifted_by_a_half,
        "at T = 2 the first term is 0.04",
        "a sum is shifted by 1/2, and its letter is still taken for a whole number",
    ),
    rule_hole(
        "N-2",
        "the gradient of <x_k, h>, added up from k = t to t, is 0",
        a_gradient_of_one_term,
        "it is h",
        "the times in a sum of one term are taken for the state itself",
    ),
    rule_hole(
        "G-26",
        "y(τ^2) := τ",
        a_function_of_a_square,
        "1 and -1 have one square",
        "a letter in the argument of a function need not be given by it",
    ),
    rule_hole(
        "E-18",
        "3W - 2 <= W^3 for W := 1 + X^T A^2 X X^T X",
        a_bound_of_matrices,
        "for a turn by 90 degrees and |X|^2 = 2, W is -3",
        "a bound is one of matrices, and in its sign their products commute",
    ),
    rule_hole(
        "E-19",
        "the root of AB - BA is itself",
        the_root_of_a_matrix,
        "AB - BA can be diag(1, -1), which has no real root",
        "a root of matrices is asked for a sign as if they commuted",
    ),
    rule_hole(
        "E-20",
        "(h + 1)^2 = h^2 + 2h + 1 for a vector h",
        the_square_of_a_vector,
        "it says nothing: two vectors are not multiplied",
        "the vectors that a matrix multiplies are not counted",
    ),
]


# --- True statements ------------------------------------------------------------------------------


class Truth(NamedTuple):
    """`says` is proved; without a proof, where it is not, it is at least never refuted."""

    id: str
    says: str
    run: Callable
    proved: bool


def truth(
    id: str, latex: str, by: Callable = lambda: None, start: int = 1, proved: bool = True
) -> Truth:
    return Truth(id, latex, attack(id, latex, "", "", by=by, start=start).run, proved)


def stated(number: str, **options) -> Truth:
    """A formula of the book, once more, under another number."""
    return Truth(
        number,
        f"({number}) again",
        lambda: eq(
            "99.9",
            book()[number].latex,
            start=book()[number].start,
            **{name: make() for name, make in options.items()},
        ),
        True,
    )


STEP = (
    r"\frac1{\sqrt{\alpha_t}}\left(x_t-\frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\,"
    r"\hat\epsilon_\theta(x_t,t)\right)+\sigma_t\,\xi"
)
TRUTHS = [
    # called wrong by the first tool
    truth("4.11", r"p_\theta(x_{t-1}\mid x_t) = \mathcal N(x_{t-1};\mu_\theta(x_t,t),\sigma_t^2I)"),
    stated("4.13"),
    stated("4.15a"),
    stated("0.15"),
    stated("0.17", by=lambda: mix("0.13", "0.14")),
    truth(
        "draw",
        r"x_{t-1} \overset{p_\theta\mid x_t}{=} \mu_\theta(x_t,t)+\sigma_t\,\xi",
        by=lambda: using("4.11"),
    ),
    truth("5.17a", r"x_{t-1} \overset{p_\theta\mid x_t}{=} \mu_\theta(x_t,t)+\sigma_t\,\xi"),
    truth("5.17b", rf"x_{{t-1}} \overset{{p_\theta\mid x_t}}{{=}} {STEP}"),
    truth("trial", r"q_a(x_t\mid x_{t-1}) = \mathcal N(x_t;a\,x_{t-1},b^2I)"),
    truth(
        "trial again", r"q_a(x_t\mid x_{t-1}) = \mathcal N\left(x_t;\frac{2a}2\,x_{t-1},b^2I\right)"
    ),
    # what the attacks would be, if they were right
    truth("Aa", r"1-\bar\alpha_0 = 0", by=lambda: using("7.40")),
    truth(
        "Ba",
        closed(r"\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I"),
        by=lambda: induct("1.1", lambda earlier: mix(earlier, "1.1")),
    ),
    truth(
        "Bb",
        r"\nu_t = 1-\prod_{s=1}^{t}\alpha_s",
        by=lambda: induct("1.20", lambda earlier: using("1.20", earlier)),
    ),
    truth("Ca", r"\epsilon \overset{q\mid x_0}{=} \xi"),
    truth("Cb", r"-\epsilon \overset{q\mid x_0}{=} \epsilon", proved=False),
    truth("Cc", r"\epsilon_t-\epsilon_{t-1} \overset{q\mid x_{t-2}}{=} \sqrt2\,\xi", start=2),
    truth("Da", r"\mathbb E_{q(x_t\mid x_0)}[\lVert\epsilon\rVert^2] = d", by=lambda: using("2.6")),
    truth(
        "Db",
        r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}\left[\sum_{k=0}^{t-1}a^k\zeta_{t-k}+"
        r"\sum_{k=0}^{t-1}\zeta_{t-k}\right] = \sum_{k=0}^{t-1}(a^k+1)^2\,I",
    ),
    truth(
        "Dc",
        r"\mathbb E_{q(x_t\mid x_0)}[\mathbb E_{q(x_1\mid x_t,x_0)}[\lVert x_1\rVert^2]] "
        r"= \mathbb E_{q(x_1\mid x_0)}[\lVert x_1\rVert^2]",
        start=2,
    ),
    truth(
        "Ea",
        r"(\lVert x_t+x_0\rVert^2-\lVert x_t\rVert^2-\lVert x_0\rVert^2)^2 = 4\langle "
        r"x_t,x_0\rangle^2",
    ),
    truth(
        "Eb",
        r"\mathbb E_{\xi}[\langle\xi,x\rangle\langle\xi,h\rangle] = \langle x,h\rangle",
        proved=False,
    ),
    truth("Ec", r"\mathrm{tr}(\Lambda\Lambda^{-1}) = n"),
    truth("Ed", r"X^\top\Lambda m = m^\top\Lambda X"),
    truth("Fa", r"q_\kappa(x_t\mid x_0) = q(x_t\mid x_0)", by=lambda: using("2.6", "4.20")),
    truth("Fb", r"\epsilon \overset{q_\kappa\mid x_0}{=} \xi", proved=False),
    truth("Fc", r"q(x_t\mid x_{t-1},x_0) = q(x_t\mid x_{t-1})", start=2),
    truth("Ha", r"\prod_{k=3}^{t}\alpha_k = \frac{\bar\alpha_t}{\alpha_1\alpha_2}", start=2),
    truth("Hb", r"\lim_{t\to\infty}\frac{a^t+1}{2a^{2t}+2} = \frac12"),
    truth("Hc", r"\sqrt{\kappa^2} = \kappa"),
    truth(
        "Hd",
        r"\sum_{k=1}^{2}\left(\sum_{k=1}^{2}k\right)k = \left(\sum_{k=1}^{2}k\right)^2",
        proved=False,
    ),
    truth("Ia", rf"{EVIDENCE} = p_\theta(x_0)", by=importance),
    truth("Na", r"\nabla_{x_t}\langle x_{t-1},x_t\rangle = x_{t-1}"),
    truth(
        "Nb",
        r"\nabla_{x_t}\log\mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I) = "
        r"-\frac{\epsilon}{\sqrt{1-\bar\alpha_t}}",
    ),
]


# --- The table ------------------------------------------------------------------------------------

RESTATED = Counter({"A": 5, "B": 3, "C": 4, "D": 7, "E": 4, "F": 4, "G": 5, "H": 8, "I": 3})


def table() -> str:
    """By kind: how many false statements are tried, and how many each error stops, as Markdown."""
    errors = ["Unreadable", "Undefined", "Refuted", "NotProved", "WrongRule", "Python"]
    head = [
        "kind of hole",
        "tried",
        "of the first tool",
        *errors,
        "by the kernel alone",
        "and what an earlier kernel let through",
    ]
    lines = [head, ["---"] * len(head)]
    for kind, says in KINDS.items():
        tried, mended = ([x for x in cases if x.kind == kind] for cases in (ATTACKS, MENDED))
        names = (a.refused.split()[0] for a in tried)
        by = Counter(name if name in errors else "Python" for name in names)
        alone = sum(a.alone != "numeric" for a in tried)
        lines.append(
            [
                f"{kind}: {says}",
                len(tried),
                RESTATED[kind] or "",
                *(by[name] or "" for name in errors),
                alone,
                len(mended) or "",
            ]
        )
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


if __name__ == "__main__":
    print(table())
