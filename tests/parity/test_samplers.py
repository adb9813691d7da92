"""Schedules, single steps and whole chains, beside diffusers with the same noise.

Its tables are float32. Given ours in float64, it must agree to 1e-12 wherever both mean the same
step. Where it differs, a test shows the difference, and which of the two the derivation is with.
"""

from decimal import Decimal, localcontext

import pytest
import torch
from torch import Tensor

from ddpm_course.mixture import GaussianMixture, exact_denoiser
from ddpm_course.posterior import posterior_variance, q_posterior_mean_variance
from ddpm_course.prediction import PREDICTION_TYPES, Denoiser, p_sample, predict_epsilon, predict_x0
from ddpm_course.sampling import Sampler, _timesteps, ddim_step
from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    linear_schedule,
    rescale_zero_terminal_snr,
)

T = 1000
OURS = linear_schedule(T)
EXACT = 1e-12
SHARED = PREDICTION_TYPES[:3]  # a velocity is for other schedulers of the library, on other chains


def scheduler(diffusers, kind: str, schedule: NoiseSchedule = OURS, **options):
    """A scheduler of the library, with our float64 tables in the place of its own."""
    options = {"num_train_timesteps": schedule.num_train_timesteps} | options
    if kind in ("DDPM", "DDIM"):  # others do not limit the image unless told to
        options = {"clip_sample": False} | options
    theirs = getattr(diffusers, f"{kind}Scheduler")(**options)
    theirs.betas, theirs.alphas = schedule.betas[1:], schedule.alphas[1:]
    theirs.alphas_cumprod = schedule.alphas_cumprod[1:]
    theirs.final_alpha_cumprod = theirs.one = torch.ones((), dtype=torch.float64)
    return theirs


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def draw(*shape: int, generator: torch.Generator | None = None) -> Tensor:
    return torch.randn(shape, generator=generator or seeded(), dtype=torch.float64)


def at(t: int, batch: int = 4) -> Tensor:
    return torch.full((batch,), t)


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


# --- Schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ours, options",
    [
        (linear_schedule(1000), {}),
        (linear_schedule(1000, 1e-3, 0.01), {"beta_start": 1e-3, "beta_end": 0.01}),
        (cosine_schedule(1000), {"beta_schedule": "squaredcos_cap_v2"}),
        (cosine_schedule(50), {"beta_schedule": "squaredcos_cap_v2"}),
    ],
)
def test_schedules_agree_as_far_as_float32_goes(diffusers, ours, options):
    theirs = diffusers.DDPMScheduler(num_train_timesteps=ours.num_train_timesteps, **options)
    assert distance(theirs.betas, ours.betas[1:]) < 1e-6
    assert distance(theirs.alphas_cumprod, ours.alphas_cumprod[1:]) < 1e-6
    noise = 1 - theirs.alphas_cumprod.double()
    assert (noise / ours.one_minus_alphas_cumprod[1:] - 1).abs().max() < 1e-3


def test_the_first_noise_variance_is_ours(diffusers):
    with localcontext(prec=50):
        truth = float(Decimal(float(OURS.betas[1])))
    theirs = 1 - diffusers.DDPMScheduler(num_train_timesteps=T).alphas_cumprod[0].double()
    assert abs(float(OURS.one_minus_alphas_cumprod[1]) / truth - 1) < 1e-15
    assert abs(float(theirs) / truth - 1) > 1e-5


def test_zero_terminal_snr_agrees(diffusers):
    theirs = diffusers.DDIMScheduler(num_train_timesteps=T, rescale_betas_zero_snr=True)
    ours = rescale_zero_terminal_snr(OURS)
    assert theirs.alphas_cumprod[-1] == ours.alphas_cumprod[-1] == 0
    assert distance(theirs.alphas_cumprod, ours.alphas_cumprod[1:]) < 1e-5


# --- The posterior -------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [1, 2, 10, 500, 999, 1000])
@pytest.mark.parametrize("tables, tolerance", [("ours", EXACT), ("its own", 1e-3)])
def test_posterior(diffusers, t, tables, tolerance):
    theirs = (
        scheduler(diffusers, "DDPM", prediction_type="sample")
        if tables == "ours"
        else diffusers.DDPMScheduler(clip_sample=False, prediction_type="sample")
    )
    x_t, x0 = draw(2, 4, 3)
    mean, variance = q_posterior_mean_variance(OURS, x0, x_t, at(t))
    if t > 1:
        assert abs(float(theirs._get_variance(t - 1)) / float(variance[0]) - 1) < tolerance
        assert abs(float(posterior_variance(OURS)[t]) - float(variance[0])) == 0
    noise = draw(4, 3) if t > 1 else 0
    got = theirs.step(x0, t - 1, x_t, generator=seeded()).prev_sample
    assert distance(got, mean + variance.sqrt() * noise) < tolerance


