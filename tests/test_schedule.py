"""Chapter 01: every schedule is what its paper defines, and its tables keep their promises."""

import math
import warnings

import mpmath
import pytest
import torch

from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    extract,
    linear_schedule,
    make_schedule,
    rescale_zero_terminal_snr,
    sigmoid_schedule,
)

STEPS = (1, 2, 10, 1000)


def quiet_linear(num_steps, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return linear_schedule(num_steps, **options)


def test_tables_start_before_the_first_step():
    schedule = NoiseSchedule.from_betas([0.1, 0.2])
    assert schedule.num_train_timesteps == 2
    for name, table in vars(schedule).items():
        assert table.dtype == torch.float64 and table.shape == (3,), name
    at_0 = [table[0].item() for table in vars(schedule).values()]
    assert at_0 == [0, 1, 1, 0]


def test_betas_are_taken_from_lists_tensors_and_float32():
    expected = torch.tensor([0, 0.25, 0.5], dtype=torch.float64)
    for betas in ([0.25, 0.5], torch.tensor([0.25, 0.5]), expected[1:].numpy()):
        assert torch.equal(NoiseSchedule.from_betas(betas).betas, expected)


@pytest.mark.parametrize("num_steps", STEPS)
def test_linear_is_a_line_with_the_given_ends(num_steps):
    betas = quiet_linear(num_steps).betas[1:]
    assert betas[0] == 1e-4
    if num_steps > 1:
        assert betas[-1] == 0.02
    assert torch.allclose(betas.diff(n=2), torch.zeros(()).double(), atol=1e-15)


def test_rescaling_multiplies_every_beta():
    plain, rescaled = quiet_linear(100), linear_schedule(100, rescale=True)
    assert torch.equal(rescaled.betas, 10 * plain.betas)
    assert torch.equal(linear_schedule(1000, rescale=True).betas, linear_schedule(1000).betas)


def test_a_linear_schedule_that_ends_too_early_warns():
    with pytest.warns(UserWarning, match="still 0.36 at T = 100"):
        linear_schedule(100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear_schedule(1000)
        linear_schedule(100, rescale=True)


@pytest.mark.parametrize("num_steps", [2, 5, 10, 20])
def test_a_short_linear_chain_is_cut_below_1(num_steps):
    """1000 / T times beta_end would be 1 or more."""
    betas = linear_schedule(num_steps, rescale=True).betas
    expected = (1000 / num_steps) * torch.linspace(1e-4, 0.02, num_steps, dtype=torch.float64)
    assert torch.allclose(betas[1:], expected.clamp(max=0.999)) and betas.max() == 0.999


@pytest.mark.parametrize("num_steps, option", [(1, "beta_start"), (3, "beta_end")])
def test_a_rescaled_schedule_is_not_told_to_rescale(num_steps, option):
    with pytest.warns(UserWarning, match=f"pass a larger {option} or more steps"):
        linear_schedule(num_steps, 1e-5, 1e-5, rescale=True)


def cosine_by_its_paper(t, num_steps, s=0.008):
    def f(u):
        return mpmath.cos((mpmath.mpf(u) / num_steps + s) / (1 + s) * mpmath.pi / 2) ** 2

    return f(t) / f(0)


def sigmoid_by_its_paper(t, num_steps, start=-3, end=3, tau=1, clip_min=1e-9):
    def sigmoid(u):
        return 1 / (1 + mpmath.exp(-u))

    v_start, v_end = sigmoid(mpmath.mpf(start) / tau), sigmoid(mpmath.mpf(end) / tau)
    output = sigmoid((mpmath.mpf(t) / num_steps * (end - start) + start) / tau)
    return min(max((v_end - output) / (v_end - v_start), mpmath.mpf(clip_min)), 1)


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize(
    "schedule_of, gamma, largest",
    [(cosine_schedule, cosine_by_its_paper, 0.999), (sigmoid_schedule, sigmoid_by_its_paper, 1)],
)
def test_cosine_and_sigmoid_by_their_papers(num_steps, schedule_of, gamma, largest):
    betas = schedule_of(num_steps).betas
    with mpmath.workdps(30):
        expected = [
            min(1 - gamma(t, num_steps) / gamma(t - 1, num_steps), mpmath.mpf(largest))
            for t in range(1, num_steps + 1)
        ]
    worst = max(abs(float((b - e) / e)) for b, e in zip(betas[1:].tolist(), expected))
    assert worst < 2e-11  # 1 - ratio loses digits where the ratio is close to 1


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid"])
@pytest.mark.parametrize("num_steps", [2, 10, 1000])
def test_zero_terminal_snr_by_its_paper(name, num_steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = make_schedule(name, num_steps)
    after = rescale_zero_terminal_snr(before)
    assert after.betas[-1] == 1 and after.alphas_cumprod[-1] == 0
    assert after.one_minus_alphas_cumprod[-1] == 1
    assert after.alphas_cumprod[1] == before.alphas_cumprod[1]
    root = before.alphas_cumprod[1:].sqrt()
    expected = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    assert torch.allclose(after.alphas_cumprod[1:], expected, rtol=1e-10, atol=0)
    assert (after.betas[1:] > 0).all()


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid"])
def test_variance_and_its_complement_sum_to_one(name):
    schedule = make_schedule(name, 1000)
    total = schedule.alphas_cumprod + schedule.one_minus_alphas_cumprod
    assert torch.allclose(total, torch.ones(()).double(), rtol=1e-12)
    assert (schedule.alphas_cumprod.diff() < 0).all()


def test_a_schedule_is_a_value():
    schedule = linear_schedule()
    with pytest.raises(AttributeError):
        schedule.betas = schedule.alphas
    moved = schedule.to("cpu")
    assert all(torch.equal(a, b) for a, b in zip(vars(moved).values(), vars(schedule).values()))
    assert hash(schedule) != hash(moved)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_extract_reads_any_integer_and_shapes_the_result(dtype):
    table = linear_schedule().betas
    x = torch.zeros(3, 2, 4, 4)
    entries = extract(table, torch.tensor([1, 7, 255], dtype=dtype), x)
    assert entries.shape == (3, 1, 1, 1) and entries.dtype == x.dtype
    assert torch.equal(entries.flatten(), table[[1, 7, 255]].float())
    assert extract(table, torch.tensor([3]), torch.zeros(1).double()).dtype == torch.float64


def test_extract_reads_entry_0_when_asked():
    table = linear_schedule().alphas_cumprod
    assert extract(table, torch.tensor([0]), torch.zeros(1), first=0) == 1
    with pytest.raises(ValueError):
        extract(table, torch.tensor([0]), torch.zeros(1))


def test_the_printed_factor_without_a_root_loses_the_variance():
    α, variance = 0.95, 0.0
    for _ in range(1000):
        variance = α * variance + (1 - α) ** 2
    assert math.isclose(variance, 1 - α)


def test_the_chain_has_a_thousand_steps_unless_told_otherwise():
    for schedule in (linear_schedule(), cosine_schedule(), sigmoid_schedule()):
        assert schedule.num_train_timesteps == 1000
