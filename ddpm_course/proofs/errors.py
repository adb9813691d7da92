"""What can be wrong with a formula or a proof: facts in fields, put into words in one place."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import SupportsFloat


class ProofError(ValueError):
    """A formula that is unreadable, undefined, false or not proved."""

    def __str__(self) -> str:
        return self.words()

    def words(self) -> str:
        raise NotImplementedError


@dataclass(eq=False)
class Unreadable(ProofError):
    """LaTeX that the grammar or the notation does not know. at: the text from there on."""

    latex: str
    at: str
    why: str

    def words(self):
        return f"{self.why}\n  in  {self.latex}\n  at  {self.at or 'the end'}"


@dataclass(eq=False)
class Undefined(ProofError):
    """A side that has no value somewhere in the claimed range. what: the formula, as LaTeX, for
    which an expression may be given; where: the place."""

    what: object
    where: str

    def __post_init__(self):
        self.what = shown(self.what)

    def words(self):
        return f"{self.what} is not defined {self.where}"


@dataclass(eq=False)
class Refuted(ProofError):
    """Numbers for which the relation fails. point: what was put in; left, right: the two values."""

    left: object
    right: object
    point: dict[str, object]
    world: str = ""

    def words(self):
        where = ", ".join(f"{name} = {shown(value)}" for name, value in self.point.items())
        return (
            f"the sides are {shown(self.left)} and {shown(self.right)}"
            f"{f' in {self.world}' if self.world else ''}{f' at {where}' if where else ''}"
        )


@dataclass(eq=False)
class NotProved(ProofError):
    """The rule applies, but what it asks for was not proved. difference: what should vanish."""

    rule: str
    difference: object

    def words(self):
        return f"{self.rule}: not proved to vanish: {shown(self.difference)}"


@dataclass(eq=False)
class WrongRule(ProofError):
    """A rule whose side condition fails. about: what stands in the places {} of the condition."""

    rule: str
    condition: str
    about: tuple[object, ...] = ()

    def words(self):
        said = self.condition.format(*map(shown, self.about)) if self.about else self.condition
        return f"{self.rule}: {said}"


def shown(value: object) -> str:
    """A number or a vector in five digits; what a proof is about as LaTeX."""
    if isinstance(value, str):
        return value.lstrip("•→")
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(shown, value)) + ")"
    if "sympy" in sys.modules and not isinstance(value, (int, float, Decimal)):
        from .printing import latex

        return latex(value)
    return f"{float(value):.5g}" if isinstance(value, SupportsFloat) else str(value)
