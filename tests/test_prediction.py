"""Conversions, targets, weights, and DDPM's step against the formulas of the chapter."""

import pytest
import torch
from refusals import refused

from ddpm_course.checks import BadType, BadValue
from ddpm_course.forward import q_sample
from ddpm_course.objective import (
    VARIANCE_TYPES,
    bound_weights,
    reverse_variance,
    variational_bound,
)
from ddpm_course.posterior import q_posterior_mean_variance
from ddpm_course.prediction import (
    PREDICTION_TYPES,
    WEIGHTINGS,
    Denoiser,
    loss_weights,
    p_sample,
    p_sample_loop,
    p_sample_steps,
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


def says(output, prediction_type="epsilon"):
    """A denoiser that always says the same."""
    return Denoiser(SCHEDULE, lambda x, t: output, prediction_type)


def batch(dtype=torch.float64, seed=0):
    """Images, steps at both ends and inside, and noise."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.tensor([1, 2, 500, 999, 1000])
    x0 = torch.rand(5, 1, 4, 4, dtype=dtype, generator=generator) * 2 - 1
    return x0, t, torch.randn(5, 1, 4, 4, dtype=dtype, generator=generator)


@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize("make_schedule", [linear_schedule, cosine_schedule])
def test_round_trips(prediction_type, make_schedule):
    schedule = make_schedule(1000)
    x0, t, noise = batch()
    x_t = q_sample(schedule, x0, t, noise=noise)
    target = training_target(schedule, x0, t, noise, prediction_type)
    got_x0 = predict_x0(schedule, x_t, t, target, prediction_type)
    got_noise = predict_epsilon(schedule, x_t, t, target, prediction_type)
    torch.testing.assert_close(got_x0, x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(got_noise, noise, rtol=1e-9, atol=1e-9)
    again = training_target(schedule, got_x0, t, got_noise, prediction_type)
    torch.testing.assert_close(again, target, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("prediction_type", ["sample", "v_prediction"])
def test_round_trips_with_zero_terminal_snr(prediction_type):
    schedule = rescale_zero_terminal_snr(SCHEDULE)
    x0, t, noise = batch()
    x_t = q_sample(schedule, x0, t, noise=noise)
    target = training_target(schedule, x0, t, noise, prediction_type)
    torch.testing.assert_close(
        predict_x0(schedule, x_t, t, target, prediction_type), x0, rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(
        predict_epsilon(schedule, x_t, t, target, prediction_type), noise, rtol=1e-9, atol=1e-9
    )


def test_the_v_target_at_the_end_without_signal_is_minus_x0():
    schedule = rescale_zero_terminal_snr(SCHEDULE)
    x0, _, noise = batch()
    t = torch.full((5,), 1000)
    assert torch.equal(training_target(schedule, x0, t, noise, "v_prediction"), -x0)


def test_zero_terminal_snr_refuses_epsilon():
    schedule = rescale_zero_terminal_snr(SCHEDULE)
    x0, t, noise = batch()
    calls = [
        lambda: predict_x0(schedule, x0, t, noise, "epsilon"),
        lambda: predict_epsilon(schedule, x0, t, noise, "epsilon"),
        lambda: training_target(schedule, x0, t, noise, "epsilon"),
        lambda: loss_weights(schedule, "epsilon", "simple"),
        lambda: Denoiser(schedule, lambda x, t: x),
        lambda: p_sample(schedule, x0, t, noise),
    ]
    for call in calls:
        with refused(BadValue, what="prediction_type", got="zero terminal SNR"):
            call()


def test_min_snr_weights_of_the_three_predictions():
    s = SCHEDULE
    snr = s.alphas_cumprod[1:] / s.one_minus_alphas_cumprod[1:]
    expected = {
        "sample": snr.clamp(max=5),
        "epsilon": (5 / snr).clamp(max=1),
        "v_prediction": snr.clamp(max=5) / (snr + 1),
    }
    for kind, weight in expected.items():
        got = loss_weights(s, kind, "min_snr")[1:]
        torch.testing.assert_close(got, weight, rtol=1e-12, atol=0)


@pytest.mark.parametrize("weighting", ["bound", "min_snr"])
def test_a_weighting_is_the_same_loss_whatever_is_predicted(weighting):
    x0, t, noise = batch()
    x_t = q_sample(SCHEDULE, x0, t, noise=noise)
    guess = 0.5 * x_t
    wrong_noise = predict_epsilon(SCHEDULE, x_t, t, guess, "sample")
    outputs = {
        kind: training_target(SCHEDULE, guess, t, wrong_noise, kind) for kind in PREDICTION_TYPES
    }
    losses = [
        float(training_loss(says(output, kind), x0, t, noise, weighting))
        for kind, output in outputs.items()
    ]
    assert losses == pytest.approx([losses[0]] * len(PREDICTION_TYPES), rel=1e-8)


@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_training_loss_is_finite_and_zero_at_the_target(prediction_type, weighting):
    x0, t, noise = batch(torch.float32)
    target = training_target(SCHEDULE, x0, t, noise, prediction_type)

    def loss(model):
        return training_loss(Denoiser(SCHEDULE, model, prediction_type), x0, t, noise, weighting)

    assert loss(lambda x, t: target) == 0
    wrong = loss(lambda x, t: target + 1)
    assert wrong.shape == () and wrong.dtype == torch.float32 and wrong.isfinite()
    weights = loss_weights(SCHEDULE, prediction_type, weighting)[t]
    assert float(wrong) == pytest.approx(float(weights.mean()), rel=1e-4)


def test_network_under_autocast_keeps_the_loss_in_float32():
    x0, t, noise = batch(torch.float32)
    loss = training_loss(Denoiser(SCHEDULE, lambda x, t: x.bfloat16()), x0, t, noise)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_what_a_network_says_is_turned_into_the_precision_of_the_images(prediction_type, dtype):
    x_t, t, output = batch(torch.float32)
    for convert in (predict_x0, predict_epsilon):
        found = convert(SCHEDULE, x_t, t, output.to(dtype), prediction_type)
        assert found.dtype == torch.float32


@pytest.mark.parametrize("shape", [(5, 2, 4, 4), (5, 1, 1, 1), (1, 1, 4, 4), (5, 4, 4)])
def test_outputs_and_noise_are_never_broadcast(shape):
    x0, t, noise = batch()
    wrong = torch.zeros(shape, dtype=x0.dtype)
    for call in (
        lambda: training_loss(says(wrong), x0, t, noise),
        lambda: training_loss(says(x0), x0, t, wrong),
        lambda: predict_x0(SCHEDULE, x0, t, wrong, "epsilon"),
        lambda: p_sample(SCHEDULE, x0, t, wrong),
        lambda: p_sample(SCHEDULE, x0, t, x0, noise=wrong),
    ):
        with refused(BadValue, got=f"shape {list(shape)}"):
            call()


@pytest.mark.parametrize("clip_sample", ["no", "", 0, None])
def test_a_word_for_yes_or_no_is_refused(clip_sample):
    x0, t, noise = batch()
    for call in (
        lambda: p_sample(SCHEDULE, x0, t, x0, noise=noise, clip_sample=clip_sample),
        lambda: next(p_sample_steps(says(x0), x0.shape, clip_sample=clip_sample)),
        lambda: p_sample_loop(says(x0), x0.shape, clip_sample=clip_sample),
    ):
        with refused(BadType, what="clip_sample", expected="True or False"):
            call()
    with refused(BadType, what="rescale", expected="True or False"):
        linear_schedule(40, rescale=clip_sample)


def test_a_name_is_asked_for_where_it_is_given():
    """By the function that was called, before it computes, and where it would not need the name."""
    x0, t, noise = batch()
    for where, what, call in (
        (
            "loss_weights",
            "variance_type",
            lambda no: loss_weights(SCHEDULE, "sample", "simple", no),
        ),
        ("p_sample", "variance_type", lambda no: p_sample(SCHEDULE, x0, t, x0, variance_type=no)),
        (
            "p_sample_steps",
            "variance_type",
            lambda no: next(p_sample_steps(says(x0), (2, 1), variance_type=no)),
        ),
        ("bound_weights", "variance_type", lambda no: bound_weights(SCHEDULE, no)),
        (
            "variational_bound",
            "variance_type",
            lambda no: variational_bound(SCHEDULE, x0.sign(), lambda x, t: x, 2, no),
        ),
        ("training_loss", "weighting", lambda no: training_loss(says(x0), x0, t, noise, no)),
    ):
        with refused(BadValue, where=where, what=what, got="'no'"):
            call("no")


def test_2c_channels_are_explained():
    x0, t, noise = batch()
    with refused(BadValue, fix="2C"):
        training_loss(says(torch.cat([x0, x0], 1)), x0, t, noise)


@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
def test_p_sample_is_the_posterior_mean_plus_noise(prediction_type, variance_type):
    x_t, t, output = batch()
    z = torch.randn_like(x_t)
    got = p_sample(
        SCHEDULE,
        x_t,
        t,
        output,
        prediction_type=prediction_type,
        variance_type=variance_type,
        noise=z,
    )
    x0 = predict_x0(SCHEDULE, x_t, t, output, prediction_type)
    mean, _ = q_posterior_mean_variance(SCHEDULE, x0, x_t, t)
    std = reverse_variance(SCHEDULE, variance_type).sqrt()[t].where(t > 1, 0)
    torch.testing.assert_close(got, mean + std.view(-1, 1, 1, 1) * z, rtol=1e-12, atol=1e-12)


def test_p_sample_mean_is_the_epsilon_form():
    x_t, t, output = batch()
    got = p_sample(SCHEDULE, x_t, t, output, noise=torch.zeros_like(x_t))
    beta, alpha, W = (
        table[t].view(-1, 1, 1, 1)
        for table in (SCHEDULE.betas, SCHEDULE.alphas, SCHEDULE.one_minus_alphas_cumprod)
    )
    expected = (x_t - beta / W.sqrt() * output) / alpha.sqrt()
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
def test_no_noise_at_the_last_step(variance_type):
    x_t, _, output = batch()
    t = torch.ones(5, dtype=torch.int64)
    loud, silent = (
        p_sample(SCHEDULE, x_t, t, output, variance_type=variance_type, noise=z)
        for z in (100 * torch.ones_like(x_t), torch.zeros_like(x_t))
    )
    assert torch.equal(loud, silent)
    torch.testing.assert_close(silent, predict_x0(SCHEDULE, x_t, t, output, "epsilon"))


def test_the_mean_uses_the_clipped_x0():
    x_t, t, output = batch()
    x_t = 3 * x_t
    silence = torch.zeros_like(x_t)
    got = p_sample(SCHEDULE, x_t, t, output, clip_sample=True, noise=silence)
    x0 = predict_x0(SCHEDULE, x_t, t, output, "epsilon").clamp(-1, 1)
    epsilon = predict_epsilon(SCHEDULE, x_t, t, x0, "sample")  # the noise that fits the clipped x0
    torch.testing.assert_close(
        got, p_sample(SCHEDULE, x_t, t, epsilon, noise=silence), rtol=1e-9, atol=1e-9
    )
    assert not torch.allclose(got, p_sample(SCHEDULE, x_t, t, output, noise=silence))


def one_dimensional_law(schedule, variance_type, mean, variance):
    """Mean and variance of the sampled x_0 when the data is N(mean, variance), by recursion.

    The exact noise prediction is affine in x_t, so a step is a x + b + σ z. The three
    coefficients are read off p_sample itself, at x = 0, x = 1 and z = 1.
    """

    def output(x, t):
        signal, noise = schedule.alphas_cumprod[t], schedule.one_minus_alphas_cumprod[t]
        return (noise.sqrt() * (x.T - signal.sqrt() * mean) / (signal * variance + noise)).T

    m, v = 0.0, 1.0
    for step in range(schedule.num_train_timesteps, 0, -1):
        t = torch.full((3,), step)
        x = torch.tensor([[0.0], [1.0], [0.0]], dtype=torch.float64)
        z = torch.tensor([[0.0], [0.0], [1.0]], dtype=torch.float64)
        y = p_sample(schedule, x, t, output(x, t), variance_type=variance_type, noise=z)[:, 0]
        b, a, sigma = float(y[0]), float(y[1] - y[0]), float(y[2] - y[0])
        m, v = a * m + b, a**2 * v + sigma**2
    return m, v


@pytest.mark.parametrize("variance_type", VARIANCE_TYPES)
def test_exact_noise_brings_the_law_of_the_data(variance_type):
    m, v = one_dimensional_law(SCHEDULE, variance_type, mean=0.7, variance=0.25)
    assert m == pytest.approx(0.7, abs=0.005)
    assert v == pytest.approx(0.25, rel=0.02)


def test_beta_is_exact_for_standard_normal_data():
    """Every state keeps variance 1 down to x_1; the last step only takes the conditional mean."""
    _, v = one_dimensional_law(SCHEDULE, "fixed_large", mean=0.0, variance=1.0)
    assert v == pytest.approx(float(SCHEDULE.alphas_cumprod[1]), rel=1e-12)


def test_the_posterior_variance_is_exact_for_one_point():
    m, v = one_dimensional_law(SCHEDULE, "fixed_small", mean=0.7, variance=0.0)
    assert m == pytest.approx(0.7, rel=1e-12) and v < 1e-25


def test_steps_run_from_T_to_0():
    schedule = cosine_schedule(7)
    asked = []

    def model(x, t):
        asked.append(t)
        return torch.zeros_like(x)

    generator = torch.Generator().manual_seed(3)
    states = list(p_sample_steps(Denoiser(schedule, model), (2, 1, 4, 4), generator=generator))
    assert [t for t, _ in states] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [t.tolist() for t in asked] == [[t, t] for t in (7, 6, 5, 4, 3, 2, 1)]
    again = p_sample_loop(
        Denoiser(schedule, lambda x, t: torch.zeros_like(x)),
        (2, 1, 4, 4),
        generator=torch.Generator().manual_seed(3),
    )
    assert torch.equal(states[-1][1], again)


def test_one_step_schedule():
    schedule = NoiseSchedule.from_betas(torch.tensor([0.5], dtype=torch.float64))
    x0 = p_sample_loop(Denoiser(schedule, lambda x, t: torch.zeros_like(x)), (4, 1))
    assert x0.shape == (4, 1) and x0.isfinite().all()


def test_sampling_leaves_no_graph():
    weight = torch.ones((), requires_grad=True)
    denoiser = Denoiser(cosine_schedule(3), lambda x, t: weight * x)
    assert not p_sample_loop(denoiser, (2, 1)).requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("kind", PREDICTION_TYPES)
def test_the_simple_loss_is_the_plain_squared_error(kind):
    weights = loss_weights(SCHEDULE, kind, "simple")
    assert weights[0].isnan() and torch.equal(weights[1:], torch.ones(1000, dtype=torch.float64))
    x0, noise = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([1, 2, 500, 1000])
    target = training_target(SCHEDULE, x0, t, noise, kind)
    loss = training_loss(says(target + 0.5, kind), x0, t, noise)
    torch.testing.assert_close(loss, torch.tensor(0.25))


def test_samples_are_not_limited_unless_asked():
    denoiser = Denoiser(cosine_schedule(20), lambda x, t: 0 * x)
    free, limited = (
        p_sample_loop(denoiser, (2, 3), **clip, generator=torch.Generator().manual_seed(0))
        for clip in ({}, {"clip_sample": True})
    )
    assert free.abs().max() > 1 >= limited.abs().max()


def test_the_unconditional_part_of_a_denoiser_is_called_like_the_other():
    with refused(BadType, where="Denoiser", what="unconditional"):
        Denoiser(SCHEDULE, lambda x, t: x, unconditional=3)


@pytest.mark.parametrize("clip_sample", [False, True])
def test_the_loop_is_one_step_after_another(clip_sample):
    """With a network whose image lies far outside, so that clipping changes it, each time."""
    schedule, shape = cosine_schedule(5), (2, 1, 4, 4)
    denoiser = Denoiser(schedule, lambda x, t: 3 - 2 * x, "sample")
    options = {"clip_sample": clip_sample, "variance_type": "fixed_large"}
    streams = [torch.Generator().manual_seed(3) for _ in range(2)]
    x = torch.randn(shape, generator=streams[0])
    for step in range(5, 0, -1):
        t = torch.full((2,), step)
        x = p_sample(
            schedule, x, t, 3 - 2 * x, prediction_type="sample", generator=streams[0], **options
        )
    got = p_sample_loop(denoiser, shape, generator=streams[1], **options)
    torch.testing.assert_close(got, x)
