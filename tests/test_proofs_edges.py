"""The prover where a range, a kind or a rounding ends: one small case on each side of the edge."""

from decimal import Decimal

import pytest
import sympy as sp
from refusals import refused

from ddpm_course.proofs import (
    Undefined,
    Unreadable,
    WrongRule,
    after,
    assume,
    cite,
    define,
    eq,
    importance,
    innovation,
    kernel,
    mix,
    notation,
    process,
)
from ddpm_course.proofs.book import Book, in_book
from ddpm_course.proofs.display import facts, line
from ddpm_course.proofs.errors import NotProved, ProofError, Refuted
from ddpm_course.proofs.grids import Grid, plain, sized
from ddpm_course.proofs.layout import cut
from ddpm_course.proofs.normals import integral
from ddpm_course.proofs.reader import read
from ddpm_course.proofs.statements import Token
from ddpm_course.proofs.terms import T_, Law, Range, s_, span, t_
from ddpm_course.proofs.theory import Theory
from ddpm_course.proofs.zero import Context


@pytest.fixture
def chain():
    """A small book: a chain with its product, numbers, vectors and matrices."""
    with in_book(Book()) as small:
        notation("T", "scalar", "", "natural")
        notation("d", "scalar", "", "natural")
        notation("I", "matrix", "")
        notation("x_t", "state", "")
        notation(r"\alpha_t", "scalar", "", "(0,1)")
        notation(r"\bar\alpha_t", "scalar", "", "(0,1)")
        notation("a", "scalar", "", "(0,1)")
        notation("u", "scalar", "")
        notation("v", "scalar", "", "positive")
        notation(r"\mu", "vector", "")
        notation(r"\epsilon", "noise", "")
        notation("A", "matrix", "", shape=("m", "n"))
        notation("B", "matrix", "", shape=("n", "m"))
        process("q", "forward", "")
        define(
            "1.1", r"q(x_t\mid x_{t-1}) := \mathcal N(x_t;\sqrt{\alpha_t}\,x_{t-1},(1-\alpha_t)I)"
        )
        define("1.2", r"\bar\alpha_t := \prod_{k=1}^{t}\alpha_k")
        yield small


def alone(book: Book, latex: str, number: str = "1.9"):
    """Read and prove a formula without the second opinion, which would refuse most of these first."""
    book.recalling = True
    return eq(number, latex).links


def test_a_name_with_a_domain_has_a_value_at_every_time(chain):
    notation("w_t", "scalar", "", "positive")
    with refused(WrongRule, condition="no value at t = 1"):
        define("1.3", r"w_t := \frac{1}{1-\bar\alpha_{t-1}}", start=2)


def test_the_reach_stands_behind_the_verdict():
    known = {"verdict": "derived", "rests_on": ["1.1"], "start": 2, "source": "a book"}
    parts = line({**known, "assumes": ["H1", "H2"]}).split(" · ")
    assert parts == ["**derived** from (1.1)", "from t = 2 on", "H1", "H2", "a book"]


def test_a_token_whose_given_states_may_change_is_not_taken():
    theory, x = Theory().with_symbol("•x_t", "state", "real"), sp.Function("•x_t")
    theory, q = theory.with_process("q", "forward"), sp.Symbol("q")
    law = lambda given: Law(q, x(t_), given, sp.S.Zero, sp.S.One)
    base = kernel.numeric(theory, law(frozenset({span(t_ - 1)})), Range())
    with refused(WrongRule, rule="induct: the base", condition="it is about another"):
        kernel.induct(theory, Token(law(frozenset()), 1, False), base, base)
    with pytest.raises(TypeError, match="unhashable"):
        kernel.induct(theory, Token(law({span(t_ - 1)}), 1, False), base, base)


