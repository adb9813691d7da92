"""Whatever is typed gets a reply: right, not yet, or unread; and nothing wrong is called right."""

import inspect
import math
import random
import time

import numpy as np
import pytest
import sympy as sp
import torch

from ddpm_course.proofs import WrongRule
from ddpm_course.proofs.workbook import EXERCISES, Reply, check_answer
from ddpm_course.proofs.workbook.code import TIMES, Code, cases
from ddpm_course.proofs.workbook.kinds import Hole, derivation
from ddpm_course.proofs.workbook.replies import counterexample


@pytest.fixture(scope="module", autouse=True)
def loaded():
    derivation("07_ddim")


# --- What may be typed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number, answer",
    [
        ("1.1", "sqrt(u*(1-a**2))"),
        ("1.1", "sqrt(u*(1-a^2))"),
        ("1.1", "math.sqrt(u * (1 - a**2))"),
        ("1.1", "(u*(1-a**2))**0.5"),
        ("1.1", r"b=\sqrt{u(1-a^2)}"),
        ("1.1", r"$b = \sqrt{u(1-a^2)}$"),
        ("1.1", r"\(\sqrt{u(1-a^2)}\)"),
        ("1.1", "answer = sqrt(u*(1-a**2))"),
        ("1.1", "√(u·(1−a²))"),
        ("1.2", "(κ-1)a^{2t}"),
        ("1.2", "(kappa - 1)*a**(2*t)"),
        ("1.3", "1-αᵗ"),
        ("2.1", r"1-\frac{\overline{\alpha_t}}{\overline\alpha_s}"),
        ("2.1", "(alpha_bar_s - alpha_bar_t)/alpha_bar_s"),
        ("3.4", r"\tilde\mu_t(x_t,x_0) = \sqrt{\bar\alpha_{t-1}}\,x_0"),
        ("4.1", r"v_1+\|\mu_1-\mu_2\|^2/d"),
        ("4.5", "0.5*(SNR_1 - SNR_t)"),
        ("4.5", r"\frac12(\text{SNR}_1-\text{SNR}_t)"),
        ("5.4", r"\frac1{\overline\alpha_t}"),
        ("5.4", "1/ᾱ_t"),
        ("5.4", "1/ᾱₜ"),
        ("5.4", "1/alpha_bar_t"),
        ("6.4", "½ + (1-κ)/(2(1+κ))"),
        ("6.4", r"\frac{1.0}{1+\kappa}"),
        (
            "7.3",
            r"\sigma_{t,s}^2 = \eta^2\frac{1-\bar\alpha_s}{1-\bar\alpha_t}(1-\frac{\bar\alpha_t}{\bar\alpha_s})",
        ),
        ("1.4", 90.0),
        ("1.4", np.float32(90)),
        ("1.4", torch.tensor(90)),
        ("1.4", "90"),
        ("1.4", "90.0"),
        ("1.4", "$90$"),
        ("1.4", "t = 90"),
        ("3.1", "(3)"),
        ("3.1", "line 3"),
        ("Exercise 3.1", 3),
        (1.4, 90),
    ],
)
def test_what_means_one_thing_is_taken(number, answer):
    assert check_answer(number, answer).verdict == "right"


