"""Divergences, the decoder in its tails, the bound term by term. (Weights: test_oracle.)"""

import math

import mpmath
import pytest
import torch
from refusals import refused

from ddpm_course.checks import BadInput
from ddpm_course.forward import q_sample
from ddpm_course.objective import (
    VARIANCE_TYPES,
    bits_per_dim,
    discretized_log_likelihood,
    min_snr_weights,
    normal_kl,
    prior_kl,
    reverse_variance,
    variational_bound,
)
from ddpm_course.posterior import posterior_variance, q_posterior_mean_variance
from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    linear_schedule,
    rescale_zero_terminal_snr,
)


def test_reverse_variance_at_the_ends():
    schedule = cosine_schedule(10)
    assert reverse_variance(schedule, "fixed_small")[1] == 0
    assert torch.equal(reverse_variance(schedule, "fixed_large")[1:], schedule.betas[1:])
    assert math.isnan(reverse_variance(schedule, "fixed_large")[0])
    assert schedule.betas[0] == 0  # the schedule itself is untouched


def test_normal_kl_is_the_integral():
    m1, v1, m2, v2 = 0.3, 0.5, -0.4, 1.7

    def density(x, m, v):
        return mpmath.exp(-((x - m) ** 2) / (2 * v)) / mpmath.sqrt(2 * mpmath.pi * v)

    integral = mpmath.quad(
        lambda x: density(x, m1, v1) * mpmath.log(density(x, m1, v1) / density(x, m2, v2)),
        [-12, 0, 12],
    )
    as_tensors = [torch.tensor(value, dtype=torch.float64) for value in (m1, v1, m2, v2)]
    assert float(normal_kl(*as_tensors)) == pytest.approx(float(integral), rel=1e-12)
    assert normal_kl(0.3, 0.5, 0.3, 0.5) == 0


def test_prior_kl_sums_over_the_pixels():
    schedule = linear_schedule(1000)
    x0 = torch.rand(3, 1, 4, 4, dtype=torch.float64) * 2 - 1
    a = schedule.alphas_cumprod[-1]
    expected = 0.5 * (a * x0.square().sum((1, 2, 3)) - 16 * a - 16 * torch.log1p(-a))
    torch.testing.assert_close(prior_kl(schedule, x0), expected, rtol=1e-9, atol=0)
    zero_snr = rescale_zero_terminal_snr(schedule)
    assert torch.equal(prior_kl(zero_snr, x0), torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("mean", [0.0, 0.031, -1.0, 2.5, -40.0, 1e3])
@pytest.mark.parametrize("std", [1e-3, 0.01, 0.3, 5.0])
def test_decoder_sums_to_one(levels, mean, std):
    x = torch.linspace(-1, 1, levels, dtype=torch.float64)[:, None]
    log_p = discretized_log_likelihood(x, torch.full_like(x, mean), std**2, levels)
    assert log_p.isfinite().all() and (log_p <= 0).all()
    assert abs(float(log_p.exp().sum()) - 1) <= 1e-12


def test_decoder_in_the_far_tails_against_60_digits():
    mpmath.mp.dps = 60
    x = torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None]
    log_p = discretized_log_likelihood(x, torch.full_like(x, 0.25), 0.02**2, 17)

    def tail(z):  # the lower tail, precise however far out
        return mpmath.erfc(-mpmath.mpf(z) / mpmath.sqrt(2)) / 2

    for value, got in zip(x[1:-1, 0].tolist(), log_p[1:-1, 0].tolist(), strict=True):
        low, high = (
            (mpmath.mpf(value) + s / mpmath.mpf(16) - 0.25) / mpmath.mpf(0.02) for s in (-1, 1)
        )
        mass = tail(high) - tail(low) if low + high <= 0 else tail(-low) - tail(-high)
        want = float(mpmath.log(mass))
        assert got == pytest.approx(want, rel=1e-12, abs=1e-15)


def test_decoder_is_usable_in_float32():
    x = torch.linspace(-1, 1, 256)[:, None]
    log_p = discretized_log_likelihood(x, torch.full_like(x, 0.1), 1e-4, 256)
    assert log_p.isfinite().all()
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-4)


