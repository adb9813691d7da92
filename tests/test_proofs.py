"""The prover as a whole: what is read and refused, what stays apart, what is trusted and how much."""

import ast
import json
from dataclasses import FrozenInstanceError, replace
from functools import cache

import pytest
import sympy as sp
from notebooks import ROOT
from refusals import refused

from ddpm_course import proofs
from ddpm_course.proofs import (
    NotProved,
    Undefined,
    Unreadable,
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
    pointwise,
    process,
    tangent,
    using,
)
from ddpm_course.proofs.book import Book, book, in_book
from ddpm_course.proofs.display import MIME, rests_on
from ddpm_course.proofs.kernel import RULES, Theorem, replay
from ddpm_course.proofs.lexer import declared
from ddpm_course.proofs.reader import Node, read, read_relations

PACKAGE = ROOT / "ddpm_course" / "proofs"
LETTERS = {
    entry.name: entry
    for entry in (
        declared("x_t", "state", ""),
        declared(r"\alpha_t", "scalar", "", "(0,1)"),
        declared("v", "scalar", ""),
        declared(r"\kappa", "scalar", ""),
        declared(r"\alpha", "scalar", ""),
        declared(r"\mathrm{sgn}", "scalar", ""),
        declared(r"\mathrm{sgn}_1", "scalar", ""),
        declared(r"\mathrm{SNR}_t", "scalar", ""),
        declared("d", "scalar", "", "natural"),
        declared("T", "scalar", "", "natural"),
        declared("I", "matrix", ""),
        declared("q", "density", ""),
        declared(r"\xi", "fresh", ""),
        declared(r"\mu", "vector", ""),
        declared(r"\mu_\theta(x_t,t)", "vector", ""),
    )
}


# --- Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one, other",
    [
        (r"\frac12v", r"\frac{1}{2}v"),
        (r"\sqrt2v", r"\sqrt{2}v"),
        ("v^2v", "v^{2}v"),
        (r"\alpha _t", r"\alpha_{t}"),
        (r"\left(v\right)", "(v)"),
        (r"v\,d", "vd"),
        (r"\mathcal{N}(\mu,vI)", r"\mathcal N(\mu,vI)"),
        (r"\begin{aligned}v &\\ &+d\end{aligned}", "v+d"),
        (r"\begin{aligned}v\Big(v\; &+d \\ &\;-d\Big)\end{aligned}", "v(v+d-d)"),
        (r"\sum_{k=1}^t(2k)", r"\sum_{k=1}^{t}(2k)"),
        (r"\mathrm{sgn}\cdot v", r"\mathrm{sgn}\cdot(v)"),
        (r"d\,\mathrm{SNR}_tv", r"d\,\mathrm{SNR}_t\,v"),
        (r"\prod_{k=1}^{2}(v\cdot d)", r"\prod_{k=1}^{2}(vd)"),
        (r"\prod_{k=1}^{2}v\alpha_k", r"\prod_{k=1}^{2}v\,\alpha_k"),
        (r"v\cdot d\,\log v", r"vd\log v"),
    ],
)
def test_two_spellings_of_one_formula(one, other):
    assert read(one, LETTERS) == read(other, LETTERS)


