"""From LaTeX to a tree: a lexer that knows the declared names, and one fixed unambiguous grammar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.exceptions import VisitError
from lark.lexer import Lexer

from .errors import Unreadable
from .grammar import (
    ACCENTS,
    BRACKETS,
    ENDS,
    GRAMMAR,
    GREEK,
    LETTER,
    ONE_DIGIT,
    TERMINALS,
    WORD,
    WORDS,
    cut,
)

KINDS = (
    *"scalar sequence vector random state noise fresh variable point".split(),
    *"smooth path matrix column density".split(),
)
DOMAINS = ("real", "positive", "nonnegative", "(0,1)", "natural", "symmetric")
INDICES = ("t", "k", "s", "i", "j")
FUNCTIONS = re.compile(r"(\\mathrm\{)?[EP]\}?|\\Gamma")  # to the eye, before any bracket
LABEL = re.compile(rf"([0-9]+|(?![tskij]$)[A-Za-z]|\\({'|'.join(GREEK.split())}|ell))?$")
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


@dataclass(frozen=True)
class Node:
    """A formula as read; `op` says what the parts are, see the grammar."""

    op: str
    parts: tuple = ()

    def walk(self) -> Iterator["Node"]:
        yield self
        for part in self.parts:
            for child in part if isinstance(part, tuple) else (part,):
                if isinstance(child, Node):
                    yield from child.walk()


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
            if (
                self.todo[self.at - 1 : self.at + 1] == ["{", "d"]
                and self.todo[self.at - 2] == r"\overset"
            ):
                yield Token("D", self.take())
            elif inside := self.derivative():
                yield Token("SLOPE", "")
                yield from Names(self.latex, self.notation, inside).tokens()
                yield Token("SUBR", "")
            elif self.next.isascii() and self.next.isdigit():
                yield Token("INT", self.take())
            elif self.next in TERMINALS:
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
        self.take()
        return self.group()

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
            self.product(start, indexed=False)
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
            self.product(start, indexed=bool(under))
        yield Token(kind, name)
        if under:
            yield Token("SUBL", "_")
            yield from Names(self.latex, self.notation, under).tokens()
            yield Token("SUBR", "")

    def product(self, start: int, indexed: bool) -> None:
        r"""Raises Unreadable where what was read from start on is no function, and looks like one: a
        letter before a bracket without a sum; a word, such as \mathrm{ln}, before a bracket, or
        without an index before any factor."""
        if self.todo[start - 1] in ONE_DIGIT:
            return  # in \sum_{k=1}^t(2k) the bracket stands after the sign
        ahead, name = Names(self.latex, {}, self.todo, self.at), "".join(self.todo[start : self.at])
        if ahead.next == "^":
            ahead.take()
            ahead.group()
        pair = BRACKETS.get(ahead.next)
        if WORD.search(name) and (pair or not indexed and ahead.next not in ENDS | {"/"}):
            self.fail(rf"{name} is no function: write \cdot between it and a factor")
        if pair and (FUNCTIONS.fullmatch(name) or not {"+", "-"} & {*ahead.group(pair)}):
            self.fail(
                f"{name} is no function: write \\cdot before a bracket, unless it holds a sum"
            )


class _Given(Lexer):
    """The tokens come ready from `Names`."""

    def __init__(self, conf):
        pass

    # Lark calls a lexer of one's own with the text alone, which here is the list of tokens.
    def lex(self, tokens):  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(tokens)


class _Tree(Transformer):
    """The grammar's rules as nodes; what only punctuates is dropped."""

    KEPT = {"INT", "SYMBOL", "LABELLED", "INDEX", "FAMILY", "FUNCTION", "DENSITY", "PLUS", "MINUS"}

    def __default__(self, data, children, meta) -> Any:
        kept = [c for c in children if not isinstance(c, Token) or c.type in self.KEPT]
        values = [str(c) if isinstance(c, Token) else c for c in kept]
        if data in ("inside", "group", "open"):
            return values[0]  # a formula in brackets
        return Node(str(data), tuple(values))

    def times(self, c):
        return Node("mul", (c[0], c[2]))

    def mul(self, c):
        """Side by side, a number and a fraction of numbers look like one mixed number."""
        left, right = c
        digits = lambda node: node.op == "number"
        if digits(left) and right.op == "div" and all(map(digits, right.parts)):
            raise Unreadable(
                "", "", r"a number before a fraction of numbers: write \cdot between them"
            )
        return Node("mul", (left, right))

    def number(self, c):
        return Node("number", (int(c[0]),))

    def args(self, c):
        return tuple(x for x in c if isinstance(x, Node))

    vars = row = args

    def letters(self, c):
        return Node("letters", tuple(x for x in c if isinstance(x, Node)))

    def over(self, c):
        if len(c) == 3:
            return Node("div", (c[0], c[2]))  # the rule of a slash
        return c[0]

    def signed(self, c):
        return Node("neg", (c[1],)) if str(c[0]) == "-" else c[-1]

    def sum(self, c):
        terms = [c[0]] + [
            Node("neg", (x,)) if str(sign) == "-" else x for sign, x in zip(c[1::2], c[2::2])
        ]
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def under(self, c):
        return (str(c[2]), c[4])

    def sum_over(self, c):
        return Node("sum", (*c[1], c[3], c[4]))

    def prod_over(self, c):
        """Of several factors, to the eye, a product takes those up to the last that holds its letter."""
        letter, factors = Node("index", c[1][:1]), c[4:]
        if len(factors) > 1 and letter not in factors[1].walk():
            raise Unreadable("", "", "a factor without the letter of the product: write it before")
        return Node("prod", (*c[1], c[3], self.mul(factors) if factors[1:] else factors[0]))

    def density(self, c):
        return Node("density", (str(c[0]), c[2], c[4] if len(c) > 4 else ()))

    def call(self, c):
        return Node("call", (str(c[0]), None, c[2]))

    def call_at(self, c):
        return Node("call", (str(c[0]), c[2], c[5]))

    def normal(self, c):
        parts = [x for x in c if isinstance(x, Node)]
        return Node("normal", tuple(parts) if len(parts) == 3 else (None, *parts))

    def law_under(self, c):
        return Node("law_under", (str(c[2]), c[4] if len(c) == 9 else ()))

    def start(self, c):
        return tuple(c[::2]), tuple(c[1::2])


