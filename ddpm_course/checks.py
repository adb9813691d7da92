"""Bad input is met here: every error says where, what was got, what was expected, how to fix it.

The checks are cheap (type, dtype, shape, device; a few microseconds). `check_timesteps` reads
values only when they are on the CPU, so that no check waits for a GPU. `check_images` reads every
value: it is for a boundary, such as a data set or a first batch. Importing this module does not
import torch, so that the command line answers at once.
"""

from __future__ import annotations

import difflib
import inspect
import math
import re
import sys
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

    import torch
    from torch import Tensor


class BadInput(Exception):
    """An input that cannot be used; the command line prints it without a traceback.

    where is the function or file, what the argument or key. An error that can only quote another
    program says it in `where` and leaves the rest empty.
    """

    def __init__(
        self, where: str, what: str = "", got: str = "", expected: str = "", fix: str = ""
    ):
        super().__init__(where, what, got, expected, fix)
        self.where, self.what, self.got, self.expected, self.fix = self.args

    def __str__(self) -> str:
        if not self.got:
            return self.where
        place = f"{self.where}: {self.what}" if self.what else self.where
        text = f"{place}: got {self.got}, expected {self.expected}. To fix it: {self.fix}."
        return visible(text)

    def within(self, place: object) -> Self:
        """The same error, met inside `place`, such as the file that was read."""
        where, *rest = self.args
        return type(self)(f"{place}: {where}", *rest)


class BadValue(BadInput, ValueError):
    """The type fits, the value does not."""


class BadType(BadInput, TypeError):
    """The type or the dtype does not fit."""


def is_tensor(value: Any) -> bool:
    """Recognise a tensor without importing torch: where it is not imported there is none."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_dense(x: Tensor) -> bool:
    return not (x.is_sparse or x.is_sparse_csr or x.is_mkldnn or x.is_nested)


def describe(value: Any) -> str:
    """Say what a value is: a tensor by shape, dtype and device, an error by its words, else its repr."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if is_tensor(value):
        dtype = str(value.dtype).removeprefix("torch.")
        kind = "a tensor" if _is_dense(value) else "a sparse or nested tensor"
        shape = "no single shape" if value.is_nested else f"shape {list(value.shape)}"
        return f"{kind} of {shape}, {dtype}, on {value.device}"
    return f"{_text(value)} ({type(value).__name__})"


def _text(value: Any) -> str:
    """The repr of a value, cut to one line; without the address that a function's repr ends in."""
    try:
        text = repr(value) if isinstance(value, str) else re.sub(" at 0x[0-9a-f]+", "", repr(value))
    except Exception:  # whatever a foreign class or a number of 5,000 digits raises
        text = "something that cannot be written"
    return text if len(text) <= 60 else text[:57] + "..."


def check_int(where: str, what: str, value: Any, minimum: int, maximum: int = 2**63 - 1) -> int:
    """Return `value` if it is an integer (not a bool) in minimum..maximum."""
    upto = f"to {maximum}" if maximum != 2**63 - 1 else "or more"
    expected = f"an integer, {minimum} {upto}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise BadType(where, what, describe(value), expected, "give a whole number")
    number = int(value)
    if not minimum <= number <= maximum:
        raise BadValue(where, what, _text(number), expected, f"choose {what} in that range")
    return number


def check_bool(where: str, what: str, value: Any) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise BadType(where, what, describe(value), "True or False", "write one of the two")
    return value


def check_instance(where: str, what: str, value: Any, kind: type, fix: str) -> None:
    """value must be an instance of `kind`."""
    if not isinstance(value, kind):
        raise BadType(where, what, describe(value), f"a {kind.__name__}", fix)


def check_path(where: str, what: str, value: Any) -> Path:
    """Return `value`, which is a path or its text, as a path."""
    if not isinstance(value, str | Path):
        raise BadType(where, what, describe(value), "a path", "write it as text")
    return Path(value)