@pytest.mark.parametrize(
    "latex",
    [
        r"\log(\kappa)^2",
        r"\kappa^\alpha_t",
        "1/2v",
        "v 2",
        r"\log v d",
        "v^22",
        r"\frac123",
        "v 2^2",
        "y",
        "v+",
        "(v",
        r"\sum_{k=1}v",
        r"\mu_\theta",
        r"x_t^2 y",
        r"v\\ &d",
        r"\kappa^d_t",
        r"\lVert\mu\rVert",
        "v''",
        r"|v|",
        r"\mathbb E[v]",
        r"\operatorname{Cov}[\mu]",
        r"v\,\!",
        r"v\;\;+d",
        r"v\ \left\ +d",
        r"\left v\right",
        r"\begin{aligned}v\end{aligned}+d",
        r"\begin{aligned}v\end{aligned}\begin{aligned}+d\end{aligned}",
        r"\begin{aligned}\begin{aligned}v\end{aligned}\end{aligned}",
        r"\begin{pmatrix}v \\ [d]v\end{pmatrix}",
        "v+৪",  # a Bengali 4, which looks like an 8
        "v+４",
        "v^²",
        "v+а",  # a Cyrillic letter
        "v+\u00a0d",
        r"\prod_{k=1}^{2}v\cdot d",
        r"\prod_{k=1}^{2}v/d",
        r"\prod_{k=1}^{2}v\log d",
        r"\prod_{k=1}^{2}\log d",
        r"\prod_{k=1}^{2}v\prod_{k=1}^{2}d",
        r"\prod_{k=1}^{2}vd",
        r"\prod_{k=1}^{2}\alpha_k(1-v)",
        r"\normal(\mu;\mu,vI)",
        r"\mean_{\xi}[\xi]",
        r"\KL(\mathcal N(\mu,I)\|\mathcal N(\mu,I))",
        r"\lVert\mu\rVert^2^2",
        r"\lVert\mu\rVert^2^\top",
        r"\frac vd^2",
        "v^2^2",
        "v(1)",
        r"v\left(d\right)",
        r"\mu[v]",
        r"\alpha_t(t)",
        "t(2)",
        "v(2d)",
        "v^2(d)",
        r"v(\log d)",
        r"\mathrm{sgn}(v+d)",
        r"\mathrm{sgn}\,v",
        r"\mathrm{sgn}_1v",
        r"\mathrm{sgn}^2v",
        r"\mathrm{sgn}\frac vd",
        r"\mathrm{SNR}_t(v+d)",
    ],
)
def test_what_can_be_read_in_two_ways_or_not_at_all_is_refused(latex):
    with pytest.raises(Unreadable):
        read(latex, LETTERS)


@pytest.mark.parametrize(
    "shown, plain",
    [
        (r"v^\;2", "v^2"),
        (r"\sqrt\,v", r"\sqrt v"),
        (r"v^\left{2\right}", "v^{2}"),
        (r"\alpha_{1t}", r"\alpha_{t}"),
        (r"\alpha_{01}", r"\alpha_{1}"),
        (r"\alpha_{1\,2}", r"\alpha_{12}"),
        ("v^{(2)}", "v^{2}"),
        ("v(-d)", "v(2-d)"),
        (r"v(\alpha_{t-1}d)", r"v(\alpha_{t-1}-d)"),
        (r"\kappa\mathrm{sgn}", r"\kappa\cdot\mathrm{sgn}"),
        ("3+dv", r"3+d\,v"),
        (r"2d\cdot3\frac12", r"2d\cdot3\cdot\frac12"),
        (r"\lim_{t\to\infty}v+v", r"v+\lim_{t\to\infty}v"),
        (r"\sum_{k=1}^2(\sum_{k=1}^2v)", r"\sum_{k=1}^2(\sum_{i=1}^2v)"),
        (r"\begin{pmatrix}[v]&d\end{pmatrix}", r"\begin{pmatrix}(v)&d\end{pmatrix}"),
    ],
)
def test_what_is_shown_or_seen_otherwise_is_refused(shown, plain):
    assert read(plain, LETTERS)
    with pytest.raises(Unreadable):
        read(shown, LETTERS)


@pytest.mark.parametrize(
    "name", ["e", "o", "O", r"\mathrm{e}", r"\mathrm{l}", r"\mathrm{dt}", "v_o"]
)
def test_a_name_that_looks_like_something_else_is_refused(name):
    assert declared(r"\mathrm{g}", "scalar", "") and declared("v_n", "scalar", "")
    with pytest.raises(Unreadable):
        declared(name, "scalar", "")