@pytest.mark.parametrize("t", [2, 500, 1000])
def test_large_variance(diffusers, t):
    theirs = scheduler(diffusers, "DDPM", variance_type="fixed_large")
    assert abs(float(theirs._get_variance(t - 1) / OURS.betas[t]) - 1) < EXACT


# --- One step ------------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction_type", SHARED)
@pytest.mark.parametrize("variance_type", ["fixed_small", "fixed_large"])
@pytest.mark.parametrize("clip_sample", [False, True])
@pytest.mark.parametrize("t", [1, 2, 500, 1000])
def test_ddpm_step(diffusers, prediction_type, variance_type, clip_sample, t):
    options = dict(
        prediction_type=prediction_type, variance_type=variance_type, clip_sample=clip_sample
    )
    x_t, output = draw(2, 4, 3)
    got = scheduler(diffusers, "DDPM", **options).step(output, t - 1, x_t, generator=seeded())
    plain = p_sample(OURS, x_t, at(t), output, noise=draw(4, 3), **options)
    general = ddim_step(OURS, x_t, at(t), at(t - 1), output, eta=1.0, noise=draw(4, 3), **options)
    scale = max(1, float(plain.abs().max()))
    assert distance(got.prev_sample, plain) < EXACT * scale
    assert distance(got.prev_sample, general) < 1e-10 * scale


@pytest.mark.parametrize("prediction_type", SHARED)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clip_sample", [False, True])
@pytest.mark.parametrize("t", [20, 500, 1000])
def test_ddim_step(diffusers, prediction_type, eta, clip_sample, t):
    theirs = scheduler(diffusers, "DDIM", prediction_type=prediction_type, clip_sample=clip_sample)
    theirs.set_timesteps(50)
    x_t, output = draw(2, 4, 3)
    got = theirs.step(
        output, t - 1, x_t, eta=eta, use_clipped_model_output=True, generator=seeded()
    ).prev_sample
    own = ddim_step(
        OURS,
        x_t,
        at(t),
        at(t - 20),
        output,
        prediction_type=prediction_type,
        eta=eta,
        clip_sample=clip_sample,
        noise=draw(4, 3),
    )
    assert distance(got, own) < 1e-10 * max(1, float(own.abs().max()))


@pytest.mark.parametrize("t", [20, 500, 1000])
def test_with_default_clipping_image_and_noise_do_not_add_up(diffusers, t):
    """The pair that a step moves on from must make x_t; after its default clipping it does not."""
    x_t, output = draw(2, 4, 3)
    theirs = scheduler(diffusers, "DDIM", clip_sample=True)
    theirs.set_timesteps(50)

    def gap(x0: Tensor, noise: Tensor) -> float:
        signal, rest = OURS.alphas_cumprod[t].sqrt(), OURS.one_minus_alphas_cumprod[t].sqrt()
        return distance(signal * x0 + rest * noise, x_t)

    def noise_used(**options) -> Tensor:
        got = theirs.step(output, t - 1, x_t, **options)
        left = got.prev_sample - OURS.alphas_cumprod[t - 20].sqrt() * got.pred_original_sample
        return left / OURS.one_minus_alphas_cumprod[t - 20].sqrt() if t > 20 else output

    x0 = predict_x0(OURS, x_t, at(t), output, "epsilon").clamp(-1, 1)
    assert distance(noise_used(), output) < 1e-9  # as predicted, whatever became of the image
    assert gap(x0, output) > 0.1
    assert gap(x0, predict_epsilon(OURS, x_t, at(t), x0, "sample")) < EXACT
    if t > 20:
        derived = predict_epsilon(OURS, x_t, at(t), x0, "sample")
        assert distance(noise_used(use_clipped_model_output=True), derived) < 1e-9


# --- Whole chains --------------------------------------------------------------------------------

WORLD = GaussianMixture.from_covariances(
    [0.3, 0.7], [[-1.0, 0.5], [0.6, 0.0]], [[[0.01, 0], [0, 0.04]], [[0.09, 0.02], [0.02, 0.09]]]
)
SHAPE = (8, 2)


