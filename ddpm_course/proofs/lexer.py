"""The declared names, and how the tokens of a formula are classified by them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NoReturn

from lark import Token

from .errors import Unreadable
from .grammar import (
    ACCENTS,
    ARGUMENTS,
    BRACKETS,
    CLOSING,
    ENDS,
    GREEK,
    LETTER,
    OPENING,
    SHORT,
    TERMINALS,
    WORD,
)
from .layout import cut

KINDS = (
    *"scalar sequence vector random state noise fresh variable point".split(),
    *"smooth path matrix column density".split(),
)
DOMAINS = ("real", "positive", "nonnegative", "(0,1)", "natural", "symmetric")
INDICES = ("t", "k", "s", "i", "j")
FUNCTIONS = re.compile(r"(\\mathrm\{)?[EPVHDO]\}?|\\(Gamma|delta|Delta)")  # before a bracket
OPERATORS = re.compile(r"(\\mathrm\{)?[EP]\}?")  # before a letter
FALSE_FRIENDS = re.compile(r"e|o|O|\\mathrm\{(e|o|O|l|d[a-z])\}")
LABEL = re.compile(rf"([0-9]+|(?![tskijoO]$)[A-Za-z]|\\({'|'.join(GREEK.split())}|ell))?$")
RESERVED = {  # what the kernel takes these letters for
    "T": ("scalar", "natural"),
    "d": ("scalar", "natural"),
    r"\pi": ("scalar", "positive"),
    "I": ("matrix", "real"),
}


@dataclass(frozen=True)
class Entry:
    """One declared symbol. `arguments` is the text between its brackets, `shape` that of a matrix."""

    name: str
    kind: str
    domain: str
    meaning: str
    indexed: bool
    arguments: str | None = None
    shape: tuple[str, ...] = ()


Notation = dict[str, Entry]


@dataclass
class Names:
    """The tokens of a formula, with every name classified by its declaration."""

    latex: str
    notation: Notation
    todo: list[str] = field(default_factory=list)
    at: int = 0

    def fail(self, why: str) -> NoReturn:
        raise Unreadable(self.latex, " ".join(self.todo[self.at : self.at + 8]), why)

    @property
    def next(self) -> str:
        return self.todo[self.at] if self.at < len(self.todo) else ""

    def take(self) -> str:
        if not self.next:
            self.fail("the text ends too early")
        self.at += 1
        return self.todo[self.at - 1]

    def tokens(self) -> Iterator[Token]:
        while self.next:
            start = self.at
            if (
                self.todo[self.at - 1 : self.at + 1] == ["{", "d"]
                and self.todo[self.at - 2] == r"\overset"
            ):
                yield Token("D", self.take())
            elif inside := self.derivative():
                yield Token("SLOPE", r"\partial" * (r"\partial" in self.todo[start : start + 3]))
                yield from Names(self.latex, self.notation, inside).tokens()
                yield Token("SUBR", "")
            elif self.next.isascii() and self.next.isdigit():
                yield Token("INT", self.take())
            elif self.next in TERMINALS:
                self.script()
                yield Token(TERMINALS[self.next], self.take())
            else:
                yield from self.name()

    def derivative(self) -> list[str]:
        r"""The variable of \frac{d}{d\tau}, with d or \partial, or of \partial_\tau: then it is passed."""
        if self.next == r"\partial":
            self.take()
            return self.subscript() or self.fail("a derivative in which variable?")
        if self.next != r"\frac":
            return []
        ahead = Names(self.latex, {}, self.todo, self.at + 1)
        above, below = ahead.group(), ahead.group()
        sign, beside = above[:1], "".join(below[1:2])
        if sign not in (["d"], [r"\partial"]) or below[:1] != sign:
            return []
        if sign == ["d"] and beside in ("", "+", "-", "/", "^", r"\cdot"):
            return []  # numbers; but d before a letter looks like a derivative, and is one
        if above != sign or not beside:
            self.fail(r"a derivative is written \frac{d}{d\tau}, before what it is taken of")
        self.at = ahead.at
        return below[1:]

    def letter(self) -> str:
        """A letter with its accent; the braces around an accented letter do not count."""
        accent = self.take() if self.next in ACCENTS else ""
        braced = accent and self.next == "{"
        if braced:
            self.take()
        if not LETTER.match(self.next):
            self.fail("a declared symbol was expected")
        base = accent + (" " if accent and self.next.isalpha() else "") + self.take()
        if braced and self.take() != "}":
            self.fail("one letter under an accent")
        return base

    def subscript(self) -> list[str]:
        if self.next != "_":
            return []
        self.script()
        self.take()
        return self.group()

    def script(self) -> None:
        """Raises Unreadable before an index or an exponent that stands in brackets as a whole: to the
        eye it counts derivatives, or steps. And where an index is a product, or two indices."""
        if self.next not in ("^", "_"):
            return
        inside = Names(self.latex, {}, Names(self.latex, {}, self.todo, self.at + 1).group())
        beside = any(a.isdigit() and b.isalpha() for a, b in pairwise(inside.todo))
        if self.next == "_" and beside:
            self.fail("a number beside a letter, in an index")
        if pair := BRACKETS.get(inside.next):
            inside.group(pair)
            if not inside.next:
                self.fail("an index or an exponent in brackets: write it without")

    def group(self, pair: str = "{}") -> list[str]:
        """One token, or those between braces, or between a pair of other brackets."""
        if self.next != pair[0]:
            return [self.take()]
        start, depth = self.at + 1, 0
        while True:
            depth += {pair[0]: 1, pair[1]: -1}.get(self.take(), 0)
            if not depth:
                return self.todo[start : self.at - 1]

    def name(self) -> Iterator[Token]:
        """A symbol; or a family, a function or a density, and the tokens of its index."""
        start, base, under = self.at, self.letter(), []
        if not (base in INDICES and self.next != "_"):
            under = self.subscript()
        elif base not in self.notation:
            self.product(start)
            return (yield Token("INDEX", base))
        label, labelled = (f"{base}_{''.join(under)}", True) if under else (base, False)
        whole = self.notation.get(label)
        if whole and (under != ["t"] or whole.kind in ("matrix", "column")):
            name, under = label, []
        elif under and f"{base}_t" in self.notation:
            name = f"{base}_t"
        else:
            self.fail(f"{label} is not declared")
        entry = self.notation[name]
        if entry.kind == "density":
            kind = "DENSITY"
        elif entry.arguments:
            kind = "FUNCTION"
        else:
            kind = (
                "FAMILY" if under else "LABELLED" if labelled else "SYMBOL"
            )  # TeX sets x^v_1 as x^v_1
            self.product(start)
        yield Token(kind, name)
        if under:
            yield Token("SUBL", "_")
            yield from Names(self.latex, self.notation, under).tokens()
            yield Token("SUBR", "")

    def product(self, start: int) -> None:
        r"""Raises Unreadable where what was read from start on is no function, and looks like one: a
        letter before a bracket without a sum; E, P, or a word such as \mathrm{ln}, before any factor. A
        word may also be one of a text, as \mathrm{and}, so it stands behind no factor either."""
        before = self.todo[start - 1] if start else ""
        if before in ARGUMENTS:
            return  # in \sum_{k=1}^t(2k) the bracket stands after the sign
        ahead, name = Names(self.latex, {}, self.todo, self.at), "".join(self.todo[start : self.at])
        if ahead.next == "^":
            ahead.take()
            ahead.group()
        is_factor = lambda x: x.isdigit() or LETTER.match(x) or x in ACCENTS
        letter, pair = is_factor(ahead.next), BRACKETS.get(ahead.next)
        beside = ahead.next not in ENDS | {"/"} or is_factor(before) or before in CLOSING
        word = WORD.search(name) and (pair or beside and not SHORT.match(name))
        if word or letter and OPERATORS.fullmatch(name):
            self.fail(rf"{name} is no operator: write \cdot between it and a factor")
        if pair and (FUNCTIONS.fullmatch(name) or not ahead.sums(pair)):
            self.fail(
                f"{name} is no function: write \\cdot before a bracket, unless it holds a sum"
            )

    def sums(self, pair: str) -> bool:
        """Whether a bracket holds a sum, outside of brackets in it."""
        depth, terms = 0, self.group(pair)
        for before, token in pairwise(terms):
            depth += (before in OPENING) - (before in CLOSING)
            if token in ("+", "-") and not depth:
                return True
        return False


def declared(
    latex: str, kind: str, meaning: str, domain: str = "real", shape: tuple[str | int, ...] = ()
) -> Entry:
    """The entry of a symbol, written as it stands for the index t.

    kind: one of KINDS; domain: one of DOMAINS; shape: the two sides of a matrix or a column, each
    "n", "m", "d" or a number. Raises Unreadable for what the kind does not take.
    """
    for what, got, known in (("kind", kind, KINDS), ("domain", domain, DOMAINS)):
        if got not in known:
            raise Unreadable(latex, got, f"{what} {got!r} is none of {', '.join(known)}")
    if kind == "variable" and domain not in ("real", "positive", "(0,1)"):
        raise Unreadable(latex, domain, "a variable takes every number of an open interval")
    names = Names(latex, {}, cut(latex))
    base, label = names.letter(), "".join(names.subscript())
    name = f"{base}_{label}" if label else base
    called = names.next == "("
    arguments = names.group("()") if called else []
    if FALSE_FRIENDS.fullmatch(name):
        raise Unreadable(
            latex, base, "to the eye this is a number, a differential or another letter"
        )
    if names.next or called and not arguments:
        raise Unreadable(latex, names.next, "a name ends, or has arguments in brackets")
    hidden = ("k",) if kind == "density" else ("t", "t,s")  # of its own component, at its own times
    if not LABEL.match(label) and label not in hidden:
        raise Unreadable(latex, label, "a label is t, or one letter or number that is no index")
    if domain == "symmetric" and (kind != "matrix" or len({*map(str, shape)}) != 1):
        raise Unreadable(latex, domain, "symmetric is said of a square matrix")
    if kind == "state" and label != "t":
        raise Unreadable(latex, "", "a state is written with its index, as x_t")
    if kind in ("variable", "point") and (arguments or label in ("t", "t,s")):
        raise Unreadable(latex, "", f"a {kind} is one letter, with neither index nor arguments")
    sides = tuple(map(str, shape))
    if base in {rf"\mathrm{{{letter}}}" for letter in (*INDICES, *RESERVED)}:
        raise Unreadable(latex, base, "upright, it is too like the letter of the kernel")
    if name in RESERVED and (kind, domain, arguments, sides) != (*RESERVED[name], [], ()):
        raise Unreadable(latex, kind, f"{name} is a {' and '.join(RESERVED[name])} from the start")
    if kind in ("matrix", "column") and name != "I":
        if len(sides) != 2 or not all(x in ("n", "m", "d") or x.isdecimal() for x in sides):
            raise Unreadable(latex, "", f"a {kind} has two sides, each n, m, d or a number")
    indexed = label == "t" or "t" in arguments
    return Entry(name, kind, domain, meaning, indexed, "".join(arguments) or None, sides)
