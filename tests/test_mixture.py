"""Chapter 06: each closed form against brute force, in one dimension and in many."""

import math

import mpmath
import pytest
import torch
from refusals import refused

from ddpm_course.checks import BadType, BadValue
from ddpm_course.forward import q_sample
from ddpm_course.mixture import (
    GaussianMixture,
    conditional_mean,
    conditional_variance,
    exact_denoiser,
    log_prob,
    responsibilities,
    score,
)
from ddpm_course.objective import bound_weights, normal_kl
from ddpm_course.posterior import (
    posterior_mean_coef1,
    posterior_mean_coef2,
    posterior_variance,
)
from ddpm_course.prediction import (
    PREDICTION_TYPES,
    Denoiser,
    p_sample_loop,
    predict_epsilon,
    predict_x0,
    training_loss,
    training_target,
)
from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    linear_schedule,
    rescale_zero_terminal_snr,
)

SCHEDULE = linear_schedule(1000)
ZERO_SNR = rescale_zero_terminal_snr(SCHEDULE)
STEPS = (1, 2, 100, 500, 1000)
F64 = torch.float64


def world(D, K=3, rank=None, seed=0):
    """A random mixture whose covariances have the given rank, all directions unless stated."""
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randn(K, D, rank or D, dtype=F64, generator=generator) / D**0.5
    weights = torch.rand(K, dtype=F64, generator=generator) + 0.2
    means = torch.randn(K, D, dtype=F64, generator=generator)
    return GaussianMixture.from_covariances(weights / weights.sum(), means, factors @ factors.mT)


def covariances(mixture):
    return mixture.axes * mixture.variances[:, None] @ mixture.axes.mT