def test_a_refusal_says_where_it_is():
    assert str(Unreadable("v+", "", "why")).endswith("at  the end")
    assert str(Unreadable("v+d", "+d", "why")).endswith("at  +d")
    assert str(Refuted(1, 2, {"v": 3})) == "the sides are 1 and 2 at v = 3"
    assert "in a chain at v = 3" in str(Refuted(1, 2, {"v": 3}, "a chain"))


@pytest.mark.parametrize(
    "latex",
    [
        r"q(x_t\mid x_0) = \mathcal N(x_0;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)",
        r"q(x_t\mid x_0) = \mathcal N(\mu;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)",
    ],
)
def test_a_law_is_about_the_variable_of_its_density(chain, latex):
    with pytest.raises(Unreadable) as refusal:
        alone(chain, latex)
    assert refusal.value.why == "the density is not that of the variable of the normal law"


def test_one_number_is_a_square_matrix_and_a_row_is_none():
    one = Grid([[Decimal(3)]])
    assert sized(one) is one
    with refused(WrongRule, condition="not square"):
        sized(Grid([[Decimal(1), Decimal(2)]]))


@pytest.mark.parametrize("size", [Decimal(10) ** 20, Decimal(1), Decimal(10) ** -20])
def test_the_degree_of_a_polynomial_is_found_at_any_size(size):
    mean = integral(lambda z: size / 3 * (z[0] * z[0] + z[1] / 7), 2)
    assert abs(mean / size - Decimal(1) / 3) < Decimal(10) ** -15


def test_blocks_are_multiplied_with_blocks_only(chain):
    with refused(WrongRule, condition="blocks times no blocks"):
        alone(chain, r"\begin{pmatrix}A & A\end{pmatrix}B = \begin{pmatrix}AB & AB\end{pmatrix}")


def test_a_power_may_be_shifted_in_a_limit(chain):
    assert eq("1.9", r"\lim_{t\to\infty}a^{t-1}\mu = 0").verdict == "derived"


def test_a_fraction_takes_one_digit_at_a_time():
    assert cut(r"\frac1 23") == [r"\frac", "1", "2", "3"]
    assert cut("23 45") == ["23", "45"]


@pytest.mark.parametrize("name", ["=", "(", "1_t", "+x"])
def test_only_letters_are_declared(name):
    with in_book(Book()), refused(Unreadable, why="a declared symbol was expected"):
        notation(name, "scalar", "")


@pytest.mark.parametrize(
    "name",
    ["y^2", "y_t-1", "y'", "y()", "y(u)(v)", "y(u", "y[u]", "y u", "y_12", "y_t^2"]
    + ["y_{t-1}", "y_{s,t}", "y_{uv}", "y_{+}", "y_k", "y_৪", r"y_{\quad}", r"y_{\displaystyle}"]
    + [r"y_{\relax}", r"y_{\bar u}", r"y_{\mathrm{u}}", "y_а", "а"],
)
def test_a_name_is_a_letter_with_a_label_or_arguments(name):
    for kind in "scalar", "density":
        if (name, kind) != ("y_k", "density"):
            with in_book(Book()), pytest.raises(Unreadable):
                notation(name, kind, "")


@pytest.mark.parametrize("label", ["t", "s", "i", "j", "t,s", "k-1"])
def test_a_process_is_labelled_by_no_time(label):
    with in_book(Book()), refused(Unreadable, why="a label is"):
        process(f"p_{{{label}}}", "forward", "")


def test_a_process_of_a_component_stands_in_no_sum_over_components(chain):
    process("p_k", "backward", "model k")
    define("1.3", r"p_k(x_{t-1}\mid x_t) := \mathcal N(x_{t-1};x_t,I)")
    assert alone(chain, r"\sum_{j=1}^{2}\log p_k(x_0\mid x_1) = 2\log p_k(x_0\mid x_1)")
    for number, body in ("1.10", r"\log @"), ("1.11", r"\mathbb E_{@}[x_0]"):
        body = body.replace("@", r"p_k(x_0\mid x_1)")
        with refused(Unreadable, why="within a sum over k"):
            alone(chain, rf"\sum_{{k=1}}^{{2}}{body} = {body}+{body}", number)


