"""How an answer is checked: a formula in a hole, the number of a line, a whole number, a function."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from .. import oracle
from ..book import Book, book, in_book
from ..chapters import after
from ..errors import ProofError, Refuted, Unreadable
from ..layout import cut
from ..lexer import Notation
from ..reader import Node, read, read_relations
from . import typed
from .replies import attempt, counterexample

Verdict = tuple[bool, str]


@cache
def derivation(chapter: str) -> Book:
    """What is known at the end of a chapter."""
    print("Loading the equations of the course, once ...", flush=True)
    with in_book(Book()) as known:
        after(chapter)
    return known


@dataclass(frozen=True)
class Hole:
    """An equation with \\square in it; `slip` is what somebody wrote there, `sides` what differs.

    Only the letters that are named may fill it: else the name of what is asked for would do. `after`
    is the chapter with the last equations that may be needed.
    """

    claim: str
    letters: str
    by: Callable[[], Any] = lambda: None
    start: int = 1
    slip: str = ""
    sides: str = "what is asked for and your answer"
    after: str = "07_ddim"

    @property
    def example(self) -> str:
        """How an answer looks, which this is not."""
        first, *others = self.letters.split()
        return r"\,".join([rf'r"\frac12\sqrt{{{first}}}', *others[-1:]]) + '"'

    def shown(self) -> str:
        return f"$$\n{self.claim}\n$$".replace(r"\square", self.slip) if self.slip else ""

    def check(self, answer: Any) -> Verdict:
        with in_book(derivation(self.after)):
            formula, compared = self.formula(answer)
            filled = self.claim.replace(r"\square", f"({formula})")
            sides, signs = read_relations(filled, book().declarations.notation)
            if len(set(sides)) == 1:
                return False, "this is the question itself"
            error = attempt(filled, by=self.by(), start=self.start)
            if error is None:
                return True, "proved" + "; the name before = was not compared" * (not compared)
            if not isinstance(error, Refuted):  # what do the numbers say alone, also more of them?
                claim = sides, signs, book().declarations, self.start
                try:
                    oracle.refute(*claim)
                    oracle.refute(*claim, worlds=oracle.FURTHER, digits=300)
                except ProofError as refuted:
                    error = refuted
        return False, counterexample(error, self.sides)

    def formula(self, answer: Any) -> tuple[str, bool]:
        """The answer in the spelling of the course, and whether no other name stood before =, than what
        is asked for. Raises Unreadable."""
        known = book().declarations.notation
        name, text = typed.parted(typed.unwrapped(typed.text_of(answer)))
        compared = not name or self._is_asked(typed.in_latex(name), known)
        try:
            return self._own(typed.spaced(typed.in_latex(text)), known), compared
        except Unreadable:
            if "\\" in text:
                raise
            try:
                return self._own(typed.from_python(text), known), compared
            except Unreadable:
                pass
            raise

    def _own(self, latex: str, known: Notation) -> str:
        tree = read(latex, known)
        typed.bounded(tree, latex)
        if foreign := _letters(tree) - _letters(read(self.letters, known)):
            named = ", ".join(f"${letter}$" for letter in self.letters.split())
            raise Unreadable(
                latex, min(foreign), f"the answer is a formula in {named}, with any index"
            )
        return latex

    def _is_asked(self, name: str, known: Notation) -> bool:
        """Whether a name before = is what is asked for, the left side of the claim. It may be another
        name, too, if it is none that the answer may hold."""
        asked, _, rest = self.claim.partition(" = ")
        if rest == r"\square" and cut(name) == cut(asked):
            return True
        try:
            tree = read(name, known)
        except Unreadable:
            if name.isidentifier():
                return False
            raise
        own = tree.op in ("symbol", "member", "call")
        if not own or _letter(tree) in _letters(read(self.letters, known)):
            raise Unreadable(name, f"{name} = ...", "a formula is asked for, and no equation")
        return False


def _letters(tree: Node) -> set[str]:
    """The names in a formula."""
    named = ("symbol", "member", "span", "call", "density")
    return {_letter(node) for node in tree.walk() if node.op in named}


def _letter(node: Node) -> str:
    """The name of what stands there. The image is another letter than the states after it."""
    return "x_0" if node.parts == ("x_t", Node("number", (0,))) else node.parts[0]


@dataclass(frozen=True)
class Line:
    """A derivation, one of whose lines does not follow from the one before."""

    formulas: tuple[str, ...]
    start: int = 1
    after: str = "07_ddim"
    example = "1"

    def shown(self) -> str:
        first, *rest = self.formulas
        lines = r" \\ ".join(rf"&= {formula} &&({n})" for n, formula in enumerate(rest, 1))
        return f"$$\n\\begin{{aligned}}&{first} \\\\ {lines}\\end{{aligned}}\n$$"

    def claim(self, n: int) -> str:
        """What line n says: that it equals the one before it."""
        before, after = self.formulas[n - 1 : n + 1]
        return rf"\begin{{aligned}}{before} \\ &= {after}\end{{aligned}}"

    def check(self, answer: Any) -> Verdict:
        n, last = typed.whole(answer), len(self.formulas) - 1
        if why := _outside(n, last):
            return False, why
        with in_book(derivation(self.after)):
            error = attempt(self.claim(int(n)), start=self.start)
        if isinstance(error, Refuted):
            return True, f"in line {n} {counterexample(error)}"
        return False, f"line {n} is true: no numbers refute what it says, so the slip is elsewhere"


def _outside(n: Fraction, last: int) -> str:
    """Why a number is none of 1 to `last`; "" when it is."""
    if n.denominator > 1:
        return f"the answer is a whole number, and {float(n):g} is none"
    return "" if 1 <= n <= last else f"the answer is a whole number from 1 to {last}"


@dataclass(frozen=True)
class First:
    """The first whole number at which something that grows has reached a limit."""

    what: str
    value: Callable[[int], float]
    limit: float
    largest: int
    example = "1"

    def shown(self) -> str:
        return ""

    def check(self, answer: Any) -> Verdict:
        said = typed.whole(answer)
        if why := _outside(said, self.largest):
            return False, why
        here = self.value(n := int(said))
        if here < self.limit:
            return False, f"at {n} {self.what} is {here:.4f}, below {self.limit}"
        before = self.value(n - 1)
        if before < self.limit:
            return True, f"{self.what} is {before:.4f} at {n - 1} and {here:.4f} at {n}"
        return False, f"at {n - 1} {self.what} is {before:.4f} already"


@dataclass(frozen=True)
class Function:
    """A function of numbers, which should agree with one of the package."""

    arguments: tuple[str, ...]
    truth: Callable[..., float]
    points: tuple[tuple[float, ...], ...]

    @property
    def example(self) -> str:
        return f"lambda {', '.join(self.arguments)}: {self.arguments[0]}"

    def shown(self) -> str:
        return ""

    def check(self, answer: Any) -> Verdict:
        function: Callable[..., Any] = answer
        if not callable(function):
            raise Unreadable("", "", f"a function of {', '.join(self.arguments)} is asked for")
        for point in self.points:
            where = ", ".join(f"{a} = {x:g}" for a, x in zip(self.arguments, point))
            try:
                said = float(function(*point))
            except (Exception, SystemExit) as wrong:  # whatever the reader's code does
                return False, f"at {where} it fails: {type(wrong).__name__}: {wrong}"
            true = float(self.truth(*point))
            if not abs(said - true) <= 1e-6 * (1 + abs(true)):
                return False, f"at {where} it returns {said:.4f}, the exact value is {true:.4f}"
        return True, f"it agrees at {len(self.points)} points"
