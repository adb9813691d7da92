"""An exercise: a way to check, and three hints. Its text stands in its chapter."""

from dataclasses import dataclass

from .code import Code
from .kinds import First, Function, Hole, Line


@dataclass(frozen=True)
class Exercise:
    """The hints start with where to look, and end one step before the answer."""

    kind: Hole | Line | First | Function | Code
    hints: tuple[str, str, str]