def seen(mixture, steps=STEPS, seed=1, per_step=4):
    """Noisy images of the mixture, with their t."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.tensor(steps).repeat_interleave(per_step)
    return q_sample(SCHEDULE, mixture.sample(len(t), generator), t, generator=generator), t


def factors_at(step, schedule=SCHEDULE):
    """Factors of the image and of the noise in x_t."""
    return (
        float(schedule.alphas_cumprod[step].sqrt()),
        float(schedule.one_minus_alphas_cumprod[step].sqrt()),
    )


def close(got, expected, **options):
    torch.testing.assert_close(
        got, torch.as_tensor(expected, dtype=got.dtype), **{"rtol": 1e-9, "atol": 1e-9, **options}
    )


# --- Against linear algebra ----------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 3, 5])
@pytest.mark.parametrize("step", STEPS)
def test_the_axes_give_what_the_matrices_give(rank, step):
    mixture = world(5, rank=rank)
    x_t, t = seen(mixture, (step,))
    signal, noise = factors_at(step)
    log_joint, means, variances = [], [], []
    for weight, m, S in zip(mixture.weights, mixture.means, covariances(mixture)):
        C = signal**2 * S + noise**2 * torch.eye(5, dtype=F64)
        law = torch.distributions.MultivariateNormal(signal * m, C)
        log_joint.append(weight.log() + law.log_prob(x_t))
        gain = signal * S @ torch.linalg.inv(C)
        means.append(m + (x_t - signal * m) @ gain.T)
        variances.append((S - signal * gain @ S).diagonal())
    log_joint, means = torch.stack(log_joint, 1), torch.stack(means, 1)
    close(log_prob(mixture, SCHEDULE, x_t, t), log_joint.logsumexp(1), rtol=1e-8)
    share = log_joint.softmax(1)
    close(responsibilities(mixture, SCHEDULE, x_t, t), share, atol=1e-8)
    mean = torch.einsum("bk,bkd->bd", share, means)
    close(conditional_mean(mixture, SCHEDULE, x_t, t, "sample"), mean, atol=1e-8)
    second = torch.einsum("bk,bkd->bd", share, torch.stack(variances) + means**2)
    close(conditional_variance(mixture, SCHEDULE, x_t, t, "sample"), second - mean**2, atol=1e-8)


# --- Against integrals to 25 digits -------------------------------------------------------------

PIXEL = GaussianMixture.from_covariances([0.3, 0.7], [[-1.0], [0.6]], [[[0.01]], [[0.09]]])


def moments_by_integration(step, x):
    """Density of x_t, mean and variance of x_0 given x_t, by integrals over x_0."""
    mp = mpmath.mpf
    signal2, noise2 = mp(SCHEDULE.alphas_cumprod[step].item()), mp(0)
    for beta in SCHEDULE.betas[1 : step + 1].tolist():
        noise2 = mp(beta) + (1 - mp(beta)) * noise2
    signal = mpmath.sqrt(signal2)
    parts = [
        (mp(w.item()), mp(m.item()), mp(v.item()))
        for w, m, v in zip(PIXEL.weights, PIXEL.means[:, 0], PIXEL.variances[:, 0])
    ]

    def joint(x0):
        data = sum(w * mpmath.npdf(x0, m, mpmath.sqrt(v)) for w, m, v in parts)
        return data * mpmath.npdf(mp(x), signal * x0, mpmath.sqrt(noise2))

    # The integrand is narrow: cut at the mode of each component given x, and around it.
    cuts = {mp(-6), mp(6)}
    for w, m, v in parts:
        at_t = signal2 * v + noise2
        spread, mode = v * noise2 / at_t, m + signal * v / at_t * (mp(x) - signal * m)
        cuts |= {mode + k * mpmath.sqrt(spread) for k in (-12, -5, -2, 0, 2, 5, 12)}
    cuts = sorted(c for c in cuts if -6 <= c <= 6)
    mass, first, second = (mpmath.quad(lambda x0: joint(x0) * x0**n, cuts) for n in (0, 1, 2))
    return mpmath.log(mass), first / mass, second / mass - (first / mass) ** 2


@pytest.mark.parametrize("step", [1, 100, 1000])
@pytest.mark.parametrize("x", [-1.1, -0.3, 0.7, 2.0])
def test_one_pixel_against_integrals(step, x):
    with mpmath.workdps(25):
        log_p, mean, variance = map(float, moments_by_integration(step, x))
    x_t, t = torch.tensor([[x]], dtype=F64), torch.tensor([step])
    close(log_prob(PIXEL, SCHEDULE, x_t, t), [log_p], rtol=1e-10)
    close(conditional_mean(PIXEL, SCHEDULE, x_t, t, "sample"), [[mean]], rtol=1e-10)
    close(conditional_variance(PIXEL, SCHEDULE, x_t, t, "sample"), [[variance]], rtol=1e-8, atol=0)


def test_many_points_stand_for_a_gaussian():
    """A narrow grid of points with Gaussian weights is the Gaussian, once there is some noise."""
    place = torch.linspace(-4, 4, 801, dtype=F64)
    weights = torch.exp(-((place - 0.4) ** 2) / (2 * 0.25))
    points = GaussianMixture.from_covariances(
        weights / weights.sum(), place[:, None], torch.zeros(801, 1, 1)
    )
    bell = GaussianMixture.from_covariances([1.0], [[0.4]], [[[0.25]]])
    x_t, t = seen(bell, (50, 300, 1000))
    close(log_prob(points, SCHEDULE, x_t, t), log_prob(bell, SCHEDULE, x_t, t))
    for kind in PREDICTION_TYPES:
        for exact in (conditional_mean, conditional_variance):
            close(exact(points, SCHEDULE, x_t, t, kind), exact(bell, SCHEDULE, x_t, t, kind))


def test_two_points_give_a_hyperbolic_tangent():
    coin = GaussianMixture.from_covariances([0.5, 0.5], [[-1.0], [1.0]], torch.zeros(2, 1, 1))
    x_t, t = seen(coin)
    signal = SCHEDULE.alphas_cumprod[t, None].sqrt()
    expected = torch.tanh(signal * x_t / SCHEDULE.one_minus_alphas_cumprod[t, None])
    close(conditional_mean(coin, SCHEDULE, x_t, t, "sample"), expected)
    close(conditional_variance(coin, SCHEDULE, x_t, t, "sample"), 1 - expected**2)


# --- Score, and how the quantities hang together -------------------------------------------------


@pytest.mark.parametrize("D", [1, 2, 64])
@pytest.mark.parametrize("rank", [1, None])
def test_score_is_the_gradient_and_minus_the_noise(D, rank):
    mixture = world(D, rank=rank)
    x_t, t = seen(mixture)
    x_t.requires_grad_()
    (gradient,) = torch.autograd.grad(log_prob(mixture, SCHEDULE, x_t, t).sum(), x_t)
    got = score(mixture, SCHEDULE, x_t, t)
    close(got, gradient, rtol=1e-8)
    noise = conditional_mean(mixture, SCHEDULE, x_t, t, "epsilon")
    close(-noise / SCHEDULE.one_minus_alphas_cumprod[t, None].sqrt(), got)


def test_score_against_finite_differences():
    mixture = world(2)
    x_t, t = seen(mixture, (100, 500, 1000))
    h = 1e-5
    for i in range(2):
        step = torch.zeros(2, dtype=F64)
        step[i] = h
        rise = log_prob(mixture, SCHEDULE, x_t + step, t) - log_prob(
            mixture, SCHEDULE, x_t - step, t
        )
        close(score(mixture, SCHEDULE, x_t, t)[:, i], rise / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("D", [1, 2, 64])
def test_variance_is_the_slope_of_the_mean(D):
    """The variance of x_0 is the diagonal of the Jacobian of its mean, times noise over signal."""
    mixture = world(D, rank=max(1, D // 2))
    for step in STEPS:
        x_t, t = seen(mixture, (step,), per_step=1)
        jacobian = torch.autograd.functional.jacobian(
            lambda x: conditional_mean(mixture, SCHEDULE, x[None], t, "sample")[0], x_t[0]
        )
        signal, noise = factors_at(step)
        close(
            conditional_variance(mixture, SCHEDULE, x_t, t, "sample")[0],
            jacobian.diagonal() * noise**2 / signal,
            rtol=1e-8,
        )


@pytest.mark.parametrize("D", [1, 2, 64])
def test_the_three_predictions_mean_the_same(D):
    mixture = world(D, rank=max(1, D // 2))
    x_t, t = seen(mixture)
    of = {kind: conditional_mean(mixture, SCHEDULE, x_t, t, kind) for kind in PREDICTION_TYPES}
    for kind, output in of.items():
        close(predict_x0(SCHEDULE, x_t, t, output, kind), of["sample"], atol=1e-8)
        close(predict_epsilon(SCHEDULE, x_t, t, output, kind), of["epsilon"], atol=1e-8)
    signal2, noise2 = SCHEDULE.alphas_cumprod[t, None], SCHEDULE.one_minus_alphas_cumprod[t, None]
    var = {kind: conditional_variance(mixture, SCHEDULE, x_t, t, kind) for kind in PREDICTION_TYPES}
    close(var["epsilon"], var["sample"] * signal2 / noise2)
    close(var["v_prediction"], var["sample"] / noise2)


# --- Singular covariances, and both ends of time -------------------------------------------------


def test_a_line_in_the_plane():
    direction = torch.tensor([0.6, 0.8], dtype=F64)
    centre = torch.tensor([0.3, -0.5], dtype=F64)
    line = GaussianMixture.from_covariances(
        [1.0], centre[None], 4 * torch.outer(direction, direction)[None]
    )
    assert line.variances[0, 0] == 0 and line.variances[0, 1] == pytest.approx(4)
    x_t, t = seen(line)
    best = conditional_mean(line, SCHEDULE, x_t, t, "sample")
    across = torch.tensor([-0.8, 0.6], dtype=F64)
    close((best - centre) @ across, torch.zeros(len(t)), atol=1e-12)
    along = GaussianMixture.from_covariances([1.0], (centre @ direction).view(1, 1), [[[4.0]]])
    close(
        (best @ direction)[:, None],
        conditional_mean(along, SCHEDULE, (x_t @ direction)[:, None], t, "sample"),
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_point_is_always_known(step):
    m = torch.tensor([[0.5, -1.0, 2.0]], dtype=F64)
    point = GaussianMixture.from_covariances([1.0], m, torch.zeros(1, 3, 3))
    x_t, t = seen(point, (step,))
    close(conditional_mean(point, SCHEDULE, x_t, t, "sample"), m.expand(4, 3), rtol=0, atol=0)
    assert (conditional_variance(point, SCHEDULE, x_t, t, "epsilon") == 0).all()
    signal, noise = factors_at(step)
    expected = torch.distributions.Normal(signal * m, noise).log_prob(x_t).sum(1)
    close(log_prob(point, SCHEDULE, x_t, t), expected, rtol=1e-12)


def test_noise_far_below_the_rounding_of_one_is_seen():
    """At t = 1 the noise variance is 1e-14; one minus alphas_cumprod has two digits left of it."""
    schedule = NoiseSchedule.from_betas([1e-14, 0.5])
    points = GaussianMixture.from_covariances([0.5, 0.5], [[0.0], [1.0]], torch.zeros(2, 1, 1))
    noise = torch.tensor([[-1.0], [0.5], [2.0]], dtype=F64)
    x_t, t = 1e-7 * noise, torch.ones(3, dtype=torch.long)
    close(conditional_mean(points, schedule, x_t, t, "epsilon"), noise, rtol=1e-12)
    close(score(points, schedule, x_t, t), -1e7 * noise, rtol=1e-12)


def test_rounding_makes_no_width():
    """Eigenvalues of a singular matrix that are only rounding count as zero, whatever its size."""
    a = torch.randn(20, 3, dtype=F64, generator=torch.Generator().manual_seed(0))
    for size in (1e-8, 1.0, 1e8):
        covariance = (size * a @ a.T)[None]
        mixture = GaussianMixture.from_covariances([1.0], torch.zeros(1, 20), covariance)
        assert (mixture.variances == 0).sum() == 17


def test_t_0_is_the_data_where_it_has_a_density():
    mixture = world(3)
    x = mixture.sample(6, torch.Generator().manual_seed(2))
    t = torch.zeros(6, dtype=torch.long)
    laws = [
        torch.distributions.MultivariateNormal(m, S).log_prob(x) + w.log()
        for w, m, S in zip(mixture.weights, mixture.means, covariances(mixture))
    ]
    close(log_prob(mixture, SCHEDULE, x, t), torch.stack(laws).logsumexp(0))
    close(conditional_mean(mixture, SCHEDULE, x, t, "sample"), x)
    for kind in ("epsilon", "v_prediction"):
        close(conditional_mean(mixture, SCHEDULE, x, t, kind), torch.zeros(6, 3), rtol=0, atol=0)
    expected = {"sample": 0.0, "epsilon": 1.0, "v_prediction": 1.0}
    for kind, variance in expected.items():  # without noise in x, the noise is anybody's guess
        close(
            conditional_variance(mixture, SCHEDULE, x, t, kind),
            torch.full((6, 3), variance),
            atol=1e-20,
        )


def test_t_0_continues_t_1():
    mixture = world(3)
    x = mixture.sample(6, torch.Generator().manual_seed(2))
    at_0, at_1 = (score(mixture, SCHEDULE, x, torch.full((6,), t)) for t in (0, 1))
    close(at_0, at_1, rtol=0.1, atol=0.1)


def test_t_T_without_signal_tells_nothing():
    mixture = world(4, rank=2)
    x, t = torch.randn(8, 4, dtype=F64), torch.full((8,), 1000)
    mean = mixture.weights @ mixture.means
    close(conditional_mean(mixture, ZERO_SNR, x, t, "sample"), mean.expand(8, 4))
    close(conditional_mean(mixture, ZERO_SNR, x, t, "v_prediction"), -mean.expand(8, 4))
    close(conditional_mean(mixture, ZERO_SNR, x, t, "epsilon"), x)
    close(score(mixture, ZERO_SNR, x, t), -x)
    spread = covariances(mixture).diagonal(dim1=1, dim2=2) + (mixture.means - mean) ** 2
    close(
        conditional_variance(mixture, ZERO_SNR, x, t, "sample"),
        (mixture.weights @ spread).expand(8, 4),
    )


# --- Symmetries, shapes and precision ------------------------------------------------------------

QUANTITIES = {
    "log_prob": log_prob,
    "score": score,
    **{
        f"mean of {kind}": lambda m, s, x, t, kind=kind: conditional_mean(m, s, x, t, kind)
        for kind in PREDICTION_TYPES
    },
    **{
        f"variance of {kind}": lambda m, s, x, t, kind=kind: conditional_variance(m, s, x, t, kind)
        for kind in PREDICTION_TYPES
    },
}
each_quantity = pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)


@each_quantity
def test_components_have_no_order(quantity):
    mixture, order = world(3, K=4), [2, 0, 3, 1]
    shuffled = GaussianMixture(*(table[order] for table in vars(mixture).values()))
    x_t, t = seen(mixture)
    close(quantity(shuffled, SCHEDULE, x_t, t), quantity(mixture, SCHEDULE, x_t, t))
    close(
        responsibilities(shuffled, SCHEDULE, x_t, t),
        responsibilities(mixture, SCHEDULE, x_t, t)[:, order],
    )


@each_quantity
def test_a_component_may_be_cut_in_two(quantity):
    whole = world(3, K=2)
    weights, *rest = vars(whole).values()
    halves = GaussianMixture(
        weights[[0, 1, 1]] * torch.tensor([1, 0.3, 0.7]), *(table[[0, 1, 1]] for table in rest)
    )
    x_t, t = seen(whole)
    close(quantity(halves, SCHEDULE, x_t, t), quantity(whole, SCHEDULE, x_t, t))


@each_quantity
def test_an_example_does_not_depend_on_its_batch(quantity):
    mixture = world(8)
    x_t, t = seen(mixture)
    whole = quantity(mixture, SCHEDULE, x_t, t)
    close(torch.cat([quantity(mixture, SCHEDULE, x[None], s[None]) for x, s in zip(x_t, t)]), whole)
    order = torch.randperm(len(t), generator=torch.Generator().manual_seed(0))
    close(quantity(mixture, SCHEDULE, x_t[order], t[order]), whole[order])


@each_quantity
def test_float32_is_float64_rounded(quantity):
    mixture = world(64, rank=20)
    x_t, t = seen(mixture)
    x_t = x_t.float()
    got = quantity(mixture, SCHEDULE, x_t, t)
    assert got.dtype == torch.float32
    assert torch.equal(got, quantity(mixture, SCHEDULE, x_t.double(), t).float())


def test_shares_have_the_precision_of_the_images():
    x_t, t = seen(world(3))
    for dtype in (torch.float32, torch.float64):
        assert responsibilities(world(3), SCHEDULE, x_t.to(dtype), t).dtype == dtype


@each_quantity
def test_images_keep_their_shape(quantity):
    mixture = world(12)
    x_t, t = seen(mixture)
    flat = quantity(mixture, SCHEDULE, x_t, t)
    image = quantity(mixture, SCHEDULE, x_t.view(-1, 3, 2, 2), t)
    assert image.shape == ((len(t),) if flat.ndim == 1 else (len(t), 3, 2, 2))
    assert torch.equal(image.view_as(flat), flat)


@each_quantity
@pytest.mark.parametrize("far", [1e3, 1e8])
@pytest.mark.parametrize("step", [1, 1000])
def test_nothing_breaks_far_from_the_data(quantity, far, step):
    mixture = world(2, rank=1)
    x_t = far * torch.tensor([[1.0, 0.0], [-0.6, 0.8], [0.0, -1.0]])
    got = quantity(mixture, SCHEDULE, x_t, torch.full((3,), step))
    assert got.isfinite().all()


def test_far_away_the_nearest_component_in_its_own_units_wins():
    x_t, t = torch.tensor([[1e6], [-1e6]]), torch.tensor([1, 1])
    assert torch.equal(responsibilities(PIXEL, SCHEDULE, x_t, t), torch.tensor([[0.0, 1.0]] * 2))


def test_one_dimension_needs_no_second_axis():
    x_t, t = seen(PIXEL)
    assert torch.equal(score(PIXEL, SCHEDULE, x_t[:, 0], t), score(PIXEL, SCHEDULE, x_t, t)[:, 0])


# --- Samples, and the model in the place of a network --------------------------------------------


def test_samples_have_the_moments_of_the_mixture():
    mixture, n = world(3, rank=2), 200_000
    x = mixture.sample(n, torch.Generator().manual_seed(0))
    assert x.shape == (n, 3) and x.dtype == F64
    mean = mixture.weights @ mixture.means
    apart = mixture.means - mean
    covariance = (
        mixture.weights[:, None, None] * (covariances(mixture) + apart[:, :, None] * apart[:, None])
    ).sum(0)
    close(x.mean(0), mean, rtol=0, atol=4 * (covariance.diagonal().max() / n) ** 0.5)
    close(x.T.cov(), covariance, rtol=0, atol=0.02)


def test_samples_of_points_are_the_points():
    m = torch.tensor([[0.25, -1.0], [0.5, 2.0]], dtype=F64)
    points = GaussianMixture.from_covariances([0.2, 0.8], m, torch.zeros(2, 2, 2))
    x = points.sample(10_000, torch.Generator().manual_seed(0))
    first = (x == m[0]).all(1)
    assert (first | (x == m[1]).all(1)).all()
    assert abs(first.double().mean() - 0.2) < 4 * (0.2 * 0.8 / 10_000) ** 0.5


def test_samples_come_from_the_generator_alone():
    draws = [PIXEL.sample(5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("kind", PREDICTION_TYPES)
@pytest.mark.parametrize("step", [1, 100, 1000])
def test_the_loss_of_the_exact_denoiser_is_the_variance(kind, step):
    mixture, n = world(2), 40_000
    generator = torch.Generator().manual_seed(step)
    x0, t = mixture.sample(n, generator), torch.full((n,), step)
    noise = torch.randn(n, 2, dtype=F64, generator=generator)
    x_t = q_sample(SCHEDULE, x0, t, noise=noise)
    exact = exact_denoiser(mixture, SCHEDULE, kind)
    errors = (exact.model(x_t, t) - training_target(SCHEDULE, x0, t, noise, kind)) ** 2
    floor = conditional_variance(mixture, SCHEDULE, x_t, t, kind)
    loss = training_loss(exact, x0, t, noise)
    close(loss, errors.mean())
    assert abs(loss - floor.mean()) < 4 * (errors - floor).mean(1).std() / n**0.5
    off = Denoiser(SCHEDULE, lambda x, t: exact.model(x, t) + 0.1, kind)
    other = training_loss(off, x0, t, noise)
    assert other > loss


def sampler_law(mean, covariance, variance_type):
    """Mean and covariance of what DDPM's sampler draws for Gaussian data, by exact recursion."""
    identity = torch.eye(len(mean), dtype=F64)
    m, C = torch.zeros(len(mean), dtype=F64), identity
    for t in range(SCHEDULE.num_train_timesteps, 0, -1):
        signal, noise = factors_at(t)
        gain = signal * covariance @ torch.linalg.inv(signal**2 * covariance + noise**2 * identity)
        a, b = posterior_mean_coef1(SCHEDULE)[t], posterior_mean_coef2(SCHEDULE)[t]
        slope = a * gain + b * identity
        m = slope @ m + a * (mean - signal * gain @ mean)
        added = posterior_variance(SCHEDULE) if variance_type == "fixed_small" else SCHEDULE.betas
        C = slope @ C @ slope.T + (added[t] if t > 1 else 0) * identity
    return m, C