def test_a_name_with_arguments_is_called_and_one_without_is_multiplied():
    assert read(r"\mu_\theta(x_t,t)", LETTERS).op == "call"
    assert read(r"\alpha_t(1-v)", LETTERS).op == "mul"


@pytest.mark.parametrize(
    "latex",
    [
        r"\begin{aligned}&v = d \\ &-v = d\end{aligned}",
        r"\begin{aligned}&v = d \\ &\;+v \le d\end{aligned}",
        r"\begin{aligned}&v = d \\ &-\mu \overset{q}{=} \mu\end{aligned}",
    ],
)
def test_a_line_that_begins_with_a_sign_holds_no_relation(latex):
    with refused(Unreadable, why="begins with a sign"):
        read_relations(latex, LETTERS)


def test_a_line_may_begin_with_a_sign():
    latex = r"\begin{aligned}-v &= v-\sum_{k=1}^{2} \Big(v \\ &-d\Big) \\ &+\sum_{k=2}^{2}v \\ &= d\end{aligned}"
    assert len(read_relations(latex, LETTERS)[0]) == 3


def test_a_chain_of_relations():
    sides, signs = read_relations(r"v = d \le \kappa", LETTERS)
    assert [sign.op for sign in signs] == ["equal", "le"] and len(sides) == 3


def test_a_law_stands_over_the_sign():
    _, (sign,) = read_relations(r"x_t \overset{q\mid x_0}{=} \xi", LETTERS)
    assert sign == Node("law_under", ("q", (Node("member", ("x_t", Node("number", (0,)))),)))


def test_what_is_unreadable_says_where():
    with pytest.raises(Unreadable) as refusal:
        read(r"v+\log(\kappa)^2", LETTERS)
    assert refusal.value.at == "^" and refusal.value.latex == r"v+\log(\kappa)^2"


# --- A small book --------------------------------------------------------------------------------


def letters() -> None:
    notation("x_t", "state", "an image")
    notation(r"\alpha_t", "scalar", "share kept", "(0,1)")
    notation(r"\bar\alpha_t", "scalar", "share kept since time 0")
    notation("I", "matrix", "the identity")
    notation("u", "scalar", "a positive number", "positive")
    notation("c", "scalar", "any number")
    process("q", "forward", "a chain")
    define("1.1", r"q(x_t\mid x_{t-1}) := \mathcal N(x_t;\sqrt{\alpha_t}\,x_{t-1},(1-\alpha_t)I)")
    define("1.2", r"\bar\alpha_t := \prod_{k=1}^{t}\alpha_k")


CLOSED = r"q(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)"


@pytest.fixture
def small():
    with in_book(Book()) as b:
        letters()
        yield b


def steps(th: Theorem) -> set[int]:
    return {id(th)}.union(*map(steps, th.premises))


def test_the_closed_form(small):
    found = eq("1.3", CLOSED, by=induct("1.1", lambda earlier: mix(earlier, "1.1")))
    assert found.verdict == "derived" and found.theorem.lo == 1 and not found.theorem.open
    facts = found._repr_mimebundle_()[MIME]
    assert facts["rests_on"] == ["1.1", "1.2"] and facts["assumes"] == ["$q$ is a Markov chain"]
    assert replay(found.theorem) == len(steps(found.theorem)) > 3


def test_a_range_is_proved_not_believed(small):
    with pytest.raises(Undefined):
        eq("1.3", r"\frac1{1-\bar\alpha_{t-1}}-\frac1{1-\bar\alpha_{t-1}} = 0")
    assert (
        eq("1.3", r"\frac1{1-\bar\alpha_{t-1}}-\frac1{1-\bar\alpha_{t-1}} = 0", start=2).theorem.lo
        == 2
    )