@pytest.mark.parametrize(
    "name, kind, domain, shape",
    [
        ("T", "scalar", "real", ()),
        ("T", "vector", "natural", ()),
        ("T(u)", "scalar", "natural", ()),
        ("d", "scalar", "positive", ()),
        ("d", "density", "real", ()),
        (r"\pi", "scalar", "(0,1)", ()),
        (r"\pi", "variable", "positive", ()),
        ("I", "scalar", "real", ()),
        ("I", "column", "real", ("n", 1)),
        ("I", "matrix", "real", ("n", "n")),
    ],
)
def test_what_the_kernel_knows_is_declared_as_that(name, kind, domain, shape):
    with in_book(Book()), refused(Unreadable, why="from the start"):
        notation(name, kind, "", domain, shape)


def test_where_a_side_has_no_value(chain):
    with pytest.raises(Undefined) as refusal:
        alone(chain, r"\frac{u}{1-\bar\alpha_{t-1}} = \frac{2u}{2-2\bar\alpha_{t-1}}")
    assert refusal.value.where == "at t = 1"
    with pytest.raises(Undefined) as refusal:
        alone(chain, r"\frac{u}{1-\bar\alpha_t-u} = \frac{2u}{2-2\bar\alpha_t-2u}", "1.10")
    assert refusal.value.where == "on the whole range, as far as is proved"


def test_times_have_their_least_values_and_signs():
    from_one = Range(1)
    assert from_one.least(t_) == 1 and from_one.least(s_) == 0 and Range(2).least(s_) == 1
    assert from_one.least(sp.Rational(1, 2)) is None
    assert from_one.before(s_, t_ - 1) and not from_one.before(s_, t_ - 2)
    context = Context(Theory(), from_one)
    assert context.positive(t_) and not context.positive(s_) and not context.positive(t_ - 5)


def test_what_overlaps_has_no_order():
    context = Context(Theory(), Range(1))
    overlapping = [(sp.S.Zero, t_), (s_, T_)]
    assert context.ordered(overlapping) is None
    assert context.ordered([(t_, T_), (sp.S.Zero, s_)]) == [(sp.S.Zero, s_), (t_, T_)]


def test_a_joint_law_taken_apart_names_the_markov_property(chain):
    one = eq(
        "1.9",
        r"\log q(x_t,x_{t-1}\mid x_0) = \log q(x_t\mid x_{t-1})+\log q(x_{t-1}\mid x_0)",
        start=2,
    )
    assert "$q$ is a Markov chain" in facts(one, chain)["assumes"]


def test_a_noise_without_a_meaning_has_no_value(chain):
    with refused(Unreadable, why="has no meaning yet"):
        eq("1.9", r"\epsilon+\epsilon = 2\epsilon")


def test_a_root_of_what_may_be_negative_has_no_value(chain):
    with pytest.raises(Undefined):
        alone(chain, r"u^{\frac12}\,u^{\frac12} = u")
    assert eq("1.10", r"v^{\frac12}\,v^{\frac12} = v").verdict == "derived"


def test_vectors_have_no_product(chain):
    with refused(Unreadable, why="a product of vectors"):
        alone(chain, r"\prod_{k=1}^{t}x_k = \prod_{k=1}^{t}2x_k")


def test_a_weight_that_may_be_zero_is_enough_for_a_bound(chain):
    notation(r"\eta", "scalar", "", "nonnegative")
    context = Context(chain.theory, Range(1))
    square = chain.reading(1).scalar(read(r"\lVert x_t-\mu\rVert^2", chain.declarations.notation))
    eta = chain.reading(1).scalar(read(r"\eta", chain.declarations.notation))
    weighted = sp.expand(eta * context.unfold(square))
    assert context._sign(weighted, False) and not context._sign(-weighted, False)


