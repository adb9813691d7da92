"""The loop is DDPM's, and chance comes from the seed."""

import dataclasses
import math
import shutil

import pytest
import torch
from refusals import refused
from tiny import CPU, TINY, steps, weights
from torch import nn

from ddpm_course.checks import BadValue
from ddpm_course.data import batch_order, load_data, random_stream
from ddpm_course.forward import q_sample
from ddpm_course.runs import loop as module
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import (
    batches,
    build_denoiser,
    build_model,
    build_schedule,
    initial_state,
    update_ema,
    warmed_up_decay,
    warmed_up_learning_rate,
)
from ddpm_course.runs.processes import Processes


def same(one, other):
    return all(
        (a is None and b is None) or torch.equal(a, b) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("num_classes", [0, 10])
def test_the_loop_is_algorithm_1_written_out(num_classes):
    """Six steps by hand, with torch's plain optimiser: the same weights and the same average."""
    profile = dataclasses.replace(TINY, weight_decay=0.1, grad_clip=0.5, num_classes=num_classes)
    schedule, (images, labels) = build_schedule(profile, CPU), load_data("digits")
    model = build_model(profile, 1, random_stream(5, "weights"))
    average = weights(model)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1, foreach=False)
    for step, index in zip(range(1, 7), batch_order(len(images), 8, 5)):
        stream = random_stream(5, "step", step)
        t = torch.randint(1, 9, (8,), generator=stream)
        noise = torch.randn(8, 1, 8, 8, generator=stream)
        known = labels[index] if num_classes else None
        guess = model(q_sample(schedule, images[index], t, noise=noise), t, known)
        optimizer.zero_grad()
        ((guess - noise) ** 2).mean().backward()
        length = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
        for p in model.parameters():
            p.grad *= min(1.0, 0.5 / length)
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, step / 4)
        optimizer.step()
        kept = min(0.9, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * weights(model)
    *_, state = steps(profile, seed=5)
    assert state.step == 6
    assert torch.allclose(weights(state.model), weights(model), atol=1e-5)
    assert torch.allclose(weights(state.ema), average, atol=1e-5)


def test_it_learns():
    losses = [float(state.loss) for state in steps(dataclasses.replace(TINY, num_steps=80))]
    assert 0.8 < losses[0] < 1.2 and sum(losses[-20:]) / 20 < 0.6


@pytest.mark.parametrize(
    "changes",
    [
        dict(prediction_type="v_prediction"),
        dict(prediction_type="sample", weighting="bound"),
        dict(weighting="min_snr"),
        dict(schedule="sigmoid"),
        dict(precision="bf16"),
        dict(num_classes=0),
    ],
)
def test_every_kind_of_run_takes_steps(changes):
    *_, state = steps(dataclasses.replace(TINY, **changes))
    assert state.step == 6 and state.loss.isfinite() and state.loss.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in state.model.parameters())


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_train_what_the_whole_trains(parts):
    profile = dataclasses.replace(TINY, grad_clip=0.5, flip=True, label_dropout=0.5)
    *_, whole = steps(profile)
    *_, split = steps(dataclasses.replace(profile, accumulate=parts))
    assert torch.allclose(weights(whole.model), weights(split.model), atol=1e-5)
    assert float(whole.loss) == pytest.approx(float(split.loss), rel=1e-5)
    assert float(whole.grad_norm) == pytest.approx(float(split.grad_norm), rel=1e-4)


@pytest.mark.parametrize("parts, number", [(5, 1), (1, 5), (2, 4)])
def test_a_batch_that_has_no_equal_parts_is_refused(parts, number):
    profile = dataclasses.replace(TINY, batch_size=12, accumulate=parts)
    with refused(BadValue, what="batch_size", got="12", expected=f"multiple of {parts * number}"):
        next(batches(profile, load_images(profile), 0, 1, Processes(CPU, 0, number)))