def test_a_refused_equation_leaves_no_trace(small):
    theory, equations = small.theory, dict(small.equations)
    for latex in r"\bar\alpha_t = \alpha_t", r"\bar\alpha_t = y", r"x_t = x_0":
        with pytest.raises(proofs.ProofError):
            eq("1.3", latex)
    assert small.theory is theory and small.equations == equations


def test_a_number_belongs_to_one_formula(small):
    eq("1.3", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}")
    eq("1.3", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}")
    with pytest.raises(WrongRule):
        eq("1.3", r"\bar\alpha_1 = \alpha_1")


def test_a_formula_is_not_compared_with_itself(small):
    with pytest.raises(WrongRule):
        eq("1.3", r"\bar\alpha_t = \bar\alpha_t")


def test_numeric_stays_numeric(small):
    eq("1.3", r"\bar\alpha_1 = \alpha_1", by=numeric())
    assert small["1.3"].verdict == "numeric"
    again = eq("1.4", r"2\bar\alpha_1 = 2\alpha_1")
    assert again.verdict == "derived"  # proved without it


def test_what_gives_a_noise_its_meaning_is_a_definition(small):
    notation(r"\epsilon_t", "noise", "a noise")
    latex = r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t"
    shown = eq("1.3", latex, by=innovation("1.1"))._repr_mimebundle_()
    assert shown[MIME]["verdict"] == "definition" and shown[MIME]["rests_on"] == ["1.1"]
    assert "**definition** of a noise, whose law is derived from (1.1)" in shown["text/markdown"]
    assert eq("1.4", latex.replace("x_t = ", "0 = -x_t+")).verdict == "derived"


def test_a_hypothesis_is_named_by_what_needs_it(small):
    notation(r"\sigma_t", "scalar", "a standard deviation", "nonnegative")
    with pytest.raises(Undefined):
        eq("1.3", r"\frac{\sigma_t^2}{\sigma_t^2} = 1")
    assume("H1", r"0 < \sigma_t")
    assert eq("1.3", r"\frac{\sigma_t^2}{\sigma_t^2} = 1")._repr_mimebundle_()[MIME]["assumes"] == [
        "H1"
    ]


def test_what_is_cited_is_neither_read_nor_proved(small):
    assert cite("1.3", r"\nabla y = 7", "somewhere").verdict == "cited"
    with pytest.raises(WrongRule):
        eq("1.4", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}", by=using("1.3"))


def test_books_are_apart(small):
    eq("1.3", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}")
    with in_book(small.copy()) as other:
        define("1.4", "c := 2")
        eq("1.5", "c = 1+1")
    assert set(other.equations) - set(small.equations) == {"1.4", "1.5"}
    assert book() is small
    with pytest.raises(proofs.Refuted):
        eq("1.5", "c = 1+1")


def test_a_theorem_of_another_book_is_refused(small):
    with in_book(small.copy()):
        define("1.4", "c := 2")
        theirs = eq("1.5", "c = 1+1").theorem
    define("1.4", "c := 3")
    with pytest.raises(WrongRule):
        kernel.at(small.theory, theirs, sp.S.One)


def test_the_list_of_rules_is_closed():
    with pytest.raises(TypeError):
        RULES["mine"] = RULES["calc"]
    kernel._rules["mine"] = RULES["calc"]  # what the list was made from
    try:
        assert "mine" not in RULES and not hasattr(kernel, "_admitted")
    finally:
        del kernel._rules["mine"]


def test_a_sequence_keeps_the_domain_that_its_start_and_its_step_have(small):
    notation(r"\nu_t", "sequence", "a variance", "nonnegative")
    define("1.3", r"\nu_0 := 0")
    define("1.4", r"\nu_t := \alpha_t\nu_{t-1}+1-\alpha_t")
    assert eq("1.5", r"\sqrt{\nu_{t-1}}\sqrt{\nu_{t-1}} = \nu_{t-1}").verdict == "derived"
    notation("g_t", "sequence", "a share", "(0,1)")
    define("1.6", r"g_0 := \frac12")
    with pytest.raises(WrongRule):
        define("1.7", r"g_t := 2g_{t-1}")


