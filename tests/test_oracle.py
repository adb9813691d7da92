"""Every coefficient table against exact arithmetic, for all t.

The float64 betas are taken as the exact numbers they are. From them 60 digits are computed of α, and
of B, the product of the alphas one step earlier. What a table should hold there is not typed in: it
is read from the theorems of the chapters.
"""

import math
import warnings
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import mpmath
import pytest
import sympy as sp
import torch
from mpmath import inf

from ddpm_course import forward, objective, posterior, prediction
from ddpm_course.proofs import after
from ddpm_course.proofs.book import Book, in_book
from ddpm_course.proofs.kernel import Theorem
from ddpm_course.proofs.reader import read
from ddpm_course.proofs.statements import Equal
from ddpm_course.proofs.terms import Dot, Law, t_
from ddpm_course.proofs.zero import Context
from ddpm_course.schedule import NAMED_SCHEDULES, extract, make_schedule, rescale_zero_terminal_snr

nan = math.nan
α, B = sp.symbols("α B")
with in_book(Book()) as BOOK:
    after("22_flow_matching")


class Exact(NamedTuple):
    """What a theorem says, for t >= start."""

    at: Callable  # (α, B) -> value
    start: int


def letter(latex: str) -> sp.Expr:
    return BOOK.reading(1)(read(latex, BOOK.declarations.notation)).expr


def said(theorem: Theorem, leading_in: str) -> sp.Expr:
    """The right side of an equality; of a law the variance, or the mean where a vector is named."""
    claim = theorem.claim
    assert isinstance(claim, Equal | Law) and not theorem.open and theorem.strength == "derived"
    if isinstance(claim, Law):
        return claim.mean if leading_in else claim.variance
    return claim.right.expr


def proved(number: str, leading_in: str = "") -> Exact:
    """What the chapters proved, as a function of α and B.

    With `leading_in`: the leading coefficient in that vector, which is its factor in a sum, or the
    weight of a squared distance. Where the variance of the reverse step is left open, it is β_t.
    """
    theorem = BOOK[number].theorem
    context = Context(BOOK.theory, theorem.range)
    value = sp.expand(context.unfold(said(theorem, leading_in)))
    if leading_in:
        vector = letter(leading_in)
        value = value.coeff(vector) + value.coeff(Dot(vector, vector))
    earlier = context.unfold(letter(r"\bar\alpha_t")).subs(t_, t_ - 1)
    value = value.xreplace({letter(r"\sigma_t"): sp.sqrt(context.unfold(letter(r"\beta_t")))})
    value = value.xreplace({earlier.subs(t_, t_ + 1): α * B, earlier: B})
    value = value.xreplace({letter(r"\alpha_t"): α})
    assert value != 0 and value.free_symbols <= {α, B} and not value.atoms(sp.Product), value
    return Exact(sp.lambdify([α, B], value, "mpmath"), theorem.lo)


def at_1(number: str, factor_of: str = "") -> float:
    """The last side of an equation about t = 1, or the factor of a vector in it."""
    value = said(BOOK[number].theorem, factor_of)
    return float(value.coeff(letter(factor_of)) if factor_of else value)


class Row(NamedTuple):
    table: Callable  # schedule -> tensor [T+1]
    exact: Exact
    ends: dict[int, float]  # t -> the value where there is no step, no law, or an infinite limit


snr, x0_weight_large = proved("2.8"), proved("4.15", leading_in="x_0")
v_to_x0 = proved("5.15", leading_in=r"\hat{\mathrm{v}}_\theta(x_t,t)")
velocity = proved("22.14", leading_in="x_0")  # weight of the image's error
flow_to_x0 = Exact(lambda α, B: 1 / velocity.at(α, B), 1)
min_snr = Exact(lambda α, B: min(snr.at(α, B), 5), 1)


def product(*factors: Exact) -> Exact:
    return Exact(lambda α, B: math.prod(f.at(α, B) for f in factors), max(f.start for f in factors))