# --- The bound -----------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [1, 2, 10, 1000])
@pytest.mark.parametrize("kappa", [0.01, 0.09, 1.0, 4.0])
@pytest.mark.parametrize("spoilt", [1.0, 0.9])
def test_the_bound_is_the_entropy_and_the_price_of_every_step(T, kappa, spoilt):
    """On data N(0, kappa) both sides are sums of divergences of Gaussians, none by sampling."""
    chain = cosine_schedule(T)
    signal, noise, beta = chain.alphas_cumprod, chain.one_minus_alphas_cumprod, chain.betas
    wide = signal * kappa + noise
    known = kappa * noise / wide  # variance of x_0 given x_t
    estimate = signal.sqrt() * kappa / wide  # the best one, per x_t
    coef1, coef2 = posterior_mean_coef1(chain), posterior_mean_coef2(chain)
    error = known + ((1 - spoilt) * estimate) ** 2 * wide
    zero = torch.zeros(())
    bound = float(normal_kl(zero, noise[T], zero, 1.0) + signal[T] * kappa / 2)
    bound += float((bound_weights(chain, "fixed_large") * error)[1:].sum())
    bound += float(normal_kl(zero, posterior_variance(chain), zero, beta)[2:].sum())
    bound += float(torch.log(2 * math.pi * beta[1])) / 2
    prices = float(normal_kl(zero, wide[T], zero, 1.0))
    true_variance = posterior_variance(chain) + coef1**2 * known
    missed = (coef1 * (1 - spoilt) * estimate) ** 2 * wide
    prices += float((normal_kl(zero, true_variance, zero, beta) + missed / (2 * beta))[1:].sum())
    entropy = math.log(2 * math.pi * math.e * kappa) / 2
    assert bound == pytest.approx(entropy + prices, abs=1e-9)
    variance = 1.0
    for t in range(T, 0, -1):
        variance = float(coef1[t] * spoilt * estimate[t] + coef2[t]) ** 2 * variance + float(
            beta[t]
        )
    surprise = (math.log(2 * math.pi * variance) + kappa / variance) / 2
    assert entropy - 1e-12 <= surprise <= bound + 1e-12