@pytest.mark.parametrize("states, named", [("x_t,x_{t-1},x_0", True), ("x_t", False)])
def test_only_a_density_that_is_taken_apart_names_the_markov_property(chain, states, named):
    notation_, context = chain.declarations.notation, Context(chain.theory, Range(2))
    context.factorized(chain.reading(2).scalar(read(rf"\log q({states})", notation_)))
    assert ("$q$ is a Markov chain" in context.used) is named


@pytest.mark.parametrize(
    "latex",
    [
        r"\sqrt{\frac1{v+u^2}}\,\sqrt{v+u^2} = 1",
        r"\sqrt v\,v^{\frac32} = v^2",
        r"(\frac1{v+1})^{\frac13}(v+1)^{\frac13} = 1",
        r"((v+1)^{\frac13}+1)((v+1)^{\frac13}-1) = (v+1)^{\frac23}-1",
        r"\sqrt{\prod_{k=1}^{t}v_k}\,\sqrt{\prod_{k=1}^{t}v_k} = \prod_{k=1}^{t}v_k",
    ],
)
def test_powers_of_one_base_are_joined(chain, latex):
    notation("v_t", "scalar", "", "positive")
    assert eq("1.9", latex).verdict == "derived"


def test_a_product_of_any_numbers_has_no_root(chain):
    notation("u_t", "scalar", "")
    with pytest.raises(Undefined):
        alone(chain, r"\sqrt{\prod_{k=1}^{t}u_k}\,\sqrt{\prod_{k=1}^{t}u_k} = \prod_{k=1}^{t}u_k")


@pytest.mark.parametrize("latex", [r"\frac u{v-1} = \frac{3u}{3v-3}", r"(v-1)^{-1} = 3(3v-3)^{-1}"])
def test_what_is_divided_by_is_named(chain, latex):
    with pytest.raises(Undefined) as refusal:
        alone(chain, latex)
    assert refusal.value.what == r"\frac{1}{v - 1}"


@pytest.mark.parametrize(
    "word, latex", [("exp", r"\exp(A) = A"), ("norm2", r"\lVert A\rVert^2 = 1")]
)
def test_what_is_not_read_of_a_matrix_is_named(chain, word, latex):
    with refused(Unreadable, why=f"matrices are not read within {word}"):
        alone(chain, latex)


def test_a_hypothesis_that_says_nothing_decides_nothing(chain):
    assume("H1", r"0 \le u-v")
    define("1.3", "u := v")
    assert not Context(chain.theory, Range(1))._by_hypothesis(sp.S.Zero, False)


def test_a_recursion_is_followed_no_further_than_needed(chain):
    notation("f_t", "sequence", "")
    define("1.3", "f_0 := 0")
    define("1.4", "f_t := f_{t-1}+u")
    f, u, context = sp.Function("f_t"), sp.Symbol("u"), Context(chain.theory, Range(1))
    assert context.sequences(f(t_) + u) == f(t_) + u
    assert context.sequences(f(t_) - f(t_ - 1)) == u


def test_a_mean_of_a_mean_knows_what_the_inner_one_is_given(chain):
    inner = r"\mathbb E_{q(x_t\mid x_{t-1},x_0)}[x_t]"
    tower = rf"\mathbb E_{{q(x_{{t-1}}\mid x_0)}}[{inner}] = \mathbb E_{{q(x_t\mid x_0)}}[x_t]"
    assert eq("1.9", tower, start=2).verdict == "derived"
    chain.recalling = True
    wrong = rf"\mathbb E_{{q(x_0,x_{{t-1}}\mid x_t)}}[{inner}] = x_t"
    with pytest.raises(NotProved):
        _ = eq("1.10", wrong, start=2).links


