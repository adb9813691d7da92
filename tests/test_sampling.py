"""The sampler against its own theory: marginals, exact laws, DDPM, and every edge of the times."""

import math
import warnings

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from ddpm_course.checks import BadType, BadValue
from ddpm_course.forward import q_sample
from ddpm_course.mixture import GaussianMixture, exact_denoiser
from ddpm_course.objective import VARIANCE_TYPES
from ddpm_course.prediction import (
    PREDICTION_TYPES,
    Denoiser,
    p_sample,
    p_sample_loop,
    p_sample_steps,
    predict_epsilon,
    predict_x0,
    training_target,
)
from ddpm_course.sampling import (
    SPACINGS,
    Sampler,
    _factors,
    _timesteps,
    ddim_step,
    slerp,
)
from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    linear_schedule,
    rescale_zero_terminal_snr,
    sigmoid_schedule,
)

SCHEDULE = linear_schedule(1000)
ZERO_END = rescale_zero_terminal_snr(SCHEDULE)
SCHEDULES = {
    "linear": SCHEDULE,
    "cosine": cosine_schedule(1000),
    "sigmoid": sigmoid_schedule(1000),
    "zero end": ZERO_END,
}
PIXEL = GaussianMixture.from_covariances([0.3, 0.7], [[-1.0], [0.6]], [[[0.01]], [[0.09]]])
ETAS = [0.0, 0.3, 0.5, 1.0]
ZERO = Denoiser(SCHEDULE, lambda x, t: 0 * x)
each_kind = pytest.mark.parametrize("kind", SPACINGS)
each_prediction = pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
each_variance = pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
few = settings(max_examples=30, deadline=None, derandomize=True)


