"""Actions that take turns, so that a busy machine slows all of them, and what came of each."""

import dataclasses
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ddpm_course.data import ImageSet
from ddpm_course.runs.loop import batches, build_schedule, initial_state, training_loop
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import Profile

Action = Callable[[], Any]


class Spread(NamedTuple):
    """The quartiles of what the rounds gave."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        several = values * 2 if len(values) == 1 else values
        return cls(*statistics.quantiles(several, n=4, method="inclusive"))

    def __str__(self) -> str:
        low, middle, high = (f"{value:.{2 if self.middle < 10 else 0}f}" for value in self)
        if self.low == self.high:  # measured once
            return middle
        return f"{middle} ({low} to {high})"


def take_turns(
    builders: Mapping[str, Callable[[], Action]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float] | str]:
    """Seconds of each action in each round, after one to warm up; or the error that ended it.

    A builder makes the action. Whichever of both fails, the others go on.
    """
    actions: dict[str, Action] = {}
    found: dict[str, list[float] | str] = {}

    def attempt(name: str, action: Action) -> Any:
        try:
            return action()
        except Exception as error:
            actions.pop(name, None)
            found[name] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

    for name, build in builders.items():
        if action := attempt(name, build):
            actions[name] = action
    for turn in range(rounds + 1):
        for name, action in list(actions.items()):
            start = clock()
            attempt(name, action)
            if turn and name in actions:
                times = found.setdefault(name, [])
                assert isinstance(times, list)
                times.append(clock() - start)
    return {name: found[name] for name in builders}


def ratios(times: Mapping[str, list[float] | str], unit: str) -> dict[str, Spread | str]:
    """What each took in the rounds, over what the action `unit` took in the same ones."""
    units = times[unit]
    if isinstance(units, str):
        return dict.fromkeys(times, f"no {unit}: {units}")
    return {
        name: taken
        if isinstance(taken, str)
        else Spread.of([mine / one for mine, one in zip(taken, units)])
        for name, taken in times.items()
    }


def loop_steps(profile: Profile, images: ImageSet, device: torch.device) -> Action:
    """Steps of the package's training loop, one a call."""
    profile = dataclasses.replace(profile, num_steps=10**6)
    state = initial_state(profile, images.image_shape[0], 0, device)
    processes = Processes(device)
    shares = batches(profile, images, 0, 1, processes)
    states = training_loop(profile, build_schedule(profile, device), state, shares, 0, processes)
    return lambda: next(states)


def hardware(device: torch.device = torch.device("cpu")) -> str:
    """What the figures were measured on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (
        f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}"
    )