def chain_of(theirs, model, num_steps: int, **options) -> list[Tensor]:
    """Every state of the library's sampler, from x_T to x_0, with the noise of one generator."""
    generator = seeded()
    states = [torch.randn(SHAPE, generator=generator)]
    theirs.set_timesteps(num_steps)
    for step in theirs.timesteps:
        x = states[-1]
        output = model(x, at(int(step) + 1, len(x)))
        states.append(
            theirs.step(output, step, x, generator=generator, **options).prev_sample.float()
        )
    return states


def our_chain(sampler: Sampler, schedule: NoiseSchedule = OURS) -> list[Tensor]:
    exact = exact_denoiser(WORLD, schedule)
    return [x for _, x in sampler.walk(exact, SHAPE, generator=seeded())]


def assert_same_states(theirs: list[Tensor], ours: list[Tensor]) -> None:
    assert len(theirs) == len(ours)
    assert max(map(distance, theirs, ours)) < 1e-4


@pytest.mark.parametrize("variance_type", ["fixed_small", "fixed_large"])
def test_ddpm_chain(diffusers, variance_type):
    theirs = scheduler(diffusers, "DDPM", variance_type=variance_type)
    states = chain_of(theirs, exact_denoiser(WORLD, OURS).model, T)
    sampler = Sampler(T, eta=1.0, variance_type=variance_type)
    assert_same_states(states, our_chain(sampler))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "kind, num_steps",
    [("leading", 50), ("leading", 7), ("trailing", 50), ("trailing", 8), ("linspace", T)],
)
def test_ddim_chain(diffusers, eta, kind, num_steps):
    theirs = scheduler(diffusers, "DDIM", timestep_spacing=kind)
    states = chain_of(theirs, exact_denoiser(WORLD, OURS).model, num_steps, eta=eta)
    assert_same_states(states, our_chain(Sampler(num_steps, kind, eta)))


@pytest.mark.parametrize(
    "kind, rounded, broken",
    [("leading", 0, []), ("trailing", 35, [61, 103, 121]), ("linspace", 431, [1])],
)
def test_lists_of_times(diffusers, kind, rounded, broken):
    """Ours are S falling times in 1..T for every S, from T but for "leading".

    The library rounds some halves the other way. Its other differences are faults: a time too many
    below the first, and a single step that starts where no noise is.
    """
    theirs, off_by_one, faults = scheduler(diffusers, "DDIM", timestep_spacing=kind), 0, []
    for num_steps in range(1, T + 1):
        times = _timesteps(kind, T, num_steps)[:-1]
        assert len(times) == num_steps and times == sorted(set(times), reverse=True)
        assert 1 <= times[-1] and (times[0] == T or kind == "leading")
        theirs.set_timesteps(num_steps)
        found = (theirs.timesteps + 1).tolist()
        if len(found) != num_steps or found[-1] < 1 or (found[0] < T and kind != "leading"):
            faults.append(num_steps)
        else:
            off = max(abs(a - b) for a, b in zip(found, times))
            assert off <= 1
            off_by_one += off
    assert off_by_one == rounded and faults[:3] == broken
    assert len(faults) == (62 if kind == "trailing" else len(broken))


@pytest.mark.parametrize("kind, num_steps", [("trailing", 13), ("linspace", 50)])
def test_where_the_library_leaves_its_list_of_times(diffusers, kind, num_steps):
    """For data that is one point, noise shrinks by known factors and ends at none.

    At eta = 0 with the exact prediction x_t is sqrt(1 - alphas_cumprod[t]) times one constant.
    """
    theirs = scheduler(diffusers, "DDIM", timestep_spacing=kind)
    root = OURS.one_minus_alphas_cumprod.sqrt()

    def exact(x: Tensor, t: Tensor) -> Tensor:
        return x / root[t][:, None].to(x)

    times = _timesteps(kind, T, num_steps)
    states = chain_of(theirs, exact, num_steps)
    walk = Sampler(num_steps, kind).walk(Denoiser(OURS, exact), SHAPE, generator=seeded())
    own = [x for _, x in walk]
    for t, x in zip(times, own):
        assert distance(x, own[0] * (root[t] / root[T]).float()) < 1e-5
    off = [distance(x, own[0] * (root[t] / root[T]).float()) for t, x in zip(times, states)]
    assert max(off[1:-1]) > 1e-3
    assert own[-1].abs().max() < 1e-6
    assert states[-1].any() == (kind == "trailing")