def short_schedule(num_steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return linear_schedule(num_steps)


def batch(size=5, seed=0, dtype=torch.float64):
    """State, output and noise of a step."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, size, 1, 4, 4, dtype=dtype, generator=generator)


def pairs(times):
    """Where each step starts and where it leads, as tensors."""
    return torch.tensor(times[:-1]), torch.tensor(times[1:])


# --- The times -----------------------------------------------------------------------------------

GRID = [(T, S) for T in range(1, 61) for S in range(1, T + 1)]
GRID += [(1000, S) for S in range(1, 1001)]


@each_kind
def test_times_for_every_number_of_steps(kind):
    for T, S in GRID:
        times = _timesteps(kind, T, S)
        assert len(times) == S + 1 and times[-1] == 0, (T, S)
        assert all(t > s for t, s in zip(times, times[1:])), (T, S)
        assert times[0] == (1 + (S - 1) * (T // S) if kind == "leading" else T), (T, S)
        if kind == "leading" or kind == "linspace" and S > 1:
            assert times[-2] == 1, (T, S)


def test_times_are_the_nearest_whole_numbers():
    """No time is further from its real value than half a step of the grid, exactly."""
    for T, S in GRID:
        for i, t in enumerate(reversed(_timesteps("trailing", T, S))):
            assert abs(2 * S * t - 2 * T * i) <= S
        for i, t in enumerate(reversed(_timesteps("linspace", T, S)[:-1])):
            assert S == 1 or abs(2 * (S - 1) * (t - 1) - 2 * (T - 1) * i) <= S - 1
        for i, t in enumerate(reversed(_timesteps("quadratic", T, S))):
            assert t == i or (t > i and abs(2 * S * S * t - 2 * T * i * i) <= S * S)


def test_leading_times_have_equal_strides():
    for T, S in GRID:
        times = _timesteps("leading", T, S)[:-1]
        assert {t - s for t, s in zip(times, times[1:])} <= {T // S}


@each_kind
@pytest.mark.parametrize("T", [1, 2, 7, 1000])
def test_as_many_steps_as_times_is_every_time(kind, T):
    assert _timesteps(kind, T, T) == list(range(T, -1, -1))


@each_kind
@pytest.mark.parametrize("S", [13, 61, 999])
def test_the_model_is_asked_at_the_times_and_nowhere_else(kind, S):
    asked = []

    def model(x, t):
        asked.append(int(t[0]))
        return torch.zeros_like(x)

    times = _timesteps(kind, 1000, S)
    states = [t for t, _ in Sampler(S, kind).walk(Denoiser(SCHEDULE, model), (1, 1))]
    assert states == times and asked == times[:-1]


@each_kind
@pytest.mark.parametrize("S", [3, 13, 61])
def test_every_state_is_at_the_time_that_the_list_says(kind, S):
    """With the true noise in place of a prediction, the states are those of the closed form."""
    x0, ε, _ = batch()
    first = _timesteps(kind, 1000, S)[0]
    start = q_sample(SCHEDULE, x0, torch.full((5,), first), noise=ε)
    told = Denoiser(SCHEDULE, lambda x, t: ε)
    for t, x in Sampler(S, kind).walk(told, x0.shape, x_T=start.float()):
        expected = q_sample(SCHEDULE, x0, torch.full((5,), t), noise=ε) if t else x0
        torch.testing.assert_close(x.double(), expected, rtol=0, atol=1e-3)


# --- The factors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("eta", ETAS)
@each_variance
def test_factors_equal_exact_arithmetic(name, eta, variance_type):
    schedule = SCHEDULES[name]
    steps = [
        (1000, 999),
        (1000, 1),
        (1000, 0),
        (999, 500),
        (500, 499),
        (20, 3),
        (3, 2),
        (2, 1),
        (1, 0),
    ]
    t, s = (torch.tensor(times) for times in zip(*steps))
    got = torch.stack(_factors(schedule, t, s, eta, variance_type), 1)
    with mpmath.workdps(60):
        ᾱ = [mpmath.mpf(1)]
        for β in schedule.betas.tolist()[1:]:
            ᾱ.append(ᾱ[-1] * (1 - mpmath.mpf(β)))
        for (t, s), row in zip(steps, got.tolist()):
            σ = eta * mpmath.sqrt((1 - ᾱ[s]) / (1 - ᾱ[t])) * mpmath.sqrt(1 - ᾱ[t] / ᾱ[s])
            large = eta * mpmath.sqrt(1 - ᾱ[t] / ᾱ[s]) if s else 0
            exact = (
                mpmath.sqrt(ᾱ[s]),
                mpmath.sqrt(1 - ᾱ[s] - σ**2),
                σ if variance_type == "fixed_small" else large,
            )
            for value, expected in zip(row, exact):
                assert abs(value - expected) <= 1e-12 * abs(expected) + 1e-25, (t, s)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("eta", ETAS)
@each_kind
def test_every_marginal_is_kept(name, eta, kind):
    """Mean and variance given x_0, pushed down any sub-sequence, are those of q(x_t | x_0)."""
    schedule, x0 = SCHEDULES[name], 1.5
    signal, noise = schedule.alphas_cumprod, schedule.one_minus_alphas_cumprod
    for S in (1, 2, 13, 100, 1000):
        times = _timesteps(kind, 1000, S)
        t, s = pairs(times)
        of_x0, of_old, of_new = _factors(schedule, t, s, eta, "fixed_small")
        mean, variance = signal[times[0]].sqrt() * x0, noise[times[0]]
        for i in range(S):
            old = (mean - signal[t[i]].sqrt() * x0) / noise[t[i]].sqrt()
            mean = of_x0[i] * x0 + of_old[i] * old
            variance = of_old[i] ** 2 / noise[t[i]] * variance + of_new[i] ** 2
            assert abs(mean - signal[s[i]].sqrt() * x0) < 1e-12
            assert abs(variance - noise[s[i]]) < 1e-12


# --- The step ------------------------------------------------------------------------------------


def steps(x, t, s):
    return torch.full((len(x),), t), torch.full((len(x),), s)


@each_prediction
@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("t, s", [(1000, 980), (500, 1), (2, 1), (1, 0), (1000, 0)])
def test_step_is_the_formula_of_the_paper(prediction_type, eta, t, s):
    x_t, output, noise = batch()
    times = steps(x_t, t, s)
    a_t, a_s = SCHEDULE.alphas_cumprod[t], SCHEDULE.alphas_cumprod[s]
    σ = eta * ((1 - a_s) / (1 - a_t)).sqrt() * (1 - a_t / a_s).sqrt()
    x0 = predict_x0(SCHEDULE, x_t, times[0], output, prediction_type)
    ε = predict_epsilon(SCHEDULE, x_t, times[0], output, prediction_type)
    expected = a_s.sqrt() * x0 + (1 - a_s - σ**2).sqrt() * ε + σ * noise
    got = ddim_step(
        SCHEDULE, x_t, *times, output, prediction_type=prediction_type, eta=eta, noise=noise
    )
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


@each_prediction
@each_variance
@pytest.mark.parametrize("clip_sample", [False, True])
@pytest.mark.parametrize("t", [1, 2, 3, 500, 999, 1000])
def test_eta_one_between_neighbours_is_ddpm(prediction_type, variance_type, clip_sample, t):
    x_t, output, noise = batch()
    same = dict(
        prediction_type=prediction_type,
        variance_type=variance_type,
        clip_sample=clip_sample,
        noise=noise,
    )
    now, target = steps(x_t, t, t - 1)
    torch.testing.assert_close(
        ddim_step(SCHEDULE, x_t, now, target, output, eta=1.0, **same),
        p_sample(SCHEDULE, x_t, now, output, **same),
        rtol=1e-10,
        atol=1e-10,
    )


@each_variance
def test_eta_one_over_all_times_is_ddpm_pathwise(variance_type):
    """Every state of the walk, from one generator, in float32 as it is used."""
    exact = exact_denoiser(PIXEL, SCHEDULE)
    one, other = (torch.Generator().manual_seed(3) for _ in range(2))
    walks = [
        p_sample_steps(exact, (16, 1), variance_type=variance_type, generator=one),
        Sampler(1000, eta=1.0, variance_type=variance_type).walk(exact, (16, 1), generator=other),
    ]
    for (t, x), (u, y) in zip(*walks, strict=True):
        assert t == u
        torch.testing.assert_close(x, y, rtol=0, atol=1e-4)


@each_variance
@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("t", [1, 10, 1000])
def test_to_zero_no_noise_is_added(variance_type, eta, t):
    x_t, output, noise = batch()
    now, target = steps(x_t, t, 0)
    got = ddim_step(
        SCHEDULE, x_t, now, target, output, eta=eta, variance_type=variance_type, noise=1e6 * noise
    )
    assert torch.equal(got, predict_x0(SCHEDULE, x_t, now, output, "epsilon"))


@each_prediction
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_clipping_derives_the_noise_again(prediction_type, eta):
    x_t, output, noise = batch()
    now, target = steps(x_t, 500, 400)
    signal = SCHEDULE.alphas_cumprod[500].sqrt()
    spread = SCHEDULE.one_minus_alphas_cumprod[500].sqrt()
    x0 = predict_x0(SCHEDULE, x_t, now, 3 * output, prediction_type).clamp(-1, 1)
    clipped = dict(prediction_type=prediction_type, eta=eta, noise=noise, clip_sample=True)
    got = ddim_step(SCHEDULE, x_t, now, target, 3 * output, **clipped)
    expected = ddim_step(
        SCHEDULE, x_t, now, target, (x_t - signal * x0) / spread, eta=eta, noise=noise
    )
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    last = ddim_step(SCHEDULE, x_t, now, 0 * target, 3 * output, **clipped)
    assert last.abs().max() <= 1


@each_prediction
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_clipped_walk_is_a_chain_of_clipped_steps(prediction_type, eta):
    sampler = Sampler(4, eta=eta, clip_sample=True)
    denoiser = Denoiser(SCHEDULE, lambda x, t: 3 * x.sin(), prediction_type)
    generator, states = torch.Generator().manual_seed(0), []
    x = torch.randn(2, 1, 4, 4, generator=generator)
    for t, s in zip(times := sampler.timesteps(1000), times[1:]):
        states.append(x)
        x = ddim_step(
            *(SCHEDULE, x, *steps(x, t, s), 3 * x.sin()),
            prediction_type=prediction_type,
            eta=eta,
            clip_sample=True,
            generator=generator if s else None,
        )
    walk = sampler.walk(denoiser, x.shape, generator=torch.Generator().manual_seed(0))
    for (t, got), expected in zip(walk, [*states, x], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5, msg=f"at t = {t}")


def test_without_eta_no_random_number_is_drawn():
    x_t, output, _ = batch()
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    ddim_step(SCHEDULE, x_t, *steps(x_t, 500, 400), output, generator=generator)
    assert torch.equal(generator.get_state(), before)
    drawn = [
        ddim_step(
            SCHEDULE,
            x_t,
            *steps(x_t, 500, 400),
            output,
            eta=0.5,
            generator=torch.Generator().manual_seed(seed),
        )
        for seed in (0, 0, 1)
    ]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_network_under_autocast_and_float32_states():
    x_t, output, noise = batch(dtype=torch.float32)
    got = ddim_step(SCHEDULE, x_t, *steps(x_t, 500, 400), output.bfloat16(), eta=0.5, noise=noise)
    assert got.dtype == torch.float32 and got.isfinite().all()


# --- Properties ----------------------------------------------------------------------------------

times_down = (
    st.tuples(st.integers(1, 1000), st.integers(0, 999))
    .map(lambda pair: (max(pair), min(pair)))
    .filter(lambda pair: pair[0] > pair[1])
)
unit = st.floats(0, 1)


@few
@given(times_down, unit, st.integers(0, 99))
def test_epsilon_sample_and_v_say_the_same(pair, eta, seed):
    x0, noise, fresh = batch(seed=seed)
    now, target = steps(x0, *pair)
    x_t = q_sample(SCHEDULE, x0, now, noise=noise)
    got = [
        ddim_step(
            SCHEDULE,
            x_t,
            now,
            target,
            training_target(SCHEDULE, x0, now, noise, kind),
            prediction_type=kind,
            eta=eta,
            noise=fresh,
        )
        for kind in PREDICTION_TYPES
    ]
    for other in got[1:]:
        torch.testing.assert_close(other, got[0], rtol=1e-8, atol=1e-8)


@few
@given(times_down, unit, st.floats(-3, 3), st.sampled_from(PREDICTION_TYPES))
def test_step_is_linear_in_state_output_and_noise(pair, eta, c, kind):
    def run(x, output, noise):
        return ddim_step(
            SCHEDULE, x, *steps(x, *pair), output, prediction_type=kind, eta=eta, noise=noise
        )

    a, b = batch(seed=1), batch(seed=2)
    combined = run(*(c * a + b))
    scale = float(combined.abs().max()) + 1
    torch.testing.assert_close(combined, c * run(*a) + run(*b), rtol=0, atol=1e-11 * scale)


@few
@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3, unique=True).map(sorted))
def test_two_deterministic_steps_with_one_noise_are_one(times):
    last, middle, first = times
    if last == middle or first == 0 or middle == 0:
        return
    x_t, ε, _ = batch()
    way = ddim_step(SCHEDULE, x_t, *steps(x_t, first, middle), ε)
    torch.testing.assert_close(
        ddim_step(SCHEDULE, way, *steps(x_t, middle, last), ε),
        ddim_step(SCHEDULE, x_t, *steps(x_t, first, last), ε),
        rtol=1e-9,
        atol=1e-9,
    )


@few
@given(times_down, unit, st.sampled_from(PREDICTION_TYPES), st.booleans())
def test_float32_agrees_with_float64(pair, eta, kind, clip_sample):
    x0, noise, fresh = batch()
    now, target = steps(x0, *pair)
    x_t = q_sample(SCHEDULE, x0, now, noise=noise)
    output = training_target(SCHEDULE, x0, now, noise, kind)
    wide, narrow = (
        ddim_step(
            SCHEDULE,
            x_t.to(dtype),
            now,
            target,
            output.to(dtype),
            noise=fresh.to(dtype),
            prediction_type=kind,
            eta=eta,
            clip_sample=clip_sample,
        )
        for dtype in (torch.float64, torch.float32)
    )
    gain = float((1 / SCHEDULE.alphas_cumprod[pair[0]]).sqrt())
    torch.testing.assert_close(narrow.double(), wide, rtol=0, atol=2e-5 * gain)


@few
@given(st.permutations(range(5)), unit)
def test_batch_may_be_permuted_and_may_mix_times(order, eta):
    x_t, output, noise = batch()
    t, s = torch.tensor([1000, 700, 30, 2, 1]), torch.tensor([999, 0, 7, 1, 0])
    whole = ddim_step(SCHEDULE, x_t, t, s, output, eta=eta, noise=noise)
    mixed = ddim_step(
        SCHEDULE, x_t[order], t[order], s[order], output[order], eta=eta, noise=noise[order]
    )
    assert torch.equal(mixed, whole[order])
    for i in range(5):
        one = slice(i, i + 1)
        alone = ddim_step(
            SCHEDULE, x_t[one], t[one], s[one], output[one], eta=eta, noise=noise[one]
        )
        assert torch.equal(alone, whole[one])


# --- The walk ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1.0, 0.25, 0.01])
@each_variance
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "kind, S", [("trailing", 1), ("leading", 7), ("quadratic", 20), ("linspace", 50)]
)
def test_law_of_the_samples_on_gaussian_data(kappa, variance_type, eta, kind, S):
    """The walk is affine in its noises: unit vectors probe it, a recursion says its law."""
    mean0 = 0.7
    world = GaussianMixture.from_covariances([1.0], [[mean0]], [[[kappa]]])
    model = exact_denoiser(world, SCHEDULE).model
    times = _timesteps(kind, 1000, S)
    probes = torch.cat([torch.zeros(1, S + 1), torch.eye(S + 1)]).double()
    x = probes[:, :1]
    for i, (t, s) in enumerate(zip(times, times[1:]), 1):
        now, target = steps(x, t, s)
        x = ddim_step(
            SCHEDULE,
            x,
            now,
            target,
            model(x, now),
            eta=eta,
            variance_type=variance_type,
            noise=probes[:, i : i + 1],
        )
    mean, variance = 0.0, 1.0
    for t, s in zip(times, times[1:]):
        a_t, a_s = float(SCHEDULE.alphas_cumprod[t]), float(SCHEDULE.alphas_cumprod[s])
        spread = a_t * kappa + 1 - a_t
        small = (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
        old = math.sqrt(max(1 - a_s - eta**2 * small, 0))
        factor = (math.sqrt(a_s * a_t) * kappa + old * math.sqrt(1 - a_t)) / spread
        added = eta**2 * (small if variance_type == "fixed_small" else 1 - a_t / a_s) * (s > 0)
        mean = math.sqrt(a_s) * mean0 + factor * (mean - math.sqrt(a_t) * mean0)
        variance = factor**2 * variance + added
    assert abs(x[0, 0] - mean) < 1e-10
    assert abs(((x[1:, 0] - x[0, 0]) ** 2).sum() - variance) < 1e-10


def through(log_signal):
    """A chain whose alphas_cumprod has these logarithms at t = 1, ..., S."""
    return NoiseSchedule.from_betas(-torch.expm1(torch.cat([torch.zeros(1), log_signal]).diff()))


def quadratic_time(S):
    """Variance-preserving, beta from 0.1 to 20 on a line; down to t = 0."""
    u = (torch.arange(1, S + 1, dtype=torch.float64) / S) ** 2
    return through(-(0.1 * u + 19.9 * u**2 / 2)), 0


def uniform_log_snr(S):
    """From a log SNR of -10 to one of 8, where the walk ends."""
    return through(
        torch.nn.functional.logsigmoid(torch.linspace(8, -10, S + 1, dtype=torch.float64))
    ), 1


@pytest.mark.parametrize("grid", [quadratic_time, uniform_log_snr])
@pytest.mark.parametrize("mean, kappa", [(0.0, 0.01), (0.5, 0.09), (-2.0, 4.0)])
@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
def test_the_deterministic_walk_is_of_first_order(grid, mean, kappa, prediction_type):
    """On Gaussian data the exact curve keeps its place in the law: (x - mean) / spread."""
    world = GaussianMixture.from_covariances([1.0], [[mean]], [[[kappa]]])

    def on_the_curve(chain, t, place=torch.tensor([[-1.0], [1.5]], dtype=torch.float64)):
        signal, noise = chain.alphas_cumprod[t], chain.one_minus_alphas_cumprod[t]
        return signal.sqrt() * mean + (signal * kappa + noise).sqrt() * place

    errors = []
    for S in (64, 128, 256, 512):
        chain, end = grid(S)
        T = chain.num_train_timesteps
        exact = exact_denoiser(world, chain, prediction_type)
        walk = dict(Sampler(T).walk(exact, (2, 1), x_T=on_the_curve(chain, T)))
        errors.append(float((walk[end] - on_the_curve(chain, end)).norm()))
    assert all(abs(math.log2(a / b) - 1) < 0.1 for a, b in zip(errors, errors[1:]))


@few
@given(times_down, st.floats(0.001, 10))
def test_every_deterministic_step_is_too_narrow_by_the_square_of_its_stride(pair, kappa):
    t, s = pair
    a_t, a_s = (float(SCHEDULE.alphas_cumprod[time]) for time in (t, s))
    wide = a_t * kappa + 1 - a_t
    world = GaussianMixture.from_covariances([1.0], [[0.0]], [[[kappa]]])
    model = exact_denoiser(world, SCHEDULE).model
    x = torch.tensor([[math.sqrt(wide)]], dtype=torch.float64)
    landed = ddim_step(SCHEDULE, x, *steps(x, t, s), model(x, torch.tensor([t])))
    r_t, r_s = (math.sqrt((1 - a) / a) for a in (a_t, a_s))
    missing = a_s * kappa + 1 - a_s - float(landed) ** 2
    assert missing == pytest.approx(a_s * a_t * kappa * (r_t - r_s) ** 2 / wide, abs=1e-9)


def test_samples_follow_the_data():
    exact = exact_denoiser(PIXEL, SCHEDULE)
    for eta in (0.0, 1.0):
        generator = torch.Generator().manual_seed(0)
        x = Sampler(100, "quadratic", eta).sample(exact, (4000, 1), generator=generator)
        assert abs(float((x < -0.3).double().mean()) - 0.3) < 0.03
        assert abs(float(x.mean()) - 0.12) < 0.05


@each_kind
@pytest.mark.parametrize("T", [1, 2])
@pytest.mark.parametrize("eta", ETAS)
def test_shortest_schedules(kind, T, eta):
    denoiser = Denoiser(short_schedule(T), lambda x, t: 0.5 * x)
    for S in range(1, T + 1):
        walk = list(Sampler(S, kind, eta).walk(denoiser, (2, 3)))
        assert [t for t, _ in walk] == _timesteps(kind, T, S)
        assert all(x.isfinite().all() for _, x in walk)


def test_one_step_is_the_predicted_image():
    x = torch.randn(3, 2)
    denoiser = Denoiser(SCHEDULE, lambda x, t: 0.9 * x)
    got = Sampler(1, eta=1.0).sample(denoiser, (3, 2), x_T=x)
    torch.testing.assert_close(got, denoiser.x0(x, torch.full((3,), 1000)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["sample", "v_prediction"])
@pytest.mark.parametrize("eta", ETAS)
@each_variance
def test_zero_terminal_snr_works_without_epsilon(kind, eta, variance_type):
    exact = exact_denoiser(PIXEL, ZERO_END, kind)
    sampler = Sampler(20, eta=eta, variance_type=variance_type)
    x = sampler.sample(exact, (8, 1), generator=torch.Generator().manual_seed(0))
    assert x.isfinite().all() and x.abs().max() < 3
    found = Sampler(20).invert(exact, x)
    assert found.isfinite().all()


def test_zero_terminal_snr_refuses_epsilon():
    x_t, output, _ = batch()
    with refused(BadValue, where="ddim_step", got="zero terminal SNR"):
        ddim_step(ZERO_END, x_t, *steps(x_t, 1000, 900), output)


# --- Seeds ---------------------------------------------------------------------------------------


@few
@given(st.permutations(range(6)), st.integers(1, 5), st.sampled_from([0.0, 0.7, 1.0]))
def test_a_sample_does_not_depend_on_its_batch(order, cut, eta):
    """Of a network that computes each sample by itself, to the last bit."""

    def run(seeds):
        denoiser = Denoiser(SCHEDULE, lambda x, t: 0.3 * x)
        return Sampler(5, eta=eta).sample(denoiser, (len(seeds), 2, 3), seeds=seeds)

    seeds = [11, 12, 13, 14, 15, 2**64 - 1]
    whole, mixed = run(seeds), [seeds[i] for i in order]
    assert torch.equal(torch.cat([run(mixed[:cut]), run(mixed[cut:])]), whole[list(order)])


def test_noise_of_the_steps_never_repeats_that_of_the_start():
    """A start made from the same seeds is not added to itself."""

    def walk(start):
        steps = Sampler(2, eta=1.0).walk(ZERO, (2, 4), seeds=[1, 2], x_T=start)
        return [x for _, x in steps]

    drawn, given_start = walk(None), walk(torch.zeros(2, 4))
    assert torch.equal(given_start[0], torch.zeros(2, 4))
    pair = torch.tensor([1000]), torch.tensor([500])
    of_new = float(_factors(SCHEDULE, *pair, 1.0, "fixed_small")[2])
    assert not torch.allclose(given_start[1], of_new * drawn[0], atol=0.1)


def test_a_deterministic_walk_draws_its_start_only():
    generator, other = (torch.Generator().manual_seed(0) for _ in range(2))
    Sampler(2).sample(ZERO, (2, 3), generator=generator)
    torch.randn(2, 3, generator=other)
    assert torch.equal(torch.randn(4, generator=generator), torch.randn(4, generator=other))


def test_a_step_refuses_what_is_no_generator():
    x_t, output, _ = batch()
    with refused(BadType, where="ddim_step", what="generator"):
        ddim_step(SCHEDULE, x_t, *steps(x_t, 500, 400), output, eta=1.0, generator=7)


def test_sample_is_the_last_state_and_keeps_no_graph():
    weight = torch.ones(1, requires_grad=True)
    denoiser, sampler = Denoiser(SCHEDULE, lambda x, t: weight * x), Sampler(4, "linspace", 0.5)
    walk = list(sampler.walk(denoiser, (2, 3), seeds=[4, 5]))
    got = sampler.sample(denoiser, (2, 3), seeds=[4, 5])
    assert torch.equal(walk[-1][1], got) and not got.requires_grad


def test_ddpm_loop_and_sampler_draw_the_same_numbers():
    denoiser = Denoiser(short_schedule(20), lambda x, t: 0.1 * x)
    one, other = (torch.Generator().manual_seed(0) for _ in range(2))
    got = [
        p_sample_loop(denoiser, (3, 2), generator=one),
        Sampler(20, "leading", eta=1.0).sample(denoiser, (3, 2), generator=other),
    ]
    torch.testing.assert_close(*got, rtol=1e-4, atol=1e-4)


# --- Inversion and interpolation -----------------------------------------------------------------


def test_inversion_error_falls_with_the_number_of_steps():
    exact = exact_denoiser(PIXEL, SCHEDULE)
    data = PIXEL.sample(200, torch.Generator().manual_seed(0))
    errors = []
    for S in (10, 20, 50, 100, 200, 500, 1000):
        found = Sampler(S).invert(exact, data)
        back = Sampler(S).sample(exact, data.shape, x_T=found)
        errors.append(float((back - data).abs().mean()))
    assert all(a > b for a, b in zip(errors, errors[1:]))
    assert errors[-1] < 0.01


@each_prediction
def test_inversion_first_uses_the_prediction_at_the_first_time(prediction_type):
    asked = []

    def model(x, t):
        asked.append((int(t[0]), x))
        return 0.5 * x

    x0 = batch()[0]
    got = Sampler(3).invert(Denoiser(SCHEDULE, model, prediction_type), x0)
    assert [t for t, _ in asked] == [333, 333, 667] and torch.equal(asked[0][1], x0)
    first = torch.full((5,), 333)
    ε = predict_epsilon(SCHEDULE, x0, first, 0.5 * x0, prediction_type)
    assert torch.equal(asked[1][1], q_sample(SCHEDULE, x0, first, noise=ε))
    assert got.shape == x0.shape


def test_inversion_with_a_prediction_that_never_changes_is_exact():
    x0, ε, _ = batch()
    times = _timesteps("quadratic", 1000, 9)
    found = Sampler(9, "quadratic").invert(Denoiser(SCHEDULE, lambda x, t: ε), x0)
    torch.testing.assert_close(found, q_sample(SCHEDULE, x0, torch.full((5,), 1000), noise=ε))
    x = found
    for t, s in zip(times, times[1:]):
        x = ddim_step(SCHEDULE, x, *steps(x, t, s), ε)
    torch.testing.assert_close(x, x0, rtol=1e-9, atol=1e-9)


@few
@given(unit, st.integers(0, 20))
def test_slerp_walks_on_the_sphere(weight, seed):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 3, 2, 5, dtype=torch.float64, generator=generator)
    a, b = (x / x.flatten(1).norm(dim=1).view(-1, 1, 1) for x in (a, b))
    middle = slerp(a, b, weight)
    torch.testing.assert_close(middle.flatten(1).norm(dim=1), torch.ones(3).double())
    angle, walked = ((a * x).sum((1, 2)).clamp(-1, 1).acos() for x in (b, middle))
    torch.testing.assert_close(walked, weight * angle, atol=1e-6, rtol=0)
    torch.testing.assert_close(slerp(b, a, 1 - weight), middle)


def test_slerp_at_its_ends_and_between_parallels():
    a, b = torch.randn(2, 4, 3, 8, 8)
    torch.testing.assert_close(slerp(a, b, 0), a)
    torch.testing.assert_close(slerp(a, b, 1), b)
    torch.testing.assert_close(slerp(a, 3 * a, 0.5), 2 * a)
    assert slerp(a, b, 0.3).dtype == torch.float32


# --- Bad inputs, beside those of nbs/bad_inputs.py -----------------------------------------------

X, T, NOISE = torch.zeros(2, 1, 4, 4), torch.tensor([1000, 500]), torch.zeros(2, 1, 4, 4)
S = torch.tensor([900, 400])


SEES = Denoiser(SCHEDULE, lambda x, t: x)


def step(**changed):
    """A step that would do, but for what is changed."""
    parts = dict(x_t=X, t=T, s=S, output=X, eta=0.5, noise=NOISE) | changed
    return ddim_step(SCHEDULE, **parts)


def walk(shape=(2, 1), **options):
    return Sampler(2).sample(SEES, shape, **options)


BAD = {
    "T = 0": (lambda: Sampler(1).timesteps(0), BadValue, dict(expected="1 to 1000000")),
    "eta nan": (lambda: step(eta=math.nan), BadValue, dict(expected="[0, 1]")),
    "eta a word": (lambda: step(eta="1"), BadType, dict(fix="a number")),
    "misspelt variance": (
        lambda: step(variance_type="fixed_smal"),
        BadValue,
        dict(fix="write 'fixed_small'"),
    ),
    "misspelt prediction": (
        lambda: step(prediction_type="eps"),
        BadValue,
        dict(expected="epsilon"),
    ),
    "t = 0": (lambda: step(t=torch.tensor([0, 500])), BadValue, dict(expected="1..1000")),
    "t above T": (lambda: step(t=torch.tensor([1001, 500])), BadValue, dict(expected="1..1000")),
    "s negative": (
        lambda: step(s=torch.tensor([900, -1])),
        BadValue,
        dict(where="ddim_step, as target s"),
    ),
    "s above T": (
        lambda: step(s=torch.tensor([900, 1001]), eta=0),
        BadValue,
        dict(where="ddim_step, as target s"),
    ),
    "s a float": (
        lambda: step(s=torch.tensor([900.0, 400.0])),
        BadType,
        dict(where="ddim_step, as target s"),
    ),
    "s a number": (lambda: step(s=900), BadType, dict(where="ddim_step, as target s")),
    "s for one of two": (
        lambda: step(s=torch.tensor([900])),
        BadValue,
        dict(where="ddim_step, as target s"),
    ),
    "s equal to t with noise": (lambda: step(s=T), BadValue, dict(expected="s < t")),
    "noise that broadcasts": (
        lambda: step(noise=NOISE[:1]),
        BadValue,
        dict(fix="nothing is broadcast"),
    ),
    "output that broadcasts": (
        lambda: step(output=X[:1]),
        BadValue,
        dict(fix="nothing is broadcast"),
    ),
    "2C channels": (lambda: step(output=torch.zeros(2, 2, 4, 4)), BadValue, dict(fix="2C")),
    "one seed for all": (lambda: walk(seeds=5), BadValue, dict(expected="one seed for each of 2")),
    "a half step": (lambda: Sampler(12.5), BadType, dict(fix="whole number")),
    "no step": (lambda: Sampler(0), BadValue, dict(expected="1 or more")),
    "more steps than times": (
        lambda: Sampler(1001).sample(SEES, (2, 1)),
        BadValue,
        dict(expected="1 to 1000"),
    ),
    "a word for yes or no": (
        lambda: Sampler(clip_sample="no"),
        BadType,
        dict(expected="True or False"),
    ),
    "a word for yes or no, in a step": (
        lambda: step(clip_sample="no"),
        BadType,
        dict(expected="True or False"),
    ),
    "a network for a denoiser": (
        lambda: Sampler().sample(lambda x, t: x, (2, 1)),
        BadType,
        dict(expected="a Denoiser"),
    ),
    "empty batch": (lambda: walk(shape=(0, 1)), BadValue, dict(what="shape")),
    "too few seeds": (lambda: walk(seeds=[1]), BadValue, dict(expected="one seed for each of 2")),
    "seed -1": (lambda: walk(seeds=[1, -1]), BadValue, dict(what="seed")),
    "half a seed": (lambda: walk(seeds=[1, 1.5]), BadType, dict(what="seed")),
    "seeds and a generator": (
        lambda: walk(seeds=[1, 2], generator=torch.Generator()),
        BadValue,
        dict(fix="not both"),
    ),
    "start of another shape": (lambda: walk(x_T=torch.zeros(2, 2)), BadValue, dict(what="x_T")),
    "inversion of whole numbers": (
        lambda: Sampler().invert(SEES, X.long()),
        BadType,
        dict(got="int64"),
    ),
    "inversion with new noise": (
        lambda: Sampler(eta=1).invert(SEES, X),
        BadValue,
        dict(expected="eta = 0"),
    ),
    "inversion of what was clipped": (
        lambda: Sampler(clip_sample=True).invert(SEES, X),
        BadValue,
        dict(expected="clip_sample = False"),
    ),
    "weight above 1": (lambda: slerp(X + 1, X + 1, 1.1), BadValue, dict(what="weight")),
    "interpolation of two shapes": (
        lambda: slerp(X, X[:1], 0.5),
        BadValue,
        dict(fix="nothing is broadcast"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_met_with_a_clear_error(name):
    call, kind, fields = BAD[name]
    with refused(kind, **fields):
        call()


def test_a_walk_of_one_step_is_inverted():
    """Both of its steps stand still: at T, which is the only time that it has."""
    x0 = torch.linspace(-1, 1, 6).view(3, 2)
    for spacing in SPACINGS:
        sampler = Sampler(1, spacing)
        found = sampler.invert(Denoiser(SCHEDULE, lambda x, t: x / 2), x0)
        t = torch.full((3,), sampler.timesteps(1000)[0])
        torch.testing.assert_close(found, q_sample(SCHEDULE, x0, t, x0 / 2))


@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_noise_that_is_given_fits_even_where_none_is_added(eta):
    x = torch.zeros(2, 3)
    t, s = torch.tensor([5, 5]), torch.tensor([4, 4])
    with refused(BadValue, where="ddim_step", what="noise"):
        ddim_step(SCHEDULE, x, t, s, x, eta=eta, noise=torch.zeros(2, 4))
    assert torch.equal(ddim_step(SCHEDULE, x, t, s, x, noise=torch.ones(2, 3)), x)