ROWS = {
    "alphas": Row(lambda s: s.alphas, Exact(lambda α, B: α, 1), {0: 1}),
    "alphas_cumprod": Row(lambda s: s.alphas_cumprod, proved("2.2"), {0: 1}),
    "one_minus_alphas_cumprod": Row(lambda s: s.one_minus_alphas_cumprod, proved("2.6"), {0: 0}),
    "snr": Row(forward.snr, snr, {0: inf}),
    "posterior_variance": Row(
        posterior.posterior_variance, proved("3.4"), {0: nan, 1: at_1("3.9")}
    ),
    "posterior_mean_coef1": Row(
        posterior.posterior_mean_coef1,
        proved("3.4", leading_in="x_0"),
        {0: nan, 1: at_1("3.10", "x_0")},
    ),
    "posterior_mean_coef2": Row(
        posterior.posterior_mean_coef2,
        proved("3.4", leading_in="x_t"),
        {0: nan, 1: at_1("3.10", "x_t")},
    ),
    "reverse_variance, small": Row(
        lambda s: objective.reverse_variance(s, "fixed_small"),
        proved("3.4"),
        {0: nan, 1: at_1("3.9")},
    ),
    "reverse_variance, large": Row(
        lambda s: objective.reverse_variance(s, "fixed_large"), proved("4.12"), {0: nan}
    ),
    "bound_weights, small": Row(
        lambda s: objective.bound_weights(s, "fixed_small"), proved("4.16"), {0: nan, 1: inf}
    ),
    "bound_weights, large": Row(
        lambda s: objective.bound_weights(s, "fixed_large"), x0_weight_large, {0: nan}
    ),
    "min_snr_weights": Row(objective.min_snr_weights, min_snr, {0: nan}),
    "loss_weights, epsilon, small": Row(
        lambda s: prediction.loss_weights(s, "epsilon", "bound", "fixed_small"),
        proved("5.9"),
        {0: nan, 1: inf},
    ),
    "loss_weights, epsilon, large": Row(
        lambda s: prediction.loss_weights(s, "epsilon", "bound", "fixed_large"),
        proved("5.10"),
        {0: nan},
    ),
    "loss_weights, v, large": Row(
        lambda s: prediction.loss_weights(s, "v_prediction", "bound", "fixed_large"),
        product(x0_weight_large, v_to_x0),
        {0: nan},
    ),
    "loss_weights, flow, large": Row(
        lambda s: prediction.loss_weights(s, "flow_prediction", "bound", "fixed_large"),
        product(x0_weight_large, flow_to_x0),
        {0: nan},
    ),
    "loss_weights, v, min-SNR": Row(
        lambda s: prediction.loss_weights(s, "v_prediction", "min_snr"),
        product(min_snr, v_to_x0),
        {0: nan},
    ),
}
CASES = [
    (schedule_name, num_steps, zero_end, row)
    for schedule_name in NAMED_SCHEDULES
    for num_steps in (1, 2, 10, 1000)
    for zero_end in (False, True)
    if num_steps > 1 or not zero_end
    for row in ROWS
    if not ((zero_end or schedule_name == "flow") and "epsilon" in row)
]  # refused at zero terminal SNR, where "flow" ends


@cache
def world(schedule_name: str, num_steps: int, zero_end: bool):
    """A schedule, and (α, B) at t = 1..T exactly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = make_schedule(schedule_name, num_steps)
    if zero_end:
        schedule = rescale_zero_terminal_snr(schedule)
    with mpmath.workdps(60):
        alphas = [1 - mpmath.mpf(β) for β in schedule.betas.tolist()[1:]]
        earlier = [mpmath.mpf(1)]
        for α in alphas:
            earlier.append(earlier[-1] * α)
        return schedule, list(zip(alphas, earlier))


@pytest.mark.parametrize("schedule_name, num_steps, zero_end, row", CASES)
def test_table_equals_exact_arithmetic(schedule_name, num_steps, zero_end, row):
    schedule, steps = world(schedule_name, num_steps, zero_end)
    table, exact, ends = ROWS[row]
    values = table(schedule).tolist()
    assert len(values) == len(steps) + 1
    assert {*range(exact.start)} <= ends.keys()
    with mpmath.workdps(60):
        for t, value in enumerate(values):
            expected = ends[t] if t in ends else exact.at(*steps[t - 1])
            if t in ends or expected == 0:
                assert value == expected or (math.isnan(value) and math.isnan(expected)), t
            else:
                assert abs(value - expected) <= 1e-12 * abs(expected), (t, value, expected)


@pytest.mark.parametrize("schedule_name, num_steps, zero_end, row", CASES)
def test_float32_is_the_float64_value_cast(schedule_name, num_steps, zero_end, row):
    """What a batch of float32 images is multiplied by is rounded once, at the border."""
    schedule, _ = world(schedule_name, num_steps, zero_end)
    table = ROWS[row].table(schedule)
    assert table.dtype == torch.float64
    x = torch.zeros(len(table), 1)
    read = extract(table, torch.arange(len(table)), x, first=0).squeeze(1)
    assert read.dtype == torch.float32
    assert torch.equal(read.view(torch.int32), table.float().view(torch.int32))