def test_a_noise_comes_from_the_last_side_of_a_law(chain):
    notation(r"\epsilon_t", "noise", "")
    law = r"q(x_t\mid x_{t-1},x_{t-2}) = \mathcal N(x_t;\sqrt{\alpha_t}\,x_{t-1},(1-\alpha_t)I)"
    eq("1.3", rf"q(x_t\mid x_{{t-1}}) = {law}", start=2)
    step = r"x_t = \sqrt{\alpha_t}\,x_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t"
    assert eq("1.4", step, by=innovation("1.3"), start=2).verdict == "definition"


@pytest.mark.parametrize(
    "mean, mixed, spread",
    [("X+m", "m+m", r"S+\Lambda"), ("CCX", "CCm", r"CCSC^\top C^\top+\Lambda")],
)
def test_a_law_is_mixed_whatever_stands_before_the_column(mean, mixed, spread):
    with in_book(Book()):
        process("p", "pair", "")
        for name in "XYm":
            notation(name, "column", "", shape=("n", 1))
        notation("C", "matrix", "", shape=("n", "n"))
        for name in "S", r"\Lambda":
            notation(name, "matrix", "", "symmetric", ("n", "n"))
        define("1.1", r"p(X) := \mathcal N(X;m,S)")
        define("1.2", rf"p(Y\mid X) := \mathcal N(Y;{mean},\Lambda)")
        law = eq("1.3", rf"p(Y) = \mathcal N(Y;{mixed},{spread})", by=mix("1.1", "1.2"))
        assert law.verdict == "derived"


def test_a_law_without_conditions_says_so(chain):
    define("1.3", r"q(x_0) := \mathcal N(x_0;\mu,I)")
    law, step = (chain[number].theorem.claim for number in ("1.3", "1.1"))
    assert repr(law).endswith("given x at no time") and repr(step).endswith("given x at t - 1")


def test_a_message_shows_a_column_as_a_vector_and_a_matrix_by_rows():
    one, two = Decimal(1), Decimal(2)
    assert plain(Grid([[one], [two]])) == (one, two)
    assert plain(Grid([[one, two], [two, one]])) == ((one, two), (two, one))


def test_a_state_in_a_message_is_a_point(chain):
    with pytest.raises(Refuted) as refusal:
        eq("1.9", r"q(x_t\mid x_{t-1}) = q(x_t)")
    assert {name: type(x) for name, x in refusal.value.point.items()} == {
        "t": int,
        "x_0": tuple,
        "x_1": tuple,
        r"\alpha_1": Decimal,
    }


def test_blocks_are_the_same_when_each_of_them_is(chain):
    rows = r"\begin{pmatrix}A & %s\end{pmatrix} = \begin{pmatrix}A & 2A-A\end{pmatrix}"
    assert alone(chain, rows % "A")
    with pytest.raises(NotProved):
        alone(chain, rows % "3A", "1.10")


def test_a_product_may_begin_at_0(chain):
    assert alone(chain, r"\prod_{k=0}^{t}(k+2) = 2\prod_{k=1}^{t}(k+2)")
    with pytest.raises(NotProved):
        alone(chain, r"\prod_{k=0}^{t}(k+2) = \frac12\prod_{k=1}^{t}(k+2)", "1.10")


@pytest.mark.parametrize("name", "tsijk")
def test_an_index_is_no_name(name):
    with in_book(Book()):
        with refused(WrongRule, condition="the letter of an index"):
            notation(name, "scalar", "")
        with refused(WrongRule, condition="the letter of an index"):
            process(name, "forward", "")


def test_what_is_no_definition_defines_nothing(chain):
    with refused(Unreadable, why="one sign, :="):
        define("1.3", "v = u")
    with refused(WrongRule, condition="defined by itself"):
        define("1.3", "u := u+1")


def test_a_density_is_about_states(chain):
    with refused(Unreadable, why="a density is about states"):
        alone(chain, "q(u) = q(u)+0")


# --- What a kind of letter asks ------------------------------------------------------------------


