"""What pays in a training step of the laptop profile: bfloat16, fused AdamW, a batched average.

Both sides of a ratio take turns in one run, so that a busy machine slows both. From the top of
the repository: OMP_NUM_THREADS=1 python bench/training_step.py > bench/training_step.md
"""

import copy
import dataclasses
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ddpm_course.data import batch_order, load_data, random_stream
from ddpm_course.profiles import load_profile
from ddpm_course.training import (
    build_model, build_schedule, find_device, sampling_steps, training_loop, update_ema)

ROUNDS = 40
PROFILE = load_profile("laptop")
DEVICE = find_device(PROFILE.device)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(first: Callable[[], object], second: Callable[[], object]) -> str:
    """Median time of each, and the quartiles of the ratio second / first over the rounds."""
    for action in (first, second) * 3:
        action()
    times = [(seconds(first), seconds(second)) for _ in range(ROUNDS)]
    low, middle, high = statistics.quantiles([b / a for a, b in times], n=4)
    a, b = (1000 * statistics.median(column) for column in zip(*times))
    return f"{a:.1f} ms | {b:.1f} ms | {middle:.2f} ({low:.2f} to {high:.2f})"


def train_steps(precision: str) -> Callable[[], object]:
    profile = dataclasses.replace(PROFILE, precision=precision, num_steps=10**6)
    images, labels = (part.to(DEVICE) for part in load_data(profile.data))
    model = build_model(profile, images.shape[1], random_stream(0, "weights")).to(DEVICE)
    order = (index.to(DEVICE) for index in batch_order(len(images), profile.batch_size, 0))
    batches = ((images[index], labels[index]) for index in order)
    states = training_loop(profile, build_schedule(profile, DEVICE), model, batches, 0)
    return lambda: next(states)


def sample_steps(precision: str) -> Callable[[], object]:
    profile = dataclasses.replace(PROFILE, precision=precision, sampling_steps=2 * ROUNDS)
    images, _ = load_data(profile.data)
    model = build_model(profile, images.shape[1], random_stream(0, "weights")).to(DEVICE).eval()
    shape = (profile.num_samples, *images.shape[1:])
    states = sampling_steps(profile, build_schedule(profile, DEVICE), model, shape, 0, DEVICE)
    return lambda: next(states)


def optimizer_step(fused: bool) -> Callable[[], object]:
    model = build_model(PROFILE, 1).to(DEVICE)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    return torch.optim.AdamW(model.parameters(), fused=fused, foreach=False).step


def average(together: bool) -> Callable[[], object]:
    model = build_model(PROFILE, 1).to(DEVICE)
    ema = copy.deepcopy(model)

    @torch.no_grad()
    def one_by_one():
        for mean, parameter in zip(ema.parameters(), model.parameters()):
            mean.lerp_(parameter, 0.01)

    return (lambda: update_ema(ema, model, 0.99)) if together else one_by_one


def hardware() -> str:
    if DEVICE.type == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} threads, " \
           f"{torch.backends.cpu.get_cpu_capability()}"


ROWS = {
    "one training step, float32 against bfloat16":
        lambda: (train_steps("fp32"), train_steps("bf16")),
    "one sampling step, float32 against bfloat16":
        lambda: (sample_steps("fp32"), sample_steps("bf16")),
    "AdamW, one parameter after another against fused":
        lambda: (optimizer_step(False), optimizer_step(True)),
    "moving average, one parameter after another against all at once":
        lambda: (average(False), average(True)),
}

if __name__ == "__main__":
    print("# One step of the laptop profile\n")
    print(f"{DEVICE.type}: {hardware()}; torch {torch.__version__}, Python "
          f"{platform.python_version()}. Medians of {ROUNDS} rounds in which both sides take turns; "
          "in brackets the quartiles of the ratio. Not measured on a GPU.\n" if DEVICE.type == "cpu"
          else "")
    print("| what | first | second | second / first |\n|---|---|---|---|")
    for what, build in ROWS.items():
        print(f"| {what} | {compare(*build())} |", flush=True)
    print("\nCommand: `OMP_NUM_THREADS=1 python bench/training_step.py > bench/training_step.md`")