def test_bits_per_dim():
    assert float(bits_per_dim(torch.tensor(8 * math.log(2)), 8)) == pytest.approx(1)
    assert float(bits_per_dim(torch.tensor(8 * math.log(2)), 1)) == pytest.approx(8)


def levels_world(T=100, batch=64):
    """One pixel with 5 equally likely levels, and the denoiser that is best for it."""
    schedule = NoiseSchedule.from_betas(torch.linspace(0.5 / T, 10 / T, T, dtype=torch.float64))
    levels = torch.linspace(-1, 1, 5, dtype=torch.float64)

    def predict_x0(x_t, t):
        signal = schedule.alphas_cumprod[t].sqrt()[:, None]
        noise = schedule.one_minus_alphas_cumprod[t][:, None]
        logits = -((x_t - signal * levels) ** 2) / (2 * noise)
        return (logits.softmax(1) * levels).sum(1, keepdim=True)

    return schedule, levels.repeat(batch)[:, None], predict_x0


@pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
def test_bound_is_above_the_entropy_of_the_data(variance_type):
    schedule, x0, predict_x0 = levels_world()
    generator = torch.Generator().manual_seed(0)
    terms = variational_bound(schedule, x0, predict_x0, 5, variance_type, generator)
    assert terms.shape == (101, len(x0)) and terms.isfinite().all()
    bound = float(terms.sum(0).mean())
    assert math.log(5) < bound < math.log(5) + 0.5


@pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
def test_bound_terms_are_the_divergences(variance_type):
    schedule, x0, predict_x0 = levels_world(T=20, batch=2)
    terms = variational_bound(
        schedule, x0, predict_x0, 5, variance_type, torch.Generator().manual_seed(0)
    )
    generator = torch.Generator().manual_seed(0)
    for step in range(1, 21):
        t = torch.full((len(x0),), step)
        x_t = q_sample(schedule, x0, t, generator=generator)
        x0_hat = predict_x0(x_t, t)
        if step == 1:
            expected = -discretized_log_likelihood(x0, x0_hat, float(schedule.betas[1]), 5)
        else:
            mean, _ = q_posterior_mean_variance(schedule, x0, x_t, t)
            mean_hat, _ = q_posterior_mean_variance(schedule, x0_hat, x_t, t)
            expected = normal_kl(
                mean,
                posterior_variance(schedule)[step],
                mean_hat,
                reverse_variance(schedule, variance_type)[step],
            )
        torch.testing.assert_close(terms[step - 1], expected[:, 0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(terms[20], prior_kl(schedule, x0))


def test_bound_with_one_step():
    schedule = NoiseSchedule.from_betas(torch.tensor([0.5], dtype=torch.float64))
    x0 = torch.tensor([[-1.0], [1.0]])
    terms = variational_bound(schedule, x0, lambda x_t, t: x_t, 2)
    assert terms.shape == (2, 2) and terms.isfinite().all()


def test_a_perfect_prediction_leaves_the_end_terms():
    schedule, x0, _ = levels_world(T=20, batch=1)
    terms = variational_bound(schedule, x0, lambda x_t, t: x0, 5)
    assert torch.equal(terms[1:20], torch.zeros_like(terms[1:20]))


@pytest.mark.parametrize(
    "where, what, call",
    [
        (
            "discretized_log_likelihood",
            "x",
            lambda x: discretized_log_likelihood(x.int(), x, 1.0, 3),
        ),
        (
            "discretized_log_likelihood",
            "mean",
            lambda x: discretized_log_likelihood(x, x[:, :1], 1.0, 3),
        ),
        (
            "variational_bound",
            "x0",
            lambda x: variational_bound(cosine_schedule(2), x.int(), None, 3),
        ),
        (
            "variational_bound",
            "the output of predict_x0",
            lambda x: variational_bound(cosine_schedule(2), x, lambda x, t: x[:, :1], 3),
        ),
        ("min_snr_weights", "gamma", lambda x: min_snr_weights(cosine_schedule(2), 0.0)),
    ],
)
def test_bad_input_is_named_where_it_is_met(where, what, call):
    with refused(BadInput, where=where, what=what):
        call(torch.tensor([[-1.0, 0.0], [0.0, 1.0]]))


def test_gamma_may_be_small():
    assert min_snr_weights(cosine_schedule(5), 0.25)[1:].max() == 0.25
