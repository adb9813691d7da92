"""Chapter 02: noising at once draws from the same law as noising step by step."""

import pytest
import torch

from ddpm_course.forward import q_mean_variance, q_sample, snr
from ddpm_course.schedule import NoiseSchedule, linear_schedule, rescale_zero_terminal_snr


@pytest.fixture
def schedule():
    return NoiseSchedule.from_betas(torch.linspace(0.01, 0.3, 20, dtype=torch.float64))


def test_sample_is_mean_plus_scaled_noise(schedule):
    x0 = torch.randn(5, 3, 4, 4, dtype=torch.float64)
    noise = torch.randn_like(x0)
    t = torch.tensor([1, 2, 7, 19, 20])
    mean, variance = q_mean_variance(schedule, x0, t)
    assert mean.shape == x0.shape and variance.shape == (5, 1, 1, 1)
    assert torch.allclose(q_sample(schedule, x0, t, noise), mean + variance.sqrt() * noise)


def test_one_step_is_the_definition(schedule):
    x0, noise = torch.randn(2, 6, 4, dtype=torch.float64)
    t = torch.ones(6, dtype=torch.long)
    β = schedule.betas[1]
    assert torch.allclose(q_sample(schedule, x0, t, noise), (1 - β).sqrt() * x0 + β.sqrt() * noise)


@pytest.mark.parametrize("step", [2, 7, 20])
def test_closed_form_and_chain_agree_in_law(schedule, step):
    generator = torch.Generator().manual_seed(step)
    x = torch.full((100_000,), 1.5)
    for t in range(1, step + 1):
        β = schedule.betas[t]
        x = (1 - β).sqrt() * x + β.sqrt() * torch.randn(len(x), generator=generator)
    mean, variance = q_mean_variance(schedule, torch.tensor([1.5]), torch.tensor([step]))
    assert abs(x.mean() - mean) < 4 * (variance / len(x)).sqrt()
    assert abs(x.var() / variance - 1) < 4 * (2 / len(x)) ** 0.5
    levels = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    normal = torch.distributions.Normal(mean.double(), variance.double().sqrt())
    assert torch.allclose(normal.cdf(x.quantile(levels).double()), levels.double(), atol=0.01)


def test_noise_is_drawn_from_the_generator_alone(schedule):
    x0, t = torch.zeros(4, 8), torch.full((4,), 20)
    draws = [
        q_sample(schedule, x0, t, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_of_the_image_is_kept(schedule, dtype):
    x0 = torch.zeros(2, 3, dtype=dtype)
    assert q_sample(schedule, x0, torch.tensor([1, 2])).dtype == dtype


def test_snr_falls_from_infinity(schedule):
    assert snr(schedule)[0] == torch.inf
    assert (snr(schedule)[1:].diff() < 0).all()
    assert snr(rescale_zero_terminal_snr(schedule))[-1] == 0


def test_complement_keeps_its_digits_where_subtraction_loses_them():
    schedule = linear_schedule()
    subtracted = 1 - schedule.alphas.float().cumprod(0)[1:]
    exact = schedule.one_minus_alphas_cumprod[1:]
    assert ((subtracted - exact) / exact).abs().max() > 1e-4
    assert exact[0] == schedule.betas[1]