@pytest.mark.parametrize(
    ("kind", "variance_type"),
    [
        ("epsilon", "fixed_small"),
        ("v_prediction", "fixed_large"),
    ],
)
def test_sampling_a_gaussian_gives_the_law_of_the_recursion(kind, variance_type):
    mean = torch.tensor([0.5, -0.3], dtype=F64)
    covariance = torch.tensor([[0.25, 0.1], [0.1, 0.04]], dtype=F64)  # singular: a line
    mixture = GaussianMixture.from_covariances([1.0], mean[None], covariance[None])
    x = p_sample_loop(
        exact_denoiser(mixture, SCHEDULE, kind),
        (4000, 2),
        variance_type=variance_type,
        generator=torch.Generator().manual_seed(0),
    ).double()
    m, C = sampler_law(mean, covariance, variance_type)
    close(m, mean, atol=0.01)
    error = (C.diagonal() / len(x)).sqrt()
    assert ((x.mean(0) - m).abs() < 4 * error).all()
    close(x.T.cov(), C, rtol=0, atol=4 * float(C.max()) * (2 / len(x)) ** 0.5)


def test_the_sampler_refuses_noise_where_there_is_no_signal():
    with refused(BadValue, what="prediction_type", got="zero terminal SNR"):
        p_sample_loop(exact_denoiser(PIXEL, ZERO_SNR), (2, 1))
    x = p_sample_loop(
        exact_denoiser(PIXEL, ZERO_SNR, "v_prediction"),
        (500, 1),
        generator=torch.Generator().manual_seed(0),
    )
    assert abs((x < -0.5).double().mean() - 0.3) < 0.1