@pytest.mark.parametrize(
    "latex, kind, shape",
    [
        (r"\tau_t", "variable", ()),  # else d/d tau_t of tau_1 is 0, also at t = 1
        (r"\tau_{t,s}", "variable", ()),
        ("y_t", "point", ()),
        ("y(t)", "point", ()),
        ("x", "state", ()),
        ("C", "matrix", ()),
        ("C", "column", ("n",)),
        ("C", "matrix", ("q", "q")),
    ],
)
def test_a_letter_is_declared_as_its_kind_asks(latex, kind, shape):
    with in_book(Book()), pytest.raises(Unreadable):
        notation(latex, kind, "", shape=shape)


def test_a_normal_density_of_a_number_is_refused(chain):
    with refused(WrongRule, condition="no vector"):
        eq("1.9", r"\mathcal N(u;u,vI) = \mathcal N(u;u,vI)+0")


def test_a_divergence_names_the_law_that_may_have_no_variance(chain):
    law = r"\mathcal N(0,(u^2-u+1)I)"
    with refused(Undefined, what=r"\mathcal N(0,(u^{2} - u + 1)I)") as refusal:
        alone(chain, rf"D_{{KL}}({law}\|{law}) = 0")
    assert "None" not in str(refusal.value)


def test_the_law_of_a_column_is_about_a_letter(chain):
    notation("S", "matrix", "", "symmetric", (1, 1))
    process("p", "pair", "")
    with refused(Unreadable, why="about a letter"):
        define("1.3", r"p(\alpha_1) := \mathcal N(\alpha_1;0,S)")


# --- What the second opinion and a density may not say -------------------------------------------


def test_digits_lost_to_cancellation_refute_nothing():
    """Both powers have 1,250 digits or more, of which 50, and then 450, are kept at first."""
    same = r"u+((u+2)^{50}+1)^{50}-((u+2)^{49}(u+2)+1)^{50} = u"
    with in_book(Book()):
        notation("u", "scalar", "a number", "positive")
        eq("1", same)
        with pytest.raises(NotProved):  # the numbers are silent, and the kernel is not
            eq("2", same.replace("= u", "= u+1"))


def test_a_number_next_to_1_is_not_1():
    """1 - y has 165 zeros behind the point, and more where h is larger; 1 - 1 stays a gap."""
    with in_book(Book()):
        notation("h", "scalar", "a number", "positive")
        notation("y", "scalar", "a number", "(0,1)")
        define("1", r"y := \frac{\exp(100h)}{\exp(100h)+1}")
        eq("2", r"\frac{y}{1-y} = \exp(100h)")
        with pytest.raises(Undefined):
            eq("3", r"\frac{1}{1-\frac{y}{y}} = 1")


@pytest.mark.parametrize("domain", ["positive", "real"])
def test_hypotheses_are_met_by_larger_numbers_too(domain):
    with in_book(Book()) as book:
        notation("u", "scalar", "a number", domain)
        assume("H1", "300 < u")
        assert "not tried" not in line(facts(eq("1", "u^2-u = u(u-1)"), book))
        with pytest.raises(Refuted):
            eq("2", r"u \le 400")


def test_a_page_says_where_no_numbers_were_tried():
    with in_book(Book()) as book:
        notation("u", "scalar", "a number")
        assume("H1", "u < u-1")
        assert line(facts(eq("1", "u^2-u = u(u-1)"), book)).endswith("not tried in numbers")


def test_a_density_needs_the_hypotheses_of_its_own_laws_alone():
    """H1 is about the network's step, and Bayes' rule about the forward process."""
    with in_book(Book()) as book:
        after("04_kl_to_mse")
        eq("99.1", r"q(x_t\mid x_{t-1}) = \frac{q(x_{t-1}\mid x_t)\,q(x_t)}{q(x_{t-1})}")
        assert facts(book.equations["99.1"], book)["assumes"] == ["$q$ has a density"]