@cache
def parser() -> Lark:
    """LALR; `strict` makes every ambiguity an error of the grammar, found here and not in a formula."""
    return Lark(
        GRAMMAR,
        parser="lalr",
        lexer=_Given,
        strict=True,
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def read_relations(latex: str, notation: Notation) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The sides of a chain of relations, and the signs between them. Raises Unreadable."""
    try:
        tree = parser().parse(list(Names(latex, notation, cut(latex)).tokens()))
    except UnexpectedToken as wrong:
        got = "the end" if wrong.token.type == "$END" else str(wrong.token)
        signs = {
            name: sign.replace(r"\mathrm{normal}", r"\mathcal N")
            .replace(r"\mathrm{mean}", r"\mathbb E")
            .replace(r"\mathrm{KL}", "D_{KL}")
            for sign, name in TERMINALS.items()
        }
        expected = sorted({signs.get(name, WORDS.get(name, "")) for name in wrong.expected})
        raise Unreadable(
            latex, got, f"unexpected {got}; expected one of {'  '.join(filter(None, expected))}"
        ) from None
    try:
        return _Tree().transform(tree)
    except VisitError as wrong:
        if isinstance(wrong.orig_exc, Unreadable):
            wrong.orig_exc.latex = latex
        raise wrong.orig_exc from None


def read(latex: str, notation: Notation) -> Node:
    """The tree of one formula without a relation sign. Raises Unreadable."""
    sides, signs = read_relations(latex, notation)
    if signs:
        raise Unreadable(latex, signs[0].op, "one formula was expected, without a relation sign")
    return sides[0]


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