# --- Bad inputs ----------------------------------------------------------------------------------

EYE, TWO = torch.eye(2)[None], (torch.zeros(2, 2), torch.eye(2).repeat(2, 1, 1))
PARTS = {
    "weights of sum 2": (([1.0, 1.0], *TWO), BadValue, dict(got="of sum 2")),
    "negative weight": (([1.5, -0.5], *TWO), BadValue, dict(got="-0.5")),
    "zero weight": (([1.0, 0.0], *TWO), BadValue, dict(fix="leave out")),
    "no axis for the weights": ((1.0, [[0.0, 0.0]], EYE), BadValue, dict(what="weights")),
    "one weight too many": (([0.5, 0.5], [[0.0, 0.0]], EYE), BadValue, dict(expected="shape [1]")),
    "mean without its axis": (([1.0], [0.0, 0.0], EYE), BadValue, dict(expected="[K, D]")),
    "no component": (
        ([], torch.zeros(0, 2), torch.zeros(0, 2, 2)),
        BadValue,
        dict(expected="[K, D]"),
    ),
    "variances instead": (
        ([1.0], [[0.0, 0.0]], [[1.0, 1.0]]),
        BadValue,
        dict(expected="shape [1, 2, 2]"),
    ),
    "one covariance for all": (
        ([0.5, 0.5], torch.zeros(2, 2), EYE),
        BadValue,
        dict(expected="shape [2, 2, 2]"),
    ),
    "skew covariance": (
        ([1.0], [[0.0, 0.0]], [[[1.0, 0.5], [0.0, 1.0]]]),
        BadValue,
        dict(expected="symmetric"),
    ),
    "negative direction": (
        ([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]]),
        BadValue,
        dict(expected="semidefinite"),
    ),
    "negative variance": (([1.0], [[0.0]], [[[-1.0]]]), BadValue, dict(what="covariances[0]")),
    "NaN": (([1.0], [[math.nan]], [[[1.0]]]), BadValue, dict(got="NaN or Inf")),
    "Inf": (([1.0], [[0.0]], [[[math.inf]]]), BadValue, dict(got="NaN or Inf")),
    "ragged rows": (
        ([0.5, 0.5], [[0.0], [0.0, 1.0]], EYE),
        BadType,
        dict(fix="rows of one length"),
    ),
    "text": (("half", [[0.0]], [[[1.0]]]), BadType, dict(got="'half'")),
}