def test_a_density_asks_for_variances(small):
    """And names the hypothesis by which there are any."""
    notation(r"\sigma_t", "scalar", "a standard deviation", "nonnegative")
    process("p", "backward", "another chain")
    define("1.3", r"p(x_{t-1}\mid x_t) := \mathcal N(x_{t-1};x_t,\sigma_t^2I)")
    bayes = r"p(x_t\mid x_{t-1}) = \frac{p(x_{t-1}\mid x_t)p(x_t)}{p(x_{t-1})}"
    with pytest.raises(Undefined):
        eq("1.4", bayes)
    assume("H1", r"0 < \sigma_t")
    assert eq("1.4", bayes)._repr_mimebundle_()[MIME]["assumes"] == ["$p$ has a density", "H1"]


@pytest.mark.parametrize(
    "law",
    [
        r"p_c(X) = \mathcal N(Y;Am,ASA^\top+\Lambda)",
        r"p_c(X\mid X) = \mathcal N(X;m,S)",
        r"p_c(X) = \mathcal N(m,S)",
        r"q(X) = \mathcal N(X;m,S)",
    ],
)
def test_a_law_of_a_column_names_it_once(many, law, monkeypatch):
    b, _ = many
    monkeypatch.setattr(oracle, "refute", lambda *_, **__: 1)
    with in_book(b.copy()), pytest.raises(Unreadable):
        eq("4.1", law, by=mix("2.1", "2.2"))


def test_two_states_of_a_chain_are_not_independent(small, monkeypatch):
    monkeypatch.setattr(oracle, "refute", lambda *_, **__: 1)
    for latex in r"q(x_t\mid x_0) = q(x_t)", r"q(x_t\mid x_0) = 1", r"q(x_t,x_0) = q(x_0)":
        with pytest.raises(NotProved):
            eq("1.3", latex)


def test_a_pair_of_columns_has_no_states(many, monkeypatch):
    b, _ = many
    monkeypatch.setattr(oracle, "refute", lambda *_, **__: 1)
    with in_book(b.copy()), pytest.raises(Unreadable):
        eq("4.1", r"p_c(x_t\mid x_{t-1}) = \frac{p_c(x_{t-1}\mid x_t)p_c(x_t)}{p_c(x_{t-1})}")


def test_theorems_cannot_be_forged_or_changed(small):
    th = eq("1.3", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}").theorem
    with pytest.raises((ValueError, TypeError)):
        replace(th, lo=0)
    with pytest.raises(FrozenInstanceError):
        th.lo = 0
    with pytest.raises(WrongRule):
        Theorem(
            th.claim, 0, th.hi, th.open, th.uses, th.assumes, "derived", (), th.theory, (), None
        )


# --- What a way of proof is not made for ---------------------------------------------------------


STATED = {
    "bound": (r"\log u \le u-1", tangent("u")),
    "number": (r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}", None),
    "law": (CLOSED, induct("1.1", lambda earlier: mix(earlier, "1.1"))),
    "in law": (r"v+\xi \overset{d}{=} v-\xi", None),
    "divergence": (
        r"\mathbb E_{q(x_t\mid x_0)}[\log\frac{q(x_t\mid x_0)}{p(x_t)}]"
        r" = D_{KL}(q(x_t\mid x_0)\|p(x_t))",
        None,
    ),
    "column": (r"p_c(Y) = \mathcal N(Y;Am,ASA^\top+\Lambda)", mix("2.1", "2.2")),
    "matrices": (r"(AA^\top)^\top = AA^\top", None),
    "blocks": (
        r"\begin{pmatrix}\Lambda & A\end{pmatrix}^\top"
        r" = \begin{pmatrix}\Lambda\\ A^\top\end{pmatrix}",
        None,
    ),
}
NOT_STATED = {
    "state in law": r"x_t \overset{d}{=} \xi",
    "bound on a mean": r"0 \le D_{KL}(q(x_t\mid x_0)\|p(x_t))",
    "noise": r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t",
    "noise, twice": r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t = x_0",
    "fourth root": r"\sqrt{\sqrt{\bar\alpha_t}} = \alpha_t",
}