def test_what_is_drawn_for_a_step():
    profile = dataclasses.replace(TINY, batch_size=400, flip=True, label_dropout=0.3)
    images, index = load_images(profile), next(batch_order(898, 400, 0))
    batch, plain = (
        next(batches(p, images, 0, 1, Processes(CPU)))
        for p in (profile, dataclasses.replace(profile, flip=False, label_dropout=0.0))
    )
    assert torch.equal(plain.x0, images.floats()[index]) and torch.equal(
        plain.labels, images.labels[index]
    )
    assert torch.equal(plain.noise, batch.noise) and torch.equal(plain.t, batch.t)
    mirrored = (batch.x0 == plain.x0.flip(-1)).flatten(1).all(1)
    assert (
        (batch.x0 == plain.x0).flatten(1).all(1) | mirrored
    ).all() and 150 < mirrored.sum() < 250
    untold = batch.labels == -1
    assert torch.equal(batch.labels[~untold], plain.labels[~untold]) and 80 < untold.sum() < 160
    assert set(batch.t.tolist()) == set(range(1, 9))
    later = next(batches(profile, images, 0, 2, Processes(CPU)))
    assert not any(torch.equal(a, b) for a, b in zip(batch, later))


def test_a_set_that_does_not_fit_streams_the_same_batches(monkeypatch):
    images, found = load_images(TINY), {}
    for fits in (True, False):
        monkeypatch.setattr(module, "can_stay_on_device", lambda *_, answer=fits: answer)
        found[fits] = [
            batch for _, batch in zip(range(5), batches(TINY, images, 0, 110, Processes(CPU)))
        ]
    assert all(map(same, found[True], found[False]))


@pytest.mark.slow
def test_compiled_is_the_same_network():
    if not shutil.which("c++"):
        pytest.skip("torch.compile needs a C++ compiler")
    profile = dataclasses.replace(TINY, num_steps=3)
    *_, plain = steps(profile)
    *_, compiled = steps(dataclasses.replace(profile, compile=True))
    assert torch.allclose(weights(plain.model), weights(compiled.model), atol=1e-5)


def test_what_is_trained_without_labels_too_has_a_part_that_knows_none():
    profile = dataclasses.replace(TINY, label_dropout=0.1)
    batch = next(batches(profile, load_images(profile), 0, 1, Processes(CPU)))
    model = initial_state(profile, 1, 0, CPU).model.eval()
    plain, dropped = (
        build_denoiser(each, build_schedule(each, CPU), model, batch.labels)
        for each in (TINY, profile)
    )
    unknown = torch.full_like(batch.labels, -1)
    assert plain.unconditional is None and dropped.unconditional is not None
    assert torch.equal(dropped.unconditional(batch.x0, batch.t), model(batch.x0, batch.t, unknown))


def test_a_compiled_network_keeps_its_names():
    plain, compiled = (
        initial_state(dataclasses.replace(TINY, compile=compile), 1, 0, CPU)
        for compile in (False, True)
    )
    for part, tensors in plain.tensors().items():
        assert list(compiled.tensors()[part]) == list(tensors)
    assert compiled.model._compiled_call_impl and not compiled.ema._compiled_call_impl


def test_only_the_network_is_under_autocast():
    seen = []

    def model(x, t, labels):
        seen.append((x.dtype, labels, torch.is_autocast_enabled("cpu")))
        return x

    x, t = torch.randn(2, 1, 8, 8), torch.tensor([1, 2])
    for precision, labels in (("fp32", None), ("bf16", t)):
        profile = dataclasses.replace(TINY, precision=precision)
        build_denoiser(profile, build_schedule(TINY, CPU), model, labels).noise(x, t)
    assert seen == [(torch.float32, None, False), (torch.float32, t, True)]
    assert not torch.is_autocast_enabled("cpu")


def test_warm_ups():
    profile = dataclasses.replace(TINY, learning_rate=0.5, warmup_steps=4)
    assert [warmed_up_learning_rate(profile, step) for step in (1, 2, 4, 5, 99)] == [
        0.125,
        0.25,
        0.5,
        0.5,
        0.5,
    ]
    assert warmed_up_learning_rate(dataclasses.replace(profile, warmup_steps=0), 1) == 0.5
    assert [warmed_up_decay(step, 0.99) for step in (1, 8, 10**6)] == [2 / 11, 0.5, 0.99]
    assert warmed_up_decay(1, 0.0) == 0.0


def test_the_average_is_over_parameters_only():
    average, current = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.constant_(current.weight, 3.0)
    current.running_mean += 5
    update_ema(average, current, 0.75)
    assert torch.equal(average.weight, torch.full((3,), 1.5))
    assert not average.running_mean.any()