@pytest.mark.parametrize(("parts", "error", "fields"), PARTS.values(), ids=PARTS)
def test_parts_that_are_no_mixture(parts, error, fields):
    with refused(error, **fields):
        GaussianMixture.from_covariances(*parts)


X, T = torch.zeros(3, 2), torch.tensor([1, 2, 3])
LINE = GaussianMixture.from_covariances([1.0], [[0.0, 0.0]], [[[1.0, 1.0], [1.0, 1.0]]])
CALLS = {
    "another dimension": (
        torch.zeros(3, 3),
        T,
        BadValue,
        dict(expected="2 numbers for each example"),
    ),
    "no batch axis": (torch.zeros(2), T, BadValue, dict(expected="2 numbers for each example")),
    "whole numbers": (X.long(), T, BadType, dict(got="int64")),
    "half precision": (X.half(), T, BadType, dict(got="float16")),
    "empty batch": (X[:0], T[:0], BadValue, dict(fix="empty")),
    "a list": ([[0.0, 0.0]], T, BadType, dict(fix="torch.as_tensor")),
    "without values": (X.to("meta"), T, BadType, dict(fix="holds values")),
    "float t": (X, T.float(), BadType, dict(fix="t.long()")),
    "int t": (X, 1, BadType, dict(fix="torch.full")),
    "one t for all": (X, T[:1], BadValue, dict(fix="t.expand(B)")),
    "t above T": (X, T + 999, BadValue, dict(got="values 1000..1002")),
    "negative t": (X, T - 2, BadValue, dict(got="values -1..1")),
    "t = 0 on a line": (X, T - 1, BadValue, dict(got="singular")),
}


