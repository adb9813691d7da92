"""Chapter 03: the step back given the image is Bayes' rule, and nothing else."""

import pytest
import torch
from torch.distributions import Normal

from ddpm_course.forward import q_mean_variance
from ddpm_course.posterior import (
    posterior_mean_coef1,
    posterior_mean_coef2,
    posterior_variance,
    q_posterior_mean_variance,
)
from ddpm_course.schedule import NoiseSchedule, linear_schedule, rescale_zero_terminal_snr

SCHEDULE = NoiseSchedule.from_betas(torch.linspace(0.01, 0.4, 20, dtype=torch.float64))


@pytest.mark.parametrize("step", [2, 3, 11, 20])
def test_bayes_rule_holds_pointwise(step):
    """posterior * evidence = likelihood * prior at random points, the normaliser included."""
    x0, x_t, x_earlier = torch.randn(3, 50, dtype=torch.float64)
    t = torch.full((50,), step)
    prior = Normal(*_mean_std(*q_mean_variance(SCHEDULE, x0, t - 1)))
    evidence = Normal(*_mean_std(*q_mean_variance(SCHEDULE, x0, t)))
    α = SCHEDULE.alphas[step]
    likelihood = Normal(α.sqrt() * x_earlier, (1 - α).sqrt())
    posterior = Normal(*_mean_std(*q_posterior_mean_variance(SCHEDULE, x0, x_t, t)))
    left = posterior.log_prob(x_earlier) + evidence.log_prob(x_t)
    assert torch.allclose(left, likelihood.log_prob(x_t) + prior.log_prob(x_earlier), rtol=1e-9)


def _mean_std(mean, variance):
    return mean, variance.sqrt()


def test_the_first_step_leads_back_to_the_image_exactly():
    x0, x_t = torch.randn(2, 4, 3, 8, 8)
    mean, variance = q_posterior_mean_variance(SCHEDULE, x0, x_t, torch.ones(4, dtype=torch.long))
    assert torch.equal(mean, x0) and torch.equal(variance, torch.zeros(4, 1, 1, 1))


def test_tables_have_no_value_before_the_first_step():
    for table in (posterior_variance, posterior_mean_coef1, posterior_mean_coef2):
        assert table(SCHEDULE)[0].isnan() and table(SCHEDULE)[1:].isfinite().all()


def test_variance_is_below_that_of_the_step_and_of_the_earlier_state():
    schedule = linear_schedule()
    variance = posterior_variance(schedule)[2:]
    assert (variance < schedule.betas[2:]).all()
    assert (variance < schedule.one_minus_alphas_cumprod[1:-1]).all()


def test_zero_terminal_snr_forgets_x_t():
    schedule = rescale_zero_terminal_snr(SCHEDULE)
    assert posterior_mean_coef2(schedule)[-1] == 0
    assert posterior_variance(schedule)[-1] == schedule.one_minus_alphas_cumprod[-2]


def test_joint_samples_near_a_value_follow_the_formula():
    step, target, x0 = 8, 0.4, torch.full((400_000,), 1.0)
    generator = torch.Generator().manual_seed(0)
    x = x0
    for t in range(1, step + 1):
        earlier, β = x, SCHEDULE.betas[t]
        x = (1 - β).sqrt() * x + β.sqrt() * torch.randn(len(x), generator=generator)
    sliced = earlier[(x - target).abs() < 0.02]
    mean, variance = q_posterior_mean_variance(
        SCHEDULE, x0[:1], torch.tensor([target]), torch.tensor([step])
    )
    assert len(sliced) > 5_000
    assert abs(sliced.mean() - mean) < 0.02 and abs(sliced.var() / variance - 1) < 0.06


def test_the_printed_variance_is_too_small():
    x, schedule = 11, SCHEDULE
    B = schedule.alphas_cumprod[x - 1]
    printed = schedule.betas[x] * (1 - B.sqrt()) / schedule.one_minus_alphas_cumprod[x]
    assert torch.isclose(posterior_variance(schedule)[x] / printed, 1 + B.sqrt())
