"""Solvers of second order and the likelihood of the flow, beside formulas written on their own."""

import math

import pytest
import torch
from refusals import refused

from ddpm_course.checks import BadType, BadValue
from ddpm_course.mixture import GaussianMixture, exact_denoiser, log_prob
from ddpm_course.prediction import PREDICTION_TYPES, Denoiser
from ddpm_course.probability_flow import _two_m_numbers, ode_log_prob
from ddpm_course.sampling import SOLVERS, SPACINGS, Sampler
from ddpm_course.schedule import cosine_schedule, linear_schedule, rescale_zero_terminal_snr

SCHEDULE = linear_schedule(1000)
SILENT = rescale_zero_terminal_snr(SCHEDULE)
PIXEL = GaussianMixture.from_covariances([0.3, 0.7], [[-1.0], [0.6]], [[[0.01]], [[0.09]]])
PLANE = GaussianMixture.from_covariances(
    [0.5, 0.5], [[-1.0, 0.4], [0.6, 0.0]], [[[0.2, 0.05], [0.05, 0.1]], [[0.1, 0], [0, 0.3]]]
)
second_order = pytest.mark.parametrize("solver", ["heun", "dpmpp_2m"])


def starts(batch=7, dims=1):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, dims, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("kind", PREDICTION_TYPES)
def test_a_model_without_a_gradient_has_no_divergence_to_take(kind):
    blind = Denoiser(SCHEDULE, torch.no_grad()(lambda x, t: x / 2), kind)
    with refused(BadValue, where="ode_log_prob", what="denoiser.model", fix="no_grad"):
        ode_log_prob(blind, starts(), [1, 50, 100])


def test_a_model_that_does_not_look_at_its_input_has_the_density_of_a_walk_that_is_shifted():
    """A constant noise moves all places alike: the density is that of the end."""
    weight = torch.full((1,), 0.3, dtype=torch.float64, requires_grad=True)
    constant = Denoiser(SCHEDULE, lambda x, t: weight.expand_as(x))
    signal = SCHEDULE.alphas_cumprod[[1, 50, 100]].sqrt()
    ratio = SCHEDULE.one_minus_alphas_cumprod[[1, 50, 100]].sqrt() / signal
    end = starts() + 0.3 * (ratio[-1] - ratio[0])
    found = ode_log_prob(constant, starts(), [1, 50, 100]).detach()
    wanted = torch.distributions.Normal(0, 1 / signal[-1]).log_prob(end)[:, 0]
    torch.testing.assert_close(found, wanted)


def at(t, x):
    return torch.full((len(x),), t)


def by_hand(denoiser, x, times, solver):
    """The walk in the coordinates of the papers: places and r for Heun, lambda for 2M."""
    signal = [math.sqrt(float(denoiser.schedule.alphas_cumprod[t])) for t in times]
    noise = [math.sqrt(float(denoiser.schedule.one_minus_alphas_cumprod[t])) for t in times]
    before = None
    for k, (t, s) in enumerate(zip(times, times[1:])):
        image = denoiser.x0(x, at(t, x))
        if s == 0:
            return image
        r, r_next = noise[k] / signal[k], noise[k + 1] / signal[k + 1]
        if solver == "heun":
            y = x / signal[k]
            d = (y - image) / r
            ahead = y + (r_next - r) * d
            d_ahead = (ahead - denoiser.x0(signal[k + 1] * ahead, at(s, x))) / r_next
            x = signal[k + 1] * (y + (r_next - r) * (d + d_ahead) / 2)
        else:
            h = math.log(r) - math.log(r_next)
            D = image
            if before:
                ratio = before[1] / h
                D = (1 + 1 / (2 * ratio)) * image - 1 / (2 * ratio) * before[0]
            x = noise[k + 1] / noise[k] * x - signal[k + 1] * math.expm1(-h) * D
            before = image, h


@second_order
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
def test_a_walk_is_that_of_the_papers(solver, spacing, prediction_type):
    denoiser = exact_denoiser(PIXEL, SCHEDULE, prediction_type)
    sampler = Sampler(9, spacing, solver=solver)
    expected = by_hand(denoiser, starts(), sampler.timesteps(1000), solver)
    found = sampler.sample(denoiser, (7, 1), x_T=starts())
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("solver, calls", [("ddim", 9), ("heun", 17), ("dpmpp_2m", 9)])
def test_how_often_the_model_is_asked(solver, calls):
    asked = []

    def model(x, t):
        asked.append(int(t[0]))
        return x

    sampler = Sampler(9, solver=solver)
    states = [t for t, _ in sampler.walk(Denoiser(SCHEDULE, model), (2, 1))]
    assert len(asked) == calls and 0 not in asked and states == sampler.timesteps(1000)


@second_order
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_walks_from_pure_noise_stay_finite(solver, clip, steps):
    """The first step begins at an infinite r, and the last one ends at 0."""
    denoiser = exact_denoiser(PIXEL, SILENT, "v_prediction")
    sampler = Sampler(steps, clip_sample=clip, solver=solver)
    for _, x in sampler.walk(denoiser, (7, 1), x_T=starts()):
        assert x.isfinite().all()
    if steps == 1:
        expected = Sampler(1, clip_sample=clip).sample(denoiser, (7, 1), x_T=starts())
        torch.testing.assert_close(x, expected)