def ways(premises: list[str]) -> dict:
    """Every way of proof, from every premise or two of them."""
    found = {"": None, "increments": increments(), "importance": importance(), "u": tangent("u")}
    for p in premises:
        for way in using, pointwise, innovation:
            found[f"{way.__name__} {p}"] = way(p)
        for way in induct, induct_down:
            found[f"{way.__name__} {p}"] = way(p, lambda h, p=p: mix(h, p))
            found[f"{way.__name__} {p}, using"] = way(p, lambda h, p=p: using(h, p))
        for other in premises:
            for way in mix, condition, gap:
                found[f"{way.__name__} {p} {other}"] = way(p, other)
    return found


@pytest.fixture(scope="module")
def many():
    """A book with a theorem of every kind; and every way from them."""
    with in_book(Book()) as b:
        letters()
        process("p", "backward", "another chain")
        process("p_c", "pair", "two columns")
        notation(r"\xi", "fresh", "a fresh noise")
        notation("v", "vector", "a vector")
        notation(r"\epsilon_t", "noise", "a noise")
        for name, shape in ("X", "n"), ("Y", "m"), ("m", "n"):
            notation(name, "column", "a column", shape=(shape, 1))
        notation("A", "matrix", "a matrix", shape=("m", "n"))
        notation("T", "scalar", "how many steps there are", "natural")
        notation("S", "matrix", "a covariance", "symmetric", ("n", "n"))
        notation(r"\Lambda", "matrix", "a covariance", "symmetric", ("m", "m"))
        define("2.1", "p_c(X) := \\mathcal N(X;m,S)")
        define("2.2", r"p_c(Y\mid X) := \mathcal N(Y;AX,\Lambda)")
        for n, (latex, by) in enumerate(STATED.values()):
            eq(f"3.{n}", latex, by=by)
        return b, ways(["1.1", "2.1", "2.2", *(f"3.{n}" for n in range(len(STATED)))])


CLAIMS = {name: latex for name, (latex, _) in STATED.items()} | NOT_STATED


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_a_way_of_proof_answers_or_refuses_whatever_is_claimed(many, claim, every, monkeypatch):
    """One way of six in every run, all of them in the slow one."""
    b, found = many
    monkeypatch.setattr(oracle, "refute", lambda *_, **__: 1)
    proved = []
    for name, way in [*found.items()][::every]:
        with in_book(b.copy()):
            try:
                eq("4.1", CLAIMS[claim], by=way)
                proved.append(name)
            except proofs.ProofError:
                pass
    provable = claim in STATED or claim in ("noise", "bound on a mean")
    assert provable if proved else not provable or every > 1, proved


# --- The course ----------------------------------------------------------------------------------


@cache
def course() -> Book:
    with in_book(Book()) as b:
        after("07_ddim")
        return b


def test_after_proves_nothing_before_it_is_asked_for():
    with in_book(Book()) as b:
        after("02_closed_form")
        assert b["2.3"].known is None
        assert b["2.3"].verdict == "derived" and b["2.3"].known


def test_after_knows_the_chapters():
    with in_book(Book()), pytest.raises(FileNotFoundError):
        after("99_nothing")


@pytest.mark.slow
def test_every_proof_can_be_done_again():
    seen = set()
    steps = sum(
        replay(th, seen) for equation in course().equations.values() for th in equation.links
    )
    assert steps > 150