# --- Solvers of second order ---------------------------------------------------------------------

SECOND_ORDER = {"heun": "HeunDiscrete", "dpmpp_2m": "DPMSolverMultistep"}


def second_order_chain(theirs, model, x: Tensor, times: list[int]) -> tuple[list[Tensor], int]:
    """The library's states at our times, in our scale, and how often the model was called."""
    theirs.set_timesteps(timesteps=[t - 1 for t in times[:-1]])
    halves = hasattr(theirs, "state_in_first_order")  # Heun's: it keeps places, and half steps
    levels = (OURS.one_minus_alphas_cumprod / OURS.alphas_cumprod).sqrt()[times]
    inner = levels[1:-1].repeat_interleave(2 if halves else 1)
    theirs.sigmas = torch.cat([levels[:1], inner, levels[-1:]])  # its own are float32
    scale = OURS.alphas_cumprod.sqrt() if halves else torch.ones(T + 1, dtype=torch.float64)
    states, x = [x], x / scale[times[0]]
    for step in theirs.timesteps:
        output = model(theirs.scale_model_input(x, step), at(int(step) + 1, len(x)))
        x = theirs.step(output, step, x).prev_sample
        if not halves or theirs.state_in_first_order or len(states) == len(times) - 1:
            states.append(x * scale[times[len(states)]])
    return states, len(theirs.timesteps)


@pytest.mark.parametrize("solver", SECOND_ORDER)
@pytest.mark.parametrize("prediction_type", SHARED)
@pytest.mark.parametrize("spacing", ["trailing", "quadratic"])
@pytest.mark.parametrize("num_steps", [5, 10, 20])
def test_second_order_chains(diffusers, solver, prediction_type, spacing, num_steps):
    """With fifteen steps and more the library's last step is DDIM's because it goes to no noise."""
    theirs = scheduler(diffusers, SECOND_ORDER[solver], prediction_type=prediction_type)
    exact, x = exact_denoiser(WORLD, OURS, prediction_type), draw(*SHAPE)
    sampler = Sampler(num_steps, spacing, solver=solver)
    states, calls = second_order_chain(theirs, exact.model, x, sampler.timesteps(T))
    own = [x for _, x in sampler.walk(exact, SHAPE, x_T=x)]
    assert calls == (2 * num_steps - 1 if solver == "heun" else num_steps)
    tolerance = 1e-10 if solver == "heun" else 1e-5  # the other one rounds its states to float32
    assert len(states) == len(own) and max(map(distance, states, own)) < tolerance


@pytest.mark.parametrize("kind", ["midpoint", "heun"])
def test_which_of_the_two_coefficients_is_exact_for_an_image_that_changes_evenly(diffusers, kind):
    """The library's "midpoint" is the paper's 2M and ours; its "heun" is not Heun's method.

    For an image that is half of log SNR the integral of a step is known. "heun" has it; "midpoint",
    as 2M is defined, is off in the third order of the length of a step, which is stated.
    """
    signal, noise = OURS.alphas_cumprod, OURS.one_minus_alphas_cumprod
    half = (signal / noise).log() / 2

    def model(x: Tensor, t: Tensor) -> Tensor:
        return half[t][:, None].expand_as(x)

    sampler = Sampler(20, solver="dpmpp_2m")
    times, x = sampler.timesteps(T), draw(4, 1)
    theirs = scheduler(diffusers, "DPMSolverMultistep", prediction_type="sample", solver_type=kind)
    states, calls = second_order_chain(theirs, model, x, times)
    own = [x for _, x in sampler.walk(Denoiser(OURS, model, "sample"), (4, 1), x_T=x)]
    assert calls == 20 and (distance(states[-2], own[-2]) < 1e-5) == (kind == "midpoint")
    for k in range(1, 19):
        t, s = times[k], times[k + 1]
        step = half[s] - half[t]
        integral = half[s] - 1 - (-step).exp() * (half[t] - 1)
        off = step - 1 + (-step).exp() + step / 2 * (-step).expm1()
        for state, missed in ((states, off * (kind == "midpoint")), (own, off)):
            gained = (state[k + 1] - (noise[s] / noise[t]).sqrt() * state[k]) / signal[s].sqrt()
            assert distance(gained, integral - missed) < 1e-4
