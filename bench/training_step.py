"""What pays in a training step of the laptop profile, and what the loop costs beside a plain one.

Both sides of a ratio take turns in one run, so that a busy machine slows both. From the top of
the repository: OMP_NUM_THREADS=1 python bench/training_step.py > bench/training_step.md
"""

import copy
import dataclasses
import platform
import statistics
import time

import torch
from rounds import Action, hardware, loop_steps, ratios, take_turns
from torch import nn

from ddpm_course.data import batch_order, load_data, random_stream
from ddpm_course.prediction import Denoiser, training_loss
from ddpm_course.runs.drawing import walk_samples
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import (
    build_model,
    build_schedule,
    update_ema,
    warmed_up_decay,
    warmed_up_learning_rate,
)
from ddpm_course.runs.processes import find_device
from ddpm_course.runs.profiles import Profile, load_profile

ROUNDS = 40
PROFILE = load_profile("laptop")
DEVICE = find_device(PROFILE.device)


def clock() -> float:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def compare(first: Action, second: Action) -> str:
    """Median time of each, and the quartiles of the ratio second / first over the rounds."""
    times = take_turns({"first": lambda: first, "second": lambda: second}, ROUNDS, clock)
    shown = [
        taken if isinstance(taken, str) else f"{1000 * statistics.median(taken):.1f} ms"
        for taken in times.values()
    ]
    return f"{' | '.join(shown)} | {ratios(times, 'first')['second']}"


def train_steps(profile: Profile = PROFILE, **changes) -> Action:
    """Steps of the package's loop, with another profile."""
    profile = dataclasses.replace(profile, **changes)
    return loop_steps(profile, load_images(profile), DEVICE)


def plain_steps() -> Action:
    """The same steps without launchers, shares, parts or checkpoints: all that is needed, in a row."""
    schedule, (images, labels) = build_schedule(PROFILE, DEVICE), load_data(PROFILE.data)
    model = build_model(PROFILE, images.shape[1], random_stream(0, "weights")).to(DEVICE).train()
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0, fused=True)

    def steps():
        for step, index in enumerate(batch_order(len(images), PROFILE.batch_size, 0), 1):
            x0, known = images[index].to(DEVICE), labels[index].to(DEVICE)
            stream = random_stream(0, "step", step, device=DEVICE)
            t = torch.randint(
                1, PROFILE.num_train_timesteps + 1, (len(x0),), generator=stream, device=DEVICE
            )
            noise = torch.randn(x0.shape, generator=stream, device=DEVICE)
            loss = training_loss(Denoiser(schedule, lambda x, t: model(x, t, known)), x0, t, noise)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), PROFILE.grad_clip)
            optimizer.param_groups[0]["lr"] = warmed_up_learning_rate(PROFILE, step)
            optimizer.step()
            update_ema(ema, model, warmed_up_decay(step, PROFILE.ema_decay))
            yield loss

    return steps().__next__


def sample_steps(precision: str) -> Action:
    profile = dataclasses.replace(PROFILE, precision=precision, sampling_steps=2 * ROUNDS)
    images, _ = load_data(profile.data)
    model = build_model(profile, images.shape[1], random_stream(0, "weights")).to(DEVICE).eval()
    numbers = range(profile.num_samples)
    states = walk_samples(
        profile, build_schedule(profile, DEVICE), model, images.shape[1:], 0, numbers
    )
    return lambda: next(states)


def optimizer_step(fused: bool) -> Action:
    model = build_model(PROFILE, 1).to(DEVICE)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    return torch.optim.AdamW(model.parameters(), fused=fused, foreach=False).step


def average(together: bool) -> Action:
    model = build_model(PROFILE, 1).to(DEVICE)
    ema = copy.deepcopy(model)

    @torch.no_grad()
    def one_by_one():
        for mean, parameter in zip(ema.parameters(), model.parameters()):
            mean.lerp_(parameter, 0.01)

    return (lambda: update_ema(ema, model, 0.99)) if together else one_by_one


ROWS = {
    "one training step, a plain loop against the package's": lambda: (plain_steps(), train_steps()),
    "one training step, float32 against bfloat16": lambda: (
        train_steps(),
        train_steps(precision="bf16"),
    ),
    "one training step of `poster`, float32 against bfloat16": lambda: (
        train_steps(load_profile("poster"), precision="fp32"),
        train_steps(load_profile("poster")),
    ),
    "one training step, channels first against channels last": lambda: (
        train_steps(),
        train_steps(channels_last=True),
    ),
    "one training step, a whole batch against two parts": lambda: (
        train_steps(),
        train_steps(accumulate=2),
    ),
    "one training step, without dropout against with it": lambda: (
        train_steps(),
        train_steps(dropout=0.1),
    ),
    "one sampling step, float32 against bfloat16": lambda: (
        sample_steps("fp32"),
        sample_steps("bf16"),
    ),
    "AdamW, one parameter after another against fused": lambda: (
        optimizer_step(False),
        optimizer_step(True),
    ),
    "moving average, one parameter after another against all at once": lambda: (
        average(False),
        average(True),
    ),
}

if __name__ == "__main__":
    print("# One step of the laptop profile\n")
    print(
        f"{DEVICE.type}: {hardware(DEVICE)}; torch {torch.__version__}, Python "
        f"{platform.python_version()}. Medians of {ROUNDS} rounds in which both sides take turns; "
        "in brackets the quartiles of the ratio. Not measured on a GPU.\n"
        if DEVICE.type == "cpu"
        else ""
    )
    print("| what | first | second | second / first |\n|---|---|---|---|")
    for what, build in ROWS.items():
        print(f"| {what} | {compare(*build())} |", flush=True)
    print("\nCommand: `OMP_NUM_THREADS=1 python bench/training_step.py > bench/training_step.md`")