@pytest.mark.slow
def test_every_rule_is_used_by_a_chapter():
    used, todo = set(), [th for equation in course().equations.values() for th in equation.links]
    while todo:
        th = todo.pop()
        used.add(th.why[0])
        todo += th.premises
    assert set(RULES) - used <= {"numeric"}  # nothing of chapters 00 to 07 is only numeric


@pytest.mark.slow
def test_no_chapter_names_a_premise_in_vain():
    b = course()
    for path in sorted((ROOT / "nbs").glob("0[0-7]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            for call in ast.walk(ast.parse("".join(cell["source"]))):
                if not isinstance(call, ast.Call) or ast.unparse(call.func) != "eq":
                    continue
                by = next((k.value for k in call.keywords if k.arg == "by"), None)
                if isinstance(by, ast.Call) and ast.unparse(by.func) == "using":
                    number, named = call.args[0].value, {a.value for a in by.args}
                    assert named <= set(rests_on(b[number], b)[0]), number


# --- Derivatives ---------------------------------------------------------------------------------


@pytest.fixture
def moving(small):
    for name, kind, domain in (
        (r"\tau", "variable", "positive"),
        (r"\phi", "variable", "real"),
        ("d", "scalar", "natural"),
        ("z", "point", "real"),
        ("g", "vector", "real"),
        (r"S(\tau)", "smooth", "(0,1)"),
        (r"B(\tau)", "smooth", "positive"),
        (r"w(\tau)", "path", "real"),
    ):
        notation(name, kind, "a letter", domain)
    return small


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{d}{d\tau}(\tau^2) = 2\tau",
        r"\frac d{d\tau}(\tau^2) = \frac{\partial}{\partial\tau}(\tau^2)+0",
        r"\partial_\tau\sqrt{S(\tau)} = \frac{1}{2\sqrt{S(\tau)}}\frac{d}{d\tau}S(\tau)",
        r"\frac{d}{d\tau}\frac{w(\tau)}{\tau} = \frac1\tau\frac{d}{d\tau}w(\tau)-\frac{w(\tau)}{\tau^2}",
        r"\frac{d}{d\tau}\lVert w(\tau)\rVert^2 = 2\langle w(\tau),\frac{d}{d\tau}w(\tau)\rangle",
        r"\frac{d}{d\phi}\sin(2\phi) = 2\cos(2\phi)",
        r"\cos(\phi)^2+\sin(\phi)^2 = 1",
        r"\frac{d}{d\tau}\exp(2\tau) = 2(\exp(\tau))^2",
        r"\frac{d}{d\tau}\frac{d}{d\tau}\log\tau = -\frac1{\tau^2}",
        r"\nabla_{x_t}\langle x_t,x_0\rangle = x_0",
        r"\nabla_z\cdot(\lVert z\rVert^2z) = (d+2)\lVert z\rVert^2",
        r"\nabla_z\cdot\nabla_z(\langle z,g\rangle^2) = 2\lVert g\rVert^2",
        r"\frac{d}{d+1}(d+1) = d",
    ],
)
def test_a_derivative_is_evaluated(moving, latex):
    assert eq("1.3", latex).verdict == "derived"
    assert oracle.refute(*read_relations(latex, moving.declarations.notation), moving.declarations)


def test_along_a_path_the_whole_change_is_written_with_d(moving):
    body = r"\langle y(\tau),g\rangle"
    notation(r"y(\tau)", "path", "a curve")
    assert eq("1.3", rf"\frac{{d}}{{d\tau}}{body} = \frac{{d}}{{d\tau}}{body}+0")
    with pytest.raises(Unreadable):
        eq("1.4", rf"\partial_\tau{body} = \frac{{d}}{{d\tau}}{body}")


def test_under_an_equation_stands_where_its_letters_run(small):
    notation(r"\pi", "scalar", "", "positive")
    page = eq("1.8", r"\cos(2\pi i) = 1")._repr_mimebundle_()["text/markdown"]
    assert "for i from 0 to T" in page
    bound = eq("1.9", r"\sum_{s=s+1}^{t}\alpha_s = \alpha_t+\sum_{s=s+1}^{t-1}\alpha_s")
    assert "for s from 0 to t - 1" in bound._repr_mimebundle_()["text/markdown"]


