"""A function to fill in: it is called beside a right one, and beside those with a known slip."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ddpm_course.checks import is_tensor

from ..errors import Unreadable

if TYPE_CHECKING:
    from torch import Tensor

T = 10
TIMES = (([3, 6, 9], [1, 4, 7]), ([1, 4, 10], [0, 2, 9]), ([2, 5, 10], [0, 1, 5]))  # t and s
VIEW = "a table that is read at t [B] meets images [B, C, H, W] after `.view(-1, 1, 1, 1)`"
IMAGES = "x", "x0", "x_t", "x_s", "noise", "epsilon", "z", "mean1", "mean2"


def network(x: Tensor, t: Tensor) -> Tensor:
    """What stands for a network in the exercises."""
    return (x + t.view(-1, 1, 1, 1)).sin()


@cache
def cases() -> tuple[dict[str, Any], ...]:
    """What the functions are called with: three batches of three images [3, 1, 4, 5], float64."""
    import torch

    from ddpm_course.schedule import NoiseSchedule

    found, betas = [], torch.linspace(0.02, 0.4, T, dtype=torch.float64)
    for seed, (t, s) in enumerate(TIMES):
        generator = torch.Generator().manual_seed(seed)
        drawn = lambda *shape: torch.randn(shape, generator=generator, dtype=torch.float64)
        case: dict[str, Any] = {name: drawn(3, 1, 4, 5) for name in IMAGES}
        for name, shape in (("variance1", (3, 1, 4, 5)), ("variance2", (3, 1, 4, 5))):
            case[name] = 0.3 + drawn(*shape) ** 2
        case |= {
            "weights": drawn(4).softmax(0),
            "means": drawn(4),
            "variances": 0.3 + drawn(4) ** 2,
        }
        case |= {"point": drawn(3), "beta": 0.1 + 0.2 * seed, "kept": 0.8 - 0.2 * seed}
        case |= {"t": torch.tensor(t), "s": torch.tensor(s), "eta": 0.9 - 0.3 * seed}
        case |= {"betas": betas.roll(seed), "schedule": NoiseSchedule.from_betas(betas.roll(seed))}
        case["model"] = network
        case |= {"log_density": drawn(3), "dims": 20 - 5 * seed, "bin_width": 0.1 + 0.2 * seed}
        case |= {name: drawn(3, 1, 4, 5) for name in ("told", "untold", "velocity")}
        case["guidance_scale"] = 1.5 + 0.7 * seed
        found.append(case)
    return tuple(found)


def at(table: Tensor, t: Tensor) -> Tensor:
    """The entries of a table [T+1] at t [B], shaped to fit images: [B, 1, 1, 1]."""
    return table[t].view(-1, 1, 1, 1)


@dataclass(frozen=True)
class Code:
    """A function of tensors. slips: what is wrong, and a function in which it is wrong."""

    arguments: tuple[str, ...]
    truth: Callable[..., Any]
    slips: dict[str, Callable[..., Any]]

    example = "my_function"

    def shown(self) -> str:
        return ""

    def check(self, answer: Any) -> tuple[bool, str]:
        if not callable(answer):
            raise Unreadable("", "", f"a function of {', '.join(self.arguments)} is asked for")
        given = [{name: case[name] for name in self.arguments} for case in cases()]
        for here, elsewhere in zip(given, given[1:] + given[:1]):
            if missing := self._missing(answer, here, elsewhere):
                return False, missing
        return True, f"it agrees on {len(TIMES)} batches"

    def _missing(self, answer: Callable, given: dict[str, Any], others: dict[str, Any]) -> str:
        """What is missing in an answer; "" where it agrees with the right function."""
        used = deepcopy(given)
        try:
            said = answer(*used.values())
        except (Exception, SystemExit) as wrong:  # whatever the reader's code does
            called = ", ".join(f"{name}{_shape(value)}" for name, value in given.items())
            tables = f"; {VIEW}" if isinstance(wrong, RuntimeError) and "t" in given else ""
            return f"called with {called} it fails: {type(wrong).__name__}: {wrong}{tables}"
        if said is None:
            return "it returns nothing yet: its last line should be `return` and the result"
        if changed := [
            name for name in given if is_tensor(used[name]) and _differ(used, given, name)
        ]:
            return f"it changes `{changed[0]}` in place, which the caller still needs"
        true = self.truth(**given)
        if _same(said, true):
            return ""
        said = true.new_tensor(_float(said)) if isinstance(said, int | float) else said
        if not is_tensor(said):
            return f"it returns {type(said).__name__}, where a tensor{_shape(true)} is asked for"
        return self._known(answer, said, given, others) or self._unknown(said, true)

    def _known(
        self, answer: Callable, said: Tensor, given: dict[str, Any], others: dict[str, Any]
    ) -> str:
        """A slip that gives the same numbers, or another sign by which one is known."""
        for why, slip in self.slips.items():
            if _same(said, slip(**given)):
                return why
        if "t" in given:
            for step, word in ((-1, "t-1"), (1, "t+1")):
                if _same(said, self.truth(**{**given, "t": (given["t"] + step).clamp(0, T)})):
                    return f"it reads its tables at {word}: entry t of a table belongs to time t"
        if self.truth(**given).isfinite().all() and not said.isfinite().all():
            return "it returns numbers that are not finite: look for a division by zero, or a root"
        if not _same(said, _called(answer, given)):
            return "two calls with the same arguments differ: it should draw no noise by itself"
        for name in self.arguments:
            other = {**given, name: others[name]}
            counts = not _same(self.truth(**given), self.truth(**other))
            if counts and _same(said, _called(answer, other)):
                return f"`{name}` is not used: the result is the same whatever it is"
        return ""

    def _unknown(self, said: Tensor, true: Tensor) -> str:
        if said.shape != true.shape:
            return f"it returns a tensor{_shape(said)} instead of{_shape(true)}; {VIEW}"
        first = lambda x: float(x.flatten()[0])
        return f"its first number is {first(said):.4f}, and should be {first(true):.4f}"


def _float(number: float) -> float:
    """A number as a float, infinity where it has too many digits."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _shape(value: Any) -> str:
    return f" {list(value.shape)}" if is_tensor(value) else ""


def _differ(used: dict[str, Any], given: dict[str, Any], name: str) -> bool:
    return not _same(used[name], given[name])


def _called(answer: Callable, given: dict[str, Any]) -> Any:
    try:
        return answer(*deepcopy(given).values())
    except (Exception, SystemExit):  # it did not fail before, but it is not ours
        return None


def _same(said: Any, true: Any) -> bool:
    """Whether a result agrees to four digits, in shape and numbers. A scalar may be a float."""
    import torch

    try:
        said = torch.as_tensor(said).detach().double()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return False
    true = torch.as_tensor(true).double()
    return said.shape == true.shape and torch.allclose(
        said, true, rtol=1e-4, atol=1e-6, equal_nan=True
    )