@pytest.mark.parametrize(
    "number, answer, verdict, says",
    [
        ("1.1", "", "unread", "the answer is empty"),
        ("1.1", "  $ $ ", "unread", "the answer is empty"),
        ("1.1", None, "unread", "there is no answer yet"),
        ("1.1", ..., "unread", "there is no answer yet"),
        ("1.1", [1], "unread", "list is no number"),
        ("1.1", {}, "unread", "dict is no number"),
        ("1.1", torch.ones(3), "unread", "Tensor is no number"),
        ("1.1", lambda a, u: 1 / 0, "unread", "function is no number"),
        ("1.1", math.nan, "unread", "float is no number"),
        ("1.1", True, "unread", "bool is no number"),
        ("1.1", 3.5, "not yet", "the root of $u$ are"),
        ("1.1", "3.5", "not yet", "the root of $u$ are"),
        ("1.1", r"\frac12", "not yet", "the root of $u$ are"),
        ("1.1", r"\sqrt{u(1-a^2)", "unread", "from here on: `the end`"),
        ("1.1", "sqrt(u*(1-a**2)", "unread", "could not read this"),
        ("1.1", "y", "unread", "y is not declared"),
        ("1.1", "c", "unread", "a formula in $a$, $u$"),
        ("1.1", "a = u", "unread", "`a = ...` (a formula is asked for, and no equation)"),
        ("1.1", "b^2 = u(1-a^2)", "unread", "and no equation"),
        ("1.1", "b = u = a", "unread", "without a relation sign"),
        ("1.1", "u-a^12", "unread", "`^12` (an exponent needs braces"),
        ("1.1", "u^.5", "unread", "an exponent needs braces"),
        ("1.1", "u" * 5000, "unread", "it has 5000 signs"),
        ("1.1", "(" * 480 + "u" + ")" * 480, "unread", "nested too deeply"),
        ("1.1", "9^{9^{9^{9}}}", "unread", "too large"),
        ("1.1", "9**9**9**9", "unread", "could not read this"),
        ("1.1", "9" * 900, "unread", "too large"),
        ("1.1", r"\sum_{k=1}^{99999}u", "unread", "too large"),
        ("1.1", "__import__('os')", "unread", "could not read this"),
        ("3.3", r"\frac1{\tilde\beta_t}", "unread", r"`\tilde\beta_t` (the answer is a formula in"),
        ("3.3", r"\alpha_t = 1", "unread", "and no equation"),
        ("3.3", lambda x: x, "unread", "function is no number"),
        ("5.3", r"\sqrt{\bar\alpha_{t-1}}\,x_0", "unread", "from here on: `x_0`"),
        ("1.4", 3.5, "not yet", "3.5 is none"),
        ("1.4", "3.5", "not yet", "3.5 is none"),
        ("1.4", 0, "not yet", "a whole number from 1 to 1000"),
        ("1.4", "-90", "not yet", "a whole number from 1 to 1000"),
        ("1.4", "ninety", "unread", "this is no whole number"),
        ("1.4", "(90", "unread", "this is no whole number"),
        ("3.1", 7, "not yet", "a whole number from 1 to 4"),
        ("6.2", "x", "unread", "a function of x, kept"),
        ("6.2", lambda: 1, "not yet", "it fails: TypeError"),
        ("6.2", lambda x, kept: 1 / 0, "not yet", "it fails: ZeroDivisionError"),
        ("6.2", lambda x, kept: "a", "not yet", "it fails: ValueError"),
        ("6.2", lambda x, kept: exit(), "not yet", "it fails: SystemExit"),
        ("9.9", 1, "unread", '"1.1" to "22.6"'),
        (None, 1, "unread", "no exercise has this number"),
        ([], 1, "unread", "no exercise has this number"),
    ],
)
def test_the_rest_gets_a_reply(number, answer, verdict, says):
    reply = check_answer(number, answer)
    assert reply.verdict == verdict and says in reply.why


@pytest.mark.parametrize("number", EXERCISES)
def test_the_example_is_read_and_is_not_right(number):
    example = EXERCISES[number].kind.example
    if example != "my_function":
        assert check_answer(number, eval(example)).verdict == "not yet"
    assert f'check_answer("{number}", {example})' in check_answer(number, None)._repr_markdown_()


def test_an_answer_takes_less_than_a_second():
    start = time.process_time()
    check_answer("2.2", r"\sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}\,(1-\bar\alpha_s)")
    assert time.process_time() - start < 1


def test_the_first_answer_says_that_it_loads(capsys):
    kept = derivation("07_ddim")
    derivation.cache_clear()
    start = time.process_time()
    try:
        assert check_answer("1.1", "sqrt(u*(1-a**2))")
        assert "Loading the equations" in capsys.readouterr().out
        assert time.process_time() - start < 6  # half of it on a quiet machine
        assert check_answer("1.1", "sqrt(u*(1-a**2))") and not capsys.readouterr().out
    finally:
        assert derivation("07_ddim") is not kept


def test_a_condition_is_said_of_what_it_is_about():
    error = WrongRule("premise", "there is no equation ({})", ("9.9",))
    assert counterexample(error) == "there is no equation (9.9)"
    assert counterexample(WrongRule("premise", "{1, 2} is a set")) == "{1, 2} is a set"