@pytest.mark.parametrize(("x_t", "t", "error", "fields"), CALLS.values(), ids=CALLS)
@each_quantity
def test_what_does_not_fit_is_refused(quantity, x_t, t, error, fields):
    with refused(error, **fields):
        quantity(LINE, SCHEDULE, x_t, t)


@pytest.mark.parametrize(
    "call",
    [
        lambda: conditional_mean(LINE, SCHEDULE, X, T, "eps"),
        lambda: conditional_variance(LINE, SCHEDULE, X, T, "eps"),
        lambda: exact_denoiser(LINE, SCHEDULE, "eps"),
    ],
)
def test_an_unknown_prediction_type_is_refused_at_once(call):
    with refused(BadValue, what="prediction_type", got="'eps'"):
        call()


@pytest.mark.parametrize(
    ("num", "generator", "error"),
    [
        (0, None, BadValue),
        (2.5, None, BadType),
        (True, None, BadType),
        (3, 0, BadType),
    ],
)
def test_samples_that_cannot_be_drawn(num, generator, error):
    with pytest.raises(error):
        LINE.sample(num, generator)


def test_weights_that_were_rounded_are_made_to_sum_to_one():
    thirds = GaussianMixture.from_covariances(
        torch.full((3,), 0.3333333), torch.zeros(3, 1), torch.ones(3, 1, 1)
    )
    close(thirds.weights.sum(), 1.0, rtol=0, atol=1e-15)


def test_a_mixture_keeps_its_own_numbers():
    means = torch.zeros(1, 2, dtype=F64, requires_grad=True)
    mixture = GaussianMixture.from_covariances([1.0], means, EYE)
    with torch.no_grad():
        means += 1
    assert torch.equal(mixture.means, torch.zeros(1, 2, dtype=F64))
    assert not mixture.to("cpu").means.requires_grad
    with pytest.raises(AttributeError):
        mixture.means = means