def test_one_image_flows_by_continuity(moving):
    """Its density N(z; S g, B^2 I) is carried along by the velocity of z = S g + B ε."""
    notation(r"r(z,\tau)", "scalar", "a density", "positive")
    notation(r"h(z,\tau)", "vector", "a velocity")
    slope = r"\left(\frac{d}{d\tau}@\right)"
    velocity = (
        slope.replace("@", r"S(\tau)")
        + "g+"
        + slope.replace("@", r"B(\tau)")
        + r"\frac{z-S(\tau)\,g}{B(\tau)}"
    )
    define("1.3", r"r(z,\tau) := \mathcal N(z;S(\tau)\,g,B(\tau)^2I)")
    define("1.4", rf"h(z,\tau) := {velocity}")
    claim = r"\partial_\tau r(z,\tau) = -\nabla_z\cdot(r(z,\tau)\,h(z,\tau))"
    assert eq("1.5", claim).verdict == "derived"
    with pytest.raises(proofs.Refuted):
        eq("1.6", claim.replace("-", ""))


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{dz}{d\tau} = z",
        r"\frac{d^2}{d\tau^2}(\tau^2) = 2",
        r"\frac{\partial}{\partial}\tau = 1",
        r"\frac{d}{d\bar\tau}\tau = 1",
        r"\partial(\tau) = 1",
        r"\frac{d}{d\tau}\tau^2 = 2\tau",
        r"\frac{d}{d\tau}\tau g = g",
        r"\cos\phi\,g = g\cos\phi",
        r"\nabla_z\langle z,g\rangle z = g",
        r"\nabla_zz = d",
        r"\frac{d}{d\tau}z' = 0",
        r"S(2\tau) = S(\tau)",
    ],
)
def test_what_looks_like_a_derivative_is_one_or_unreadable(moving, latex, monkeypatch):
    monkeypatch.setattr(oracle, "refute", lambda *_, **__: 1)
    with pytest.raises(Unreadable):
        eq("1.3", latex)


@pytest.mark.parametrize("domain", ["nonnegative", "natural", "symmetric"])
def test_a_variable_ranges_over_an_open_interval(small, domain):
    with pytest.raises(Unreadable):
        notation(r"\tau", "variable", "a time", domain)


# --- How much is trusted -------------------------------------------------------------------------


RULES_AND_KERNEL = "statements", "definitions", "gaussians", "relations", "kernel"
TRUSTED = (
    *RULES_AND_KERNEL,
    "theory",
    "terms",
    "unfolding",
    "signs",
    "zero",
    "matrices",
    "derivatives",
)


def statements(*names: str) -> int:
    """Statements of Python, however they are laid out: not docstrings, imports and lists of exports."""
    total = 0
    for name in names:
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))):
            match node:
                case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
                    pass
                case ast.Assign(targets=[ast.Name(id="__all__")]):
                    pass
                case ast.stmt():
                    total += 1
    return total


def test_what_makes_theorems_is_small():
    assert statements("kernel") <= 179
    assert statements(*RULES_AND_KERNEL) <= 724
    assert statements(*TRUSTED) <= 1790


def test_the_face_of_the_package_is_small():
    assert (
        len(
            [
                name
                for name in vars(proofs)
                if not name.startswith("_")
                and name not in {path.stem for path in PACKAGE.iterdir()}
            ]
        )
        <= 25
    )


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_no_module_is_a_hall(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 400


def test_the_kernel_alone_makes_theorems():
    for path in PACKAGE.glob("*.py"):
        if path.stem != "kernel":
            assert "Theorem(" not in path.read_text(encoding="utf-8"), path.name