# --- Random answers ------------------------------------------------------------------------------

BITS = r"""
\frac \sqrt { } ( ) [ ] ^ _ + - * / ** = \cdot \bar\alpha_t \bar\alpha_s \alpha_t a u t \kappa x_0 x_t
\epsilon d v_1 \mu_1 \mu_2 \beta_t \mathrm{SNR}_t \mathrm{v}_t \eta \rho v 0 1 3.5 .5 1e9 \log \exp
\sum_{k=1}^{t} \prod_{k=1}^{t} \lim_{t\to\infty} \lVert \rVert^2 || , ; : & \\ $ \begin{pmatrix} \mid
\end{pmatrix} \mathbb{E}_{ \operatorname{Cov}_{ \mathcal{N} q(x_t|x_0) \square \infty ᾱ α² √ ½ ₜ sqrt(
exp( alpha_bar_t lambda % # \ " ' é 你 ٣ ᵗ I \le := \overset \top \langle \hat \tilde \partial
""".split()


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
def test_random_text_gets_a_reply(seed):
    draw = random.Random(seed)
    wrong = "not yet", "unread"
    for _ in range(1500):
        number = draw.choice([n for n in EXERCISES if isinstance(EXERCISES[n].kind, Hole)])
        parts = [draw.choice(BITS) for _ in range(draw.randint(0, 9))]
        reply = check_answer(number, draw.choice(["", " "]).join(parts))
        assert isinstance(reply, Reply)
        assert reply.verdict in wrong or len(parts) > 2, (number, parts)


