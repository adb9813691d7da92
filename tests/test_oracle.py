"""Every coefficient table against exact arithmetic, for all t.

The float64 betas are taken as the exact numbers they are. From them the oracle computes, with 60
digits, alpha, alphas_cumprod and their complements, and evaluates each table's expression. An
expression speaks of one step: β, and B, which is alphas_cumprod one step earlier.
"""

import math
import warnings
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import mpmath
import pytest
import torch
from mpmath import inf, sqrt

from ddpm_course import forward, objective, posterior, prediction
from ddpm_course.schedule import SCHEDULES, extract, make_schedule, rescale_zero_terminal_snr

nan = math.nan


class Row(NamedTuple):
    table: Callable  # schedule -> tensor [T+1]
    expression: Callable  # step -> exact value, for every t >= 1 that `ends` does not name
    ends: dict[int, float]  # t -> the value that the algebra gives where the expression has none


ROWS = {
    "alphas": Row(lambda s: s.alphas, lambda k: k.α, {0: 1}),
    "alphas_cumprod": Row(lambda s: s.alphas_cumprod, lambda k: k.ᾱ, {0: 1}),
    "one_minus_alphas_cumprod": Row(lambda s: s.one_minus_alphas_cumprod, lambda k: k.W, {0: 0}),
    "snr": Row(forward.snr, lambda k: k.ᾱ / k.W, {0: inf}),
    "posterior_variance": Row(
        posterior.posterior_variance, lambda k: k.β * k.u / k.W, {0: nan, 1: 0}),
    "posterior_mean_coef1": Row(
        posterior.posterior_mean_coef1, lambda k: k.β * sqrt(k.B) / k.W, {0: nan, 1: 1}),
    "posterior_mean_coef2": Row(
        posterior.posterior_mean_coef2, lambda k: sqrt(k.α) * k.u / k.W, {0: nan, 1: 0}),
    "reverse_variance, small": Row(
        lambda s: objective.reverse_variance(s, "fixed_small"), lambda k: k.β * k.u / k.W,
        {0: nan, 1: 0}),
    "reverse_variance, large": Row(
        lambda s: objective.reverse_variance(s, "fixed_large"), lambda k: k.β, {0: nan}),
    "bound_weights, small": Row(
        lambda s: objective.bound_weights(s, "fixed_small"),
        lambda k: (k.B / k.u - k.ᾱ / k.W) / 2, {0: nan, 1: inf}),
    "bound_weights, large": Row(
        lambda s: objective.bound_weights(s, "fixed_large"),
        lambda k: k.β * k.B / (2 * k.W**2), {0: nan}),
    "min_snr_weights": Row(
        objective.min_snr_weights, lambda k: min(k.ᾱ / k.W, mpmath.mpf(5)), {0: nan}),
    "loss_weights, epsilon, small": Row(
        lambda s: prediction.loss_weights(s, "epsilon", "bound", "fixed_small"),
        lambda k: k.β / (2 * k.α * k.u), {0: nan, 1: inf}),
    "loss_weights, epsilon, large": Row(
        lambda s: prediction.loss_weights(s, "epsilon", "bound", "fixed_large"),
        lambda k: k.β / (2 * k.α * k.W), {0: nan}),
    "loss_weights, v, large": Row(
        lambda s: prediction.loss_weights(s, "v_prediction", "bound", "fixed_large"),
        lambda k: k.β * k.B / (2 * k.W), {0: nan}),
    "loss_weights, v, min-SNR": Row(
        lambda s: prediction.loss_weights(s, "v_prediction", "min_snr"),
        lambda k: min(k.ᾱ, 5 * k.W), {0: nan}),
}
CASES = [(schedule_name, num_steps, zero_end, row)
         for schedule_name in SCHEDULES for num_steps in (1, 2, 10, 1000)
         for zero_end in (False, True) if num_steps > 1 or not zero_end
         for row in ROWS if not (zero_end and "epsilon" in row)]  # refused at zero terminal SNR


@cache
def world(schedule_name: str, num_steps: int, zero_end: bool):
    """A schedule and its exact steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = make_schedule(schedule_name, num_steps)
    if zero_end:
        schedule = rescale_zero_terminal_snr(schedule)
    with mpmath.workdps(60):
        return schedule, list(exact_steps(schedule.betas.tolist()))


def exact_steps(betas):
    ᾱ = mpmath.mpf(1)
    yield SimpleNamespace(t=0)
    for t, β in enumerate(map(mpmath.mpf, betas[1:]), start=1):
        B, α = ᾱ, 1 - β
        ᾱ = α * B
        yield SimpleNamespace(t=t, β=β, α=α, B=B, ᾱ=ᾱ, u=1 - B, W=1 - ᾱ)


@pytest.mark.parametrize("schedule_name, num_steps, zero_end, row", CASES)
def test_table_equals_exact_arithmetic(schedule_name, num_steps, zero_end, row):
    schedule, steps = world(schedule_name, num_steps, zero_end)
    table, expression, ends = ROWS[row]
    values = table(schedule).tolist()
    assert len(values) == len(steps)
    with mpmath.workdps(60):
        for step, value in zip(steps, values):
            exact = ends[step.t] if step.t in ends else expression(step)
            if step.t in ends or exact == 0:
                assert value == exact or (math.isnan(value) and math.isnan(exact)), step.t
            else:
                assert abs(value - exact) <= 1e-12 * abs(exact), (step.t, value, exact)


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
