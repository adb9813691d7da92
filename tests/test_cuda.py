"""What needs a card. These tests ask for no more than torch, pytest and the package, so that they run
on a machine that is there for its card alone: python -m pytest --noconftest tests/test_cuda.py
"""

import dataclasses

import pytest
import torch
from tiny import CPU, TINY

from ddpm_course.prediction import training_loss
from ddpm_course.runs.loop import (
    batches,
    build_denoiser,
    build_schedule,
    initial_state,
    training_loop,
)
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import load_images, train

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
    for device in (CPU, torch.device("cuda")):
        model = initial_state(TINY, 1, 0, device).model
        x0, t, noise, labels = (part.to(device) for part in batch[:4])
        denoiser = build_denoiser(TINY, schedule.to(device), model, labels)
        loss = training_loss(denoiser, x0, t, noise)
        loss.backward()
        found.append(
            torch.cat(
                [loss.detach().cpu()[None], *(p.grad.flatten().cpu() for p in model.parameters())]
            )
        )
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-3)


def test_two_trainings_on_two_devices(tmp_path):
    for name in ("cpu", "cuda"):
        run = train(dataclasses.replace(TINY, device=name), 0, tmp_path / name)
        assert Run.open(run).device == name