@second_order
@pytest.mark.parametrize("spacing", ["trailing", "quadratic"])
def test_a_chain_that_ends_in_next_to_no_image_is_walked(solver, spacing):
    """There r falls from 20,291 to 6 in the first of ten steps: half a step of Heun's goes astray."""
    cosine = cosine_schedule(1000)
    drawn = Sampler(10, spacing, solver=solver).sample(
        exact_denoiser(PIXEL, cosine), (7, 1), x_T=starts()
    )
    fine = Sampler(1000).sample(exact_denoiser(PIXEL, cosine), (7, 1), x_T=starts())
    assert (drawn - fine).abs().max() < 0.2


def test_the_ends_of_a_walk_are_of_first_order():
    """A solver that divided by the length of the last step would have nan or infinity there."""
    numbers = torch.tensor(_two_m_numbers(SILENT, Sampler(5).timesteps(1000)))
    assert numbers.isfinite().all()
    assert numbers[[0, 1, -1], 2].tolist() == [0, 0, 0]  # the second one follows an infinite step
    assert numbers[-1].tolist() == [0, 1, 0]
    assert (numbers[2:-1, 2] < 0).all()


@second_order
def test_the_limited_image_is_used_by_every_solver(solver):
    wild = Denoiser(SCHEDULE, lambda x, t: 0 * x + 5.0, "sample")
    sampler = Sampler(6, clip_sample=True, solver=solver)
    assert sampler.sample(wild, (3, 1)).tolist() == [[1.0]] * 3


@second_order
def test_twice_the_steps_a_quarter_of_the_error(solver):
    """On Gaussian data, whose flow is known: the place keeps its number of standard deviations."""
    gauss = GaussianMixture.from_covariances([1.0], [[0.5]], [[[0.09]]])
    denoiser, x = exact_denoiser(gauss, SCHEDULE), starts()

    def error(steps):
        *_, (t, last), _ = Sampler(steps, "quadratic", solver=solver).walk(denoiser, (7, 1), x_T=x)
        kept, noise = SCHEDULE.alphas_cumprod, SCHEDULE.one_minus_alphas_cumprod
        widths = [(kept[k] * 0.09 + noise[k]).sqrt() for k in (1000, t)]
        moved = (x - kept[1000].sqrt() * 0.5) / widths[0] * widths[1] + kept[t].sqrt() * 0.5
        return float((last - moved).abs().max())

    assert error(100) < error(50) / 3


@second_order
def test_no_new_noise_and_no_way_back(solver):
    with refused(BadValue, where="Sampler", what="eta", got=solver):
        Sampler(5, eta=0.5, solver=solver)
    with refused(BadValue, where="Sampler.invert", expected="ddim"):
        Sampler(5, solver=solver).invert(exact_denoiser(PIXEL, SCHEDULE), starts())


def test_an_unknown_solver():
    assert SOLVERS[0] == Sampler(5).solver
    with refused(BadValue, where="Sampler", what="solver", expected="dpmpp_2m"):
        Sampler(5, solver="dpm++")


# --- Likelihood ----------------------------------------------------------------------------------


def exact_log_prob(world, schedule, x0, t=1):
    factor = schedule.alphas_cumprod[t].sqrt()
    return log_prob(world, schedule, factor * x0, at(t, x0)) + x0[0].numel() * factor.log()


@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize(
    "schedule", [SCHEDULE, pytest.param(cosine_schedule(1000), marks=pytest.mark.slow)]
)
def test_log_density_in_the_plane(schedule, prediction_type):
    denoiser, x0 = exact_denoiser(PLANE, schedule, prediction_type), starts(4, 2)
    found = ode_log_prob(denoiser, x0, range(1, 1000, 2))
    torch.testing.assert_close(found, exact_log_prob(PLANE, schedule, x0), rtol=0, atol=0.02)


def test_the_density_is_that_of_the_first_time():
    denoiser, x0 = exact_denoiser(PIXEL, SCHEDULE), starts()
    found = ode_log_prob(denoiser, x0, range(200, 1001, 4))
    torch.testing.assert_close(found, exact_log_prob(PIXEL, SCHEDULE, x0, 200), rtol=0, atol=5e-3)


def test_random_signs_are_right_on_average():
    denoiser, x0 = exact_denoiser(PLANE, SCHEDULE), starts(1, 2).expand(4000, 2)
    times = range(1, 1001, 111)
    exactly = ode_log_prob(denoiser, x0[:1], times)
    guessed = ode_log_prob(
        denoiser, x0, times, num_probes=1, generator=torch.Generator().manual_seed(0)
    )
    assert guessed.std() > 0.02
    assert abs(guessed.mean() - exactly[0]) < 5 * guessed.std() / 4000**0.5
    more = ode_log_prob(
        denoiser, x0, times, num_probes=4, generator=torch.Generator().manual_seed(0)
    )
    assert more.std() < 0.7 * guessed.std()


@pytest.mark.parametrize(
    "times, what",
    [([5], "times"), ([5, 5], "times"), ([9, 3], "times"), ([0, 5], "times"), ([1, 1001], "times")],
)
def test_times_rise_within_the_chain(times, what):
    with refused(BadValue, where="ode_log_prob", what=what):
        ode_log_prob(exact_denoiser(PIXEL, SCHEDULE), starts(), times)


def test_other_refusals():
    denoiser = exact_denoiser(PIXEL, SILENT, "sample")
    with refused(BadValue, what="times", got="1000"):
        ode_log_prob(denoiser, starts(), [1, 1000])
    with refused(BadValue, what="num_probes"):
        ode_log_prob(denoiser, starts(), [1, 999], num_probes=-1)
    with refused(BadType, where="ode_log_prob", what="denoiser"):
        ode_log_prob(None, starts(), [1, 999])
