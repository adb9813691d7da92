"""What passes between the grader and a submission's process: lines of JSON, with a size and a time.

What comes from there is data: numbers, tensors, names. Nothing is unpickled, nothing is called.
"""

import json
import math
import socket
import time
from typing import Any

LONGEST = 1 << 20  # bytes of a line
LARGEST = 10_000  # numbers of a tensor


class Stopped(BaseException):
    """The other side ended, or was too slow, or said what has no meaning; str(...) says which.

    It is no Exception, so that who calls a submission's function does not take it for its error.
    """


class Wire:
    """One end of a connection; each message is one line."""

    def __init__(self, end: socket.socket) -> None:
        self.end, self.rest = end, b""

    def send(self, message: Any) -> None:
        """Send what JSON can say. Raises Stopped when nobody is there."""
        try:
            self.end.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            raise Stopped("its process ended") from None

    def receive(self, until: float = math.inf) -> Any:
        """The next message; `until` is a time of time.monotonic(). Raises Stopped."""
        while (left := until - time.monotonic()) <= 0 or b"\n" not in self.rest:
            if left <= 0:
                raise Stopped("it took too long")
            self.end.settimeout(None if left == math.inf else left)
            try:
                more = self.end.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError:
                more = b""
            if not more:
                raise Stopped("its process ended")
            self.rest += more
            if len(self.rest) > LONGEST:
                raise Stopped("it returned too much")
        line, _, self.rest = self.rest.partition(b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise Stopped("what its process sent has no meaning") from None


def encoded(value: Any) -> Any:
    """A result as JSON: None, a number, a tensor; of anything else the name of its type."""
    import torch

    if value is None:
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    kind = type(value).__name__
    try:
        tensor = value if isinstance(value, torch.Tensor) else torch.as_tensor(value)
        if tensor.is_complex() or tensor.numel() > LARGEST:
            return {"type": "ComplexTensor" if tensor.is_complex() else "LargeTensor"}
        numbers = tensor.detach().double().flatten().tolist()
        return {"shape": list(tensor.shape), "numbers": numbers}
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return {"type": kind}


def decoded(message: Any) -> Any:
    """The value of a message; what it names and does not hold is an object of a type so named.

    Raises Stopped.
    """
    import torch

    try:
        match message:
            case None:
                return None
            case int() | float():
                return float(message)
            case {"shape": [*shape], "numbers": [*numbers]} if len(shape) <= 8 and all(
                type(number) in (int, float) for number in (*shape, *numbers)
            ):
                return torch.tensor([*map(float, numbers)], dtype=torch.float64).view(shape)
            case {"type": str(name)}:
                return type(name[:40] if name.isidentifier() else "something", (), {})()
    except (TypeError, RuntimeError, OverflowError):  # numbers that do not fit the shape
        pass
    raise Stopped("what its process sent has no meaning")
