"""What needs a card. These tests ask for no more than torch, pytest and the package, so that they run
on a machine that is there for its card alone: python -m pytest --noconftest tests/test_cuda.py
"""

import dataclasses

import pytest
import torch
from tiny import CPU, TINY

from ddpm_course.data import random_stream
from ddpm_course.prediction import training_loss
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import (
    batches,
    build_denoiser,
    build_schedule,
    initial_state,
    training_loop,
)
from ddpm_course.runs.processes import Processes, computing
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def test_no_step_waits_for_the_gpu():
    profile = dataclasses.replace(TINY, device="cuda", num_steps=20, accumulate=2, dropout=0.1)
    images, device = load_images(profile), torch.device("cuda")
    state = initial_state(profile, 1, 0, device)
    states = training_loop(
        profile,
        build_schedule(profile, device),
        state,
        batches(profile, images, 0, 1, Processes(device)),
        0,
        Processes(device),
    )
    next(states)  # the images go to the device
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert [state.step for state in states] == list(range(2, 21))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_step_on_the_gpu_is_the_step_on_the_cpu():
    schedule, images = build_schedule(TINY, CPU), load_images(TINY)
    batch, found = next(batches(TINY, images, 0, 1, Processes(CPU))), []
    with computing(0, tf32=False):
        for device in (CPU, torch.device("cuda")):
            model, stream = initial_state(TINY, 1, 0, CPU).model, random_stream(0, "awake")
            for weight in model.parameters():  # a new network answers 0, whatever is inside
                weight.data += 0.02 * torch.randn(weight.shape, generator=stream)
            x0, t, noise, labels = (part.to(device) for part in batch[:4])
            denoiser = build_denoiser(TINY, schedule.to(device), model.to(device), labels)
            loss = training_loss(denoiser, x0, t, noise)
            loss.backward()
            numbers = [loss.detach(), *(p.grad for p in model.parameters())]
            found.append(torch.cat([part.flatten().cpu() for part in numbers]))
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-3)


def test_two_trainings_on_two_devices(tmp_path):
    for name in ("cpu", "cuda"):
        run = train(dataclasses.replace(TINY, device=name), 0, tmp_path / name)
        assert Run.open(run).device == name


def test_times_and_labels_come_to_the_card():
    run = Run.open("laptop")
    denoiser = run.denoiser("cuda", torch.tensor([3, 4]))
    x, t = torch.zeros(2, *run.image_shape, device="cuda"), torch.tensor([5, 6])
    assert torch.equal(denoiser.x0(x, t), denoiser.x0(x, t.cuda()))
