"""What a course declares, defines and proves, in order; and the equations that it displays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import sympy as sp

from . import display, kernel
from .declarations import Declarations
from .errors import ProofError, Unreadable, WrongRule
from .kernel import Theorem
from .lexer import Entry
from .reader import Node
from .reading import Reading
from .terms import Law, Range, named
from .theory import Theory
from .values import name_of


@dataclass
class Equation:
    """A displayed formula with its number.

    kind: definition, hypothesis, cited, or equation. links: the theorems, one for every relation
    sign; they are proved when they are first asked for.
    """

    number: str
    latex: str
    kind: str
    start: int = 1
    sides: tuple[Node, ...] = ()
    signs: tuple[Node, ...] = ()
    source: str = ""
    needs: set[str] = field(default_factory=set)  # hypotheses without which a side has no value
    extends: bool = False  # whether it gives a noise its meaning
    silent: bool = False  # whether the second opinion had no numbers for it
    prove: Callable[[], tuple[Theorem, ...]] | None = field(default=None, repr=False)
    known: tuple[Theorem, ...] | None = field(default=None, repr=False)

    @property
    def links(self) -> tuple[Theorem, ...]:
        if self.known is None:
            self.known = self.prove() if self.prove else ()
        return self.known

    @property
    def theorem(self) -> Theorem:
        """What its last relation sign says."""
        if not self.links:
            raise WrongRule("premise", "({}) states no theorem", (self.number,))
        return self.links[-1]

    @property
    def verdict(self) -> str:
        """definition, hypothesis, cited, derived or numeric. What gives a noise its meaning is a
        definition, and rests on the law from which that of the noise is derived."""
        if self.kind != "equation":
            return self.kind
        if self.extends:
            return "definition"
        return "numeric" if any(th.strength == "numeric" for th in self.links) else "derived"

    def __repr__(self):
        return f"({self.number}) {self.verdict}"

    def _repr_mimebundle_(self, **_) -> dict:
        return display.shown(self, book())


@dataclass
class Book:
    """theory and declarations as they stand now, and the equations by number."""

    theory: Theory = field(default_factory=Theory)
    declarations: Declarations = field(default_factory=Declarations)
    equations: dict[str, Equation] = field(default_factory=dict)
    recalling: bool = False

    def copy(self) -> Book:
        return Book(self.theory, self.declarations.copy(), dict(self.equations), self.recalling)

    def __getitem__(self, number: str) -> Equation:
        if number not in self.equations:
            raise WrongRule("premise", "there is no equation ({})", (number,))
        return self.equations[number]

    def reading(self, start: int) -> Reading:
        if type(start) is not int or start < 0:
            raise WrongRule("start", "{} is no whole number from 0 on", (start,))
        return Reading(self.theory, self.declarations.notation, Range(start))

    def head(self, entry: Entry, left: Node) -> sp.Expr:
        """The atom that the left side of a definition names, although it has no value yet."""
        r = Reading(self.theory, self.declarations.notation, Range(1), naming=name_of(entry))
        return r(left).expr

    def laws(self, process: sp.Expr) -> Iterator[Theorem]:
        """The theorems about laws of a process, and of the one whose step it shares; latest first."""
        like = self.theory.process(process).like
        for equation in [*self.equations.values()][::-1]:
            if not (equation.sides and equation.sides[0].op == "density"):
                continue
            name = equation.sides[0].parts[0]
            if name not in (named(process), like) or equation.sides[-1].op != "normal":
                continue
            for th in equation.links:
                if isinstance(th.claim, Law):
                    yield (
                        th
                        if name == named(process)
                        else kernel.instance(self.theory, th, named(process))
                    )


_BOOK: ContextVar[Book] = ContextVar("book", default=Book())  # noqa: B039


def book() -> Book:
    """The book that the words of this module write into."""
    return _BOOK.get()


@contextmanager
def in_book(other: Book) -> Iterator[Book]:
    """Write into another book for a while."""
    token = _BOOK.set(other)
    try:
        yield other
    finally:
        _BOOK.reset(token)


@contextmanager
def entering(number: str, latex: str) -> Iterator[Book]:
    """For a formula that is about to be entered: the book as it is, which it stays where that fails."""
    b = book()
    if not re.fullmatch(r"\w*\d\w*(\.\w*\d\w*)*", number, re.ASCII):
        raise WrongRule("number", "{} is no number, such as 3.1 or H1", (number,))
    if number in b.equations and b.equations[number].latex != latex:
        raise WrongRule(
            "number", "({}) is already the number of {}", (number, b.equations[number].latex)
        )
    before = b.copy()
    try:
        yield before
    except ProofError as wrong:
        b.theory, b.declarations = before.theory, before.declarations
        if isinstance(wrong, Unreadable) and not wrong.latex:
            wrong.latex = latex
        raise


def enter(equation: Equation) -> Equation:
    book().equations[equation.number] = equation
    return equation