@pytest.mark.parametrize("number", ["", "H1: $c$", "$q$ is a Markov chain", r"9} \text{(1)", "H"])
def test_a_number_is_a_number(chain, number):
    """It stands on the page as it is given, and says what a theorem needs."""
    for word in (
        lambda: assume(number, "0 < u"),
        lambda: eq(number, "u+1 = 1+u+0"),
        lambda: define(number, "v := u"),
        lambda: cite(number, "u", "somewhere"),
    ):
        with pytest.raises(WrongRule) as refused:
            word()
        assert refused.value.rule == "number"


def test_what_fails_leaves_the_book_as_it_was(chain):
    before = chain.theory
    for word in (
        lambda: assume("1.1", "u < 0"),
        lambda: define("1.1", "v := u"),
        lambda: assume("H1", "u < x_0"),
        lambda: define("1.7", r"v := \sqrt{-u}"),
    ):
        with pytest.raises(ProofError):
            word()
        assert chain.theory is before
    assume("H1", "u < 3")
    assert assume("H1", "u < 3") is chain.equations["H1"]
    with pytest.raises(WrongRule):  # the same words, of other t
        assume("H1", "u < 3", start=5)


def test_a_page_says_where_s_runs(chain):
    shown = eq("1.7", r"\alpha_t\alpha_s = \alpha_s\alpha_t+0", start=2)
    assert "from t = 2 on · for s from 1 to t - 1" in line(facts(shown, chain))
    bound = eq("1.8", r"\prod_{s=1}^{t}\alpha_s = \prod_{k=1}^{t}\alpha_k")
    assert " s " not in line(facts(bound, chain))


def test_what_a_process_needs_is_needed_by_what_speaks_of_it():
    with in_book(Book()) as book:
        after("07_ddim")
        notation("c_1", "scalar", "a number")
        assume("H99", r"0 \le c_1")
        process("q_b", "forward", "another chain")
        define("99.1", r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},c_1I)")
        mean = r"\mathbb E_{q_b(x_t\mid x_0)}"
        shown = eq("99.2", rf"{mean}[\langle x_0,x_t\rangle] = \langle x_0,{mean}[x_t]\rangle")
        assert facts(shown, book)["assumes"] == ["H99"]


def test_a_density_that_is_not_declared_is_believed():
    """From t = 3 on it is; before, the chain may be a point."""
    with in_book(Book()) as book:
        after("07_ddim")
        process("q_b", "forward", "another chain")
        define("99.1", r"q_b(x_t\mid x_{t-1}) := \mathcal N(x_t;x_{t-1},I)", start=3)
        ratio = r"\frac{p_\theta(x_{0:T})}{q_b(x_{1:T}\mid x_0)}"
        latex = rf"\mathbb E_{{q_b(x_{{1:T}}\mid x_0)}}\left[{ratio}\right] = p_\theta(x_0)"
        shown = eq("99.2", latex, by=importance())
        assert "$q_b$ has a density" in facts(shown, book)["assumes"]


def test_several_lines_stand_in_aligned(chain):
    assert alone(chain, r"\begin{aligned}u \\ &= 2u \\ &-u\end{aligned}")
    with refused(Unreadable, why="aligned"):  # on a page: 1 = 2, and -1 = 1
        eq("1.9", r"1 = 2 \\ &-1 = 1")


def test_a_spelling_is_that_of_a_whole_command():  # after a row ends, tfrac is five letters
    assert cut(r"\dfrac")[0] == r"\frac"
    row = cut(r"\begin{pmatrix}v\\tfrac\end{pmatrix}")
    assert row[2:-1] == [r"\\", *"tfrac"]


@pytest.mark.parametrize("start", (-1, True, 1.0, "1", None))
def test_an_equation_holds_from_a_whole_number_on(chain, start):
    assert eq("1.9", "t + t = 2t", start=0).verdict == "derived"
    with refused(WrongRule, rule="start"):
        eq("1.10", "t + t = 2t", start=start)
