"""Noise levels and predictions under other names: ends, refusals, and training with them."""

import dataclasses
import math

import pytest
import torch
from refusals import refused
from tiny import TINY

from ddpm_course.checks import BadType, BadValue
from ddpm_course.flow_matching import NoiseLevel, convert_prediction
from ddpm_course.forward import q_sample
from ddpm_course.prediction import training_target
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.schedule import flow_schedule, linear_schedule


def test_levels_at_both_ends():
    ends = NoiseLevel.from_flow_time(torch.tensor([0.0, 0.5, 1.0]))
    assert ends.sigma.tolist() == [0, 1, torch.inf] and ends.sigma.dtype == torch.float64
    assert ends.alphas_cumprod.tolist() == [1, 0.5, 0]
    assert ends.log_snr.tolist() == [torch.inf, 0, -torch.inf]
    assert ends.flow_time.tolist() == [0, 0.5, 1]
    assert NoiseLevel.from_log_snr(ends.log_snr).sigma.tolist() == [0, 1, torch.inf]
    assert NoiseLevel.from_alphas_cumprod(ends.alphas_cumprod).flow_time.tolist() == [0, 0.5, 1]


def test_one_level_says_the_same_in_each_way():
    level = NoiseLevel(torch.tensor(2.0, dtype=torch.float64))
    assert float(level.alphas_cumprod) == pytest.approx(1 / 5)
    assert float(level.log_snr) == pytest.approx(math.log(1 / 4))
    assert float(level.flow_time) == pytest.approx(2 / 3)
    assert float(NoiseLevel.from_log_snr(math.log(1 / 4)).sigma) == pytest.approx(2)


def test_a_level_is_kept_in_float64_and_none_is_below_0():
    sigma = torch.tensor(2.0, requires_grad=True)
    level = NoiseLevel(sigma)
    assert level.log_snr.dtype == torch.float64
    level.log_snr.backward()
    assert sigma.grad == -1  # of 2 log(1 / sigma)
    for wrong in (-2.0, float("nan")):
        with refused(BadValue, where="NoiseLevel", what="sigma", expected="0 or more"):
            NoiseLevel(torch.tensor(wrong))


def test_the_flow_schedule_is_linear_in_flow_time():
    level = NoiseLevel.of_schedule(flow_schedule(40))
    expected = torch.arange(41, dtype=torch.float64) / 40
    torch.testing.assert_close(level.flow_time, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["alphas_cumprod", "flow_time"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_no_level_outside_its_range(name, value):
    with refused(BadValue, what=name, where=f"NoiseLevel.from_{name}"):
        getattr(NoiseLevel, f"from_{name}")(value)


def test_the_velocity_is_the_derivative_of_a_place_by_flow_time():
    schedule, t = flow_schedule(40), torch.arange(1, 41)
    x0, noise = (torch.full((40, 1), value, dtype=torch.float64) for value in (0.7, -1.3))
    scale = schedule.alphas_cumprod.sqrt() + schedule.one_minus_alphas_cumprod.sqrt()
    places = q_sample(schedule, x0, t, noise=noise)[:, 0] / scale[1:]
    velocity = training_target(schedule, x0, t, noise, "flow_prediction")[1:, 0]
    torch.testing.assert_close(40 * places.diff(), velocity, rtol=0, atol=1e-9)


def test_an_unknown_kind_is_refused():
    x, t = torch.zeros(2, 1), torch.tensor([1, 2])
    with refused(BadValue, what="to", expected="flow_prediction"):
        convert_prediction(linear_schedule(40), x, t, x, "sample", "velocity")
    with refused(BadType, where="NoiseLevel.of_schedule"):
        NoiseLevel.of_schedule(torch.zeros(3))


@pytest.mark.parametrize("schedule", ["flow", "cosine"])
def test_the_same_engine_trains_a_velocity(tmp_path, schedule):
    profile = dataclasses.replace(TINY, prediction_type="flow_prediction", schedule=schedule)
    run = Run.open(train(profile, 0, tmp_path / "run"))
    assert run.profile.schedule == schedule
    assert (tmp_path / "run/samples.png").exists()