class Hostile:
    """Raises whatever one asks of it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    __repr__ = __str__ = __float__ = __index__ = __eq__ = __bool__ = lambda self, *_: 1 / 0


@pytest.mark.parametrize("number", EXERCISES)
def test_any_object_gets_a_reply(number):
    objects = [
        None,
        ...,
        (),
        {},
        b"1",
        1j,
        math.inf,
        10**400,
        int,
        sp.zoo,
        sp.oo,
        sp.I,
        sp.Eq,
        Hostile(),
    ]
    objects += [np.ones(2), torch.ones(2, 2), torch.tensor(math.nan), np.array("x"), print, Hostile]
    for answer in objects:
        assert not check_answer(number, answer)


def trees(draw: random.Random, depth: int) -> tuple:
    """A random formula in a and u: as LaTeX, as Python, and as a function of their values."""
    if not depth or draw.random() < 0.2:
        letter = draw.choice(["a", "u", "1", "2"])
        return letter, letter, lambda a, u: {"a": a, "u": u}.get(letter) or float(letter)
    (x, p, f), (y, q, g) = trees(draw, depth - 1), trees(draw, depth - 1)
    return draw.choice(
        [
            (f"({x}+{y})", f"({p} + {q})", lambda a, u: f(a, u) + g(a, u)),
            (f"({x}-{y})", f"({p} - {q})", lambda a, u: f(a, u) - g(a, u)),
            (rf"({x})\cdot({y})", f"({p})*({q})", lambda a, u: f(a, u) * g(a, u)),
            (rf"\frac{{{x}}}{{{y}}}", f"({p})/({q})", lambda a, u: f(a, u) / g(a, u)),
            (rf"\sqrt{{{x}}}", f"sqrt({p})", lambda a, u: math.sqrt(f(a, u))),
            (f"({x})^2", f"({p})**2", lambda a, u: f(a, u) ** 2),
        ]
    )


def agree(formula) -> bool:
    """Whether a formula is what 1.1 asks for, at three places."""
    try:
        return all(
            math.isclose(formula(a, u), math.sqrt(u * (1 - a * a)), rel_tol=1e-9)
            for a, u in ((0.3, 0.7), (0.6, 1.9), (0.8, 3.1))
        )
    except (ValueError, ZeroDivisionError):
        return False


@pytest.mark.parametrize("seed", range(3))
def test_what_is_called_right_is_right(seed):
    """A random formula, alone and beside the right one, gets the verdict that its numbers have."""
    draw, root = random.Random(seed), lambda a, u: math.sqrt(u * (1 - a * a))
    found = []
    for _ in range(50):
        latex, python, f = trees(draw, 3)
        for answer, value in (
            (latex, f),
            (python, f),
            (rf"\sqrt{{u(1-a^2)}}+{latex}", lambda a, u: root(a, u) + f(a, u)),
            (f"sqrt(u*(1-a**2))*({python})", lambda a, u: root(a, u) * f(a, u)),
        ):
            found.append(bool(check_answer("1.1", answer)))
            assert found[-1] == agree(value), answer
    assert any(found) and not all(found)


# --- Functions to fill in ------------------------------------------------------------------------

CODE = {number: e.kind for number, e in EXERCISES.items() if isinstance(e.kind, Code)}
SLIPS = [(number, why) for number, kind in CODE.items() for why in kind.slips]


@pytest.mark.parametrize("number", CODE)
def test_the_right_function_is_taken(number):
    kind = CODE[number]
    reply = check_answer(number, lambda *given: kind.truth(*given))
    assert reply and reply.why == f"it agrees on {len(TIMES)} batches"


@pytest.mark.parametrize("number, why", SLIPS)
def test_a_slip_is_named(number, why):
    reply = check_answer(number, CODE[number].slips[why])
    assert reply.verdict == "not yet" and reply.why == why


@pytest.mark.parametrize("number", CODE)
def test_slips_and_truth_take_the_same_arguments(number):
    kind = CODE[number]
    for function in (kind.truth, *kind.slips.values()):
        assert tuple(inspect.signature(function).parameters) == kind.arguments
    assert len(kind.slips) >= 5


@pytest.mark.parametrize("number", CODE)
def test_what_is_missing_is_said(number):
    kind = CODE[number]
    truth, tensors = kind.truth, [n for n in kind.arguments if torch.is_tensor(cases()[0][n])]

    def changes(*given):
        said = truth(*given)
        for x in given:
            if torch.is_tensor(x):
                x.mul_(2)
        return said

    def draws(*given):
        return truth(*given) + torch.rand(())

    for function, says in (
        (lambda *given: None, "it returns nothing yet"),
        (lambda *given: "x", "it returns str"),
        (lambda *given: 10**400, ""),
        (lambda *given: 1 / 0, "it fails: ZeroDivisionError"),
        (lambda: 0, "it fails: TypeError"),
        (lambda *given: exit(), "it fails: SystemExit"),
        (lambda *given: truth(*given)[None], "it returns a tensor [1"),
        (lambda *given: truth(*given) * 1.5, "its first number is"),
        (lambda *given: truth(*given) * math.nan, "not finite"),
        (changes, f"it changes `{tensors[0]}` in place"),
        (draws, "two calls with the same arguments differ"),
    ):
        reply = check_answer(number, function)
        assert reply.verdict == "not yet" and says in reply.why, (says, reply)


@pytest.mark.parametrize(
    "number", [number for number, kind in CODE.items() if "t" in kind.arguments]
)
@pytest.mark.parametrize("step, says", [(-1, "t-1"), (1, "t+1")])
def test_a_table_read_at_another_time_is_named(number, step, says):
    kind = CODE[number]
    place = kind.arguments.index("t")

    def shifted(*given):
        given = list(given)
        given[place] = (given[place] + step).clamp(0, 10)
        return kind.truth(*given)

    assert says in check_answer(number, shifted).why


@pytest.mark.parametrize(
    "number, name", [(n, a) for n, kind in CODE.items() for a in kind.arguments if a != "model"]
)
def test_an_argument_that_is_not_used_is_named(number, name):
    kind, place = CODE[number], CODE[number].arguments.index(name)
    fixed = cases()[0][name]

    def without(*given):
        return kind.truth(*given[:place], fixed, *given[place + 1 :])

    reply = check_answer(number, without)
    assert reply.verdict == "not yet" and f"`{name}` is not used" in reply.why


def test_a_table_that_meets_images_without_a_view_is_explained():
    def flat(schedule, x0, t, noise):
        return schedule.alphas_cumprod[t].sqrt() * x0 + noise

    assert "RuntimeError" in (why := check_answer("2.5", flat).why) and ".view(-1, 1, 1, 1)" in why