def _takes_two(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # some that are written in C do not say what they take
    return True


def check_callable(where: str, what: str, value: Any, call: str) -> None:
    """value must be callable with two arguments; `call` shows how it will be called."""
    if not (callable(value) and _takes_two(value)):
        fix = "pass a network or a function; wrap one that takes other arguments"
        raise BadType(where, what, describe(value), f"something to call as {call}", fix)


def check_seed(where: str, seed: Any) -> int:
    """Return `seed` if it is an integer in 0..2^64 - 1."""
    return check_int(where, "seed", seed, 0, 2**64 - 1)


def check_number(
    where: str, what: str, value: Any, low: float, high: float, *, ends: str = "[]"
) -> float:
    """Return `value` if it is a finite number between low and high.

    `ends` writes the interval: "()", "[]", "(]" or "[)"; a round bracket leaves the end out.
    """
    expected = f"a finite number in {ends[0]}{low:g}, {high:g}{ends[1]}"
    if high == math.inf:
        upwards = f", {low:g} or more" if ends[0] == "[" else f" above {low:g}"
        expected = "a finite number" + upwards
    if isinstance(value, bool) or not isinstance(value, Real):
        raise BadType(where, what, describe(value), expected, "give a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    above = number > low if ends[0] == "(" else number >= low
    below = number < high if ends[1] == ")" else number <= high
    if not (above and below and math.isfinite(number)):
        raise BadValue(where, what, _text(value), expected, f"choose {what} in that range")
    return number


def check_choice(where: str, what: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of the choices; else name the nearest one."""
    if isinstance(value, str) and value in choices:
        return value
    near = difflib.get_close_matches(value if isinstance(value, str) else "", choices, n=1)
    raise BadValue(
        where,
        what,
        repr(value) if isinstance(value, str) or value is None else describe(value),
        "one of " + ", ".join(map(repr, choices)),
        f"write {near[0]!r}" if near else "take one of these names",
    )


def numbers(where: str, what: str, value: Any) -> Tensor:
    """A copy of the numbers of a tensor, an array or nested lists, float64 on the CPU."""
    import torch

    try:
        fits = not is_tensor(value) or _is_dense(value) and not value.is_complex()
        table = torch.as_tensor(value, dtype=torch.float64, device="cpu") if fits else None
    except (TypeError, ValueError, RuntimeError, OverflowError):
        table = None
    if table is None:
        expected, fix = (
            "real numbers",
            "pass a tensor, or a list, nested lists with rows of one length",
        )
        raise BadType(where, what, describe(value), expected, fix)
    return table.detach().clone()


def check_shape(where: str, shape: Any) -> tuple[int, ...]:
    """Return `shape` as a tuple if it is that of a batch: [B, ...], all 1 or more."""
    expected = "the shape of a batch, [B, ...]"
    fix = "pass whole numbers, the number of examples first"
    if isinstance(shape, str) or is_tensor(shape) or not isinstance(shape, Sequence) or not shape:
        raise BadType(where, "shape", describe(shape), expected, fix)
    sizes = tuple(check_int(where, "shape", size, 1) for size in shape)
    if math.prod(sizes) > 2**40:
        raise BadValue(where, "shape", describe(sizes), "2^40 numbers at most", "draw fewer")
    return sizes


def check_device(where: str, device: Any) -> torch.device:
    """Return the device if this machine can hold tensors there."""
    import torch

    try:
        device = torch.device(device)
        torch.empty(0, device=device)
        usable = device.type != "meta"
    except Exception:  # each backend that is missing, or broken, has an error of its own
        usable = False
    if not usable:
        raise BadValue(
            where,
            "device",
            describe(device),
            "a device that this machine has, such as 'cpu'",
            "choose another; torch.cuda.is_available() says whether there is a GPU",
        )
    return device


def check_batch(where: str, what: str, x: Any) -> None:
    """x must be a float32 or float64 tensor [B, ...] that is not empty."""
    import torch

    expected = "a float32 or float64 tensor [B, ...] with B at least 1"
    if not is_tensor(x):
        fix = "turn it into a tensor, for example with torch.as_tensor"
        raise BadType(where, what, describe(x), expected, fix)
    if not _is_dense(x) or x.is_meta:
        raise BadType(where, what, describe(x), expected, "give a dense tensor that holds values")
    if x.dtype not in (torch.float32, torch.float64):
        fix = (
            "scale whole-number images to [-1, 1] first, as ddpm_course.data.to_float does"
            if not x.is_floating_point()
            else "use x.float(), and keep autocast to the network: lower precision rounds noise away"
        )
        raise BadType(where, what, describe(x), expected, fix)
    if x.ndim == 0 or x.numel() == 0:
        fix = "add a batch axis with x[None]" if x.ndim == 0 else "skip empty batches"
        raise BadValue(where, what, describe(x), expected, fix)


def check_broadcast(where: str, **values: Any) -> None:
    """The values must be numbers or dense float tensors that broadcast to one shape."""
    import torch

    for what, value in values.items():
        if not is_tensor(value):
            check_number(where, what, value, -math.inf, math.inf)
        elif not _is_dense(value) or value.is_meta or not value.is_floating_point():
            fix = "pass float tensors, or numbers"
            raise BadType(where, what, describe(value), "a number or a float tensor", fix)
    tensors = [value for value in values.values() if is_tensor(value)]
    try:
        torch.broadcast_shapes(*(tensor.shape for tensor in tensors))
    except RuntimeError:
        got = ", ".join(map(describe, tensors))
        raise BadValue(
            where, "/".join(values), got, "shapes that broadcast", "give them one shape"
        ) from None


def check_table(where: str, what: str, table: Any) -> None:
    """table must be a dense tensor of floats with one axis, an entry for each time."""
    fits = is_tensor(table) and _is_dense(table) and table.is_floating_point()
    if not fits or table.ndim != 1 or table.is_meta:
        fix = "pass a table of a NoiseSchedule, such as schedule.betas"
        raise BadType(where, what, describe(table), "a float tensor [T+1]", fix)


def check_like(where: str, what: str, y: Any, like_name: str, like: Tensor) -> None:
    """y must be a floating tensor with exactly the shape and the device of `like`."""
    fits = is_tensor(y) and y.is_floating_point() and _is_dense(y)
    if fits and y.shape == like.shape and y.device == like.device:
        return
    expected = f"a float tensor exactly like {like_name}: {describe(like)}"
    if not fits:
        raise BadType(where, what, describe(y), expected, f"make {what} a float tensor")
    if y.shape != like.shape:
        twice = like.ndim > 1 and y.shape == (like.shape[0], 2 * like.shape[1], *like.shape[2:])
        fix = (
            "a network with learned variance returns 2C channels; keep the first C, "
            "output.chunk(2, dim=1)[0]"
            if twice
            else f"give {what} the shape of {like_name}; nothing is broadcast"
        )
        raise BadValue(where, what, describe(y), expected, fix)
    raise BadValue(
        where, what, describe(y), expected, f"move it with {what}.to({like_name}.device)"
    )


def check_timesteps(
    where: str, t: Any, batch: int, num_train_timesteps: float, first: int = 1
) -> None:
    """t must be an integer tensor [batch] with values in first..num_train_timesteps (or infinity).

    Its device is free. The range is checked when t is on the CPU.
    """
    import torch

    known = num_train_timesteps < math.inf
    values = f"values {first}..{num_train_timesteps}" if known else f"values of {first} or more"
    expected = f"an integer tensor of shape [{batch}], {values}"
    if not is_tensor(t):
        fix = "for one step for the whole batch use torch.full((B,), t)"
        raise BadType(where, "t", describe(t), expected, fix)
    if t.is_meta or not _is_dense(t) or t.is_quantized:
        raise BadType(where, "t", describe(t), expected, "give a dense tensor that holds values")
    if t.dtype == torch.bool or t.is_floating_point() or t.is_complex():
        fix = (
            "give the steps themselves, not a mask"
            if t.dtype == torch.bool
            else "draw t with torch.randint; t.long() is for whole numbers that are stored as floats"
        )
        raise BadType(where, "t", describe(t), expected, fix)
    if t.shape != (batch,):
        fix = (
            "give one step per example: t.expand(B) repeats a single one, and "
            "x[None] makes a batch of a single example"
        )
        raise BadValue(where, "t", describe(t), expected, fix)
    if t.device.type == "cpu":
        low, high = map(int, t.long().aminmax())
        if low < first or high > num_train_timesteps:
            fix = "count steps from 1, as torch.randint(1, T + 1, (B,)) does"
            raise BadValue(where, "t", f"values {low}..{high}", expected, fix)


def check_generator(where: str, generator: Any, device: torch.device) -> None:
    """generator must be None or a torch.Generator on the type of device it draws for."""
    import torch

    if generator is None:
        return
    expected = f"None or a torch.Generator on {device.type}"
    if not isinstance(generator, torch.Generator):
        fix = "make one with torch.Generator(device).manual_seed(seed)"
        raise BadType(where, "generator", describe(generator), expected, fix)
    if generator.device.type != device.type:
        fix = f"make it with torch.Generator({device.type!r})"
        raise BadValue(where, "generator", f"one on {generator.device}", expected, fix)


def check_images(where: str, what: str, x: Any) -> None:
    """x must be finite images [B, C, H, W] in [-1, 1], some value below 0, C being 1 or 3."""
    check_batch(where, what, x)
    expected = "images [B, C, H, W] with C = 1 or 3, finite, in [-1, 1]"
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        fix = (
            "add the batch axis with x[None]"
            if x.ndim == 3
            else "put channels first with x.permute(0, 3, 1, 2)"
            if x.ndim == 4 and x.shape[3] in (1, 3)
            else "reshape to [B, C, H, W]"
        )
        raise BadValue(where, what, describe(x), expected, fix)
    low, high = (float(end) for end in x.aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadValue(
            where,
            what,
            "NaN or Inf",
            expected,
            "look for broken images or a division by zero in their preparation",
        )
    if low < -1 or high > 1 or low >= 0:
        fix = (
            "shift [0, 1] to [-1, 1] with 2 * x - 1"
            if low >= 0 and high <= 1
            else "scale 0..255 to [-1, 1] with x / 127.5 - 1"
            if low >= 0
            else "scale the values to [-1, 1]"
        )
        raise BadValue(where, what, f"values {low:.4g}..{high:.4g}", expected, fix)


def visible(text: str) -> str:
    """The text with an escape for each character that does not print, such as a newline."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
