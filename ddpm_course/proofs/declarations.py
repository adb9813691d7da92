"""What the chapters declare, as parse trees: all that kernel and second opinion have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .lexer import Notation
from .reader import Node


@dataclass(frozen=True)
class Structure:
    """Which state is drawn given which others, in a process with one density name.

    shape "forward":  x_0, then x_t given x_{t-1} for t = 1..T (a Markov chain)
    shape "backward": x_T, then x_{t-1} given x_t for t = T..1 (a Markov chain)
    shape "bridge":   x_0, then x_T given x_0, then x_{t-1} given x_t and x_0 for t = T..2
    shape "step":     x_0, then x_t given x_0, then x_{t-1} given x_t and x_0: for one t by itself
    shape "jump":     x_0, then x_t given x_0, then x_s given x_t and x_0: for one pair s < t by itself
    shape "pair":     two columns, the second given the first
    like: a forward process whose step this one shares; its own start law is declared.
    """

    name: str
    shape: str
    like: str = ""

    @property
    def indices(self) -> tuple[str, ...]:
        """The letters that the name stands for without showing them."""
        return {"step": ("t",), "jump": ("t", "s")}.get(self.shape, ())


@dataclass(frozen=True)
class DeclaredLaw:
    """q(left | right) := N(left; mean, spread), for t >= start. spread: a tree such as vI or \\Sigma."""

    number: str
    density: Node
    mean: Node
    spread: Node
    start: int = 1


@dataclass(frozen=True)
class Noise:
    """The noise that `state` = mean + sqrt(variance) noise defines, for t >= start."""

    state: Node
    mean: Node
    variance: Node
    start: int = 1


@dataclass(frozen=True)
class Hypothesis:
    """A standing hypothesis: left <= right, or left < right where it is strict, for t >= start."""

    name: str
    left: Node
    right: Node
    strict: bool
    start: int = 1


@dataclass
class Declarations:
    """notation: by name. meanings: the right side of a definition, by the name of its left side, in
    the letter t (sigma_{t,s}: in t and s), or by name and index where it is one member's alone.
    first: the value at 0 of a sequence, whose meaning then is its value at t in terms of that at t-1.
    laws: every law declared for a density name."""

    notation: Notation = field(default_factory=dict)
    meanings: dict[str | tuple[str, int | None], Node] = field(default_factory=dict)
    first: dict[str, Node] = field(default_factory=dict)
    structures: dict[str, Structure] = field(default_factory=dict)
    laws: dict[str, tuple[DeclaredLaw, ...]] = field(default_factory=dict)
    noises: dict[str, Noise] = field(default_factory=dict)
    hypotheses: dict[str, Hypothesis] = field(default_factory=dict)

    def copy(self) -> Declarations:
        return replace(self, **{name: dict(value) for name, value in vars(self).items()})
