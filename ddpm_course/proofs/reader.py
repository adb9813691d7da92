"""From LaTeX to a tree: one fixed unambiguous grammar of declared names."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.exceptions import VisitError
from lark.lexer import Lexer

from .errors import Unreadable
from .grammar import GRAMMAR, TERMINALS, WORDS
from .layout import cut
from .lexer import Names, Notation


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


def is_number(node: Node) -> bool:
    """Whether no letter stands in a formula."""
    return all(x.op in ("number", "add", "neg", "mul", "div", "pow") for x in node.walk())


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
        last = left
        while last.op in ("mul", "neg"):
            last = last.parts[-1]
        if right.op == "div" and is_number(last) and is_number(right):
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
        return self.bound("sum", (*c[1], c[3], c[4]))

    def bound(self, op, parts):
        if any(x.op in ("sum", "prod") and x.parts[0] == parts[0] for x in parts[-1].walk()):
            raise Unreadable("", "", f"{parts[0]} is the letter of a sum within a sum over it")
        return Node(op, parts)

    def slope(self, c):
        return Node("partial" if c[0] else "slope", (c[1], c[3]))

    def prod_over(self, c):
        """Of several factors, to the eye, a product takes those up to the last that holds its letter."""
        letter, factors = Node("index", c[1][:1]), c[4:]
        if len(factors) > 1 and letter not in factors[1].walk():
            raise Unreadable("", "", "a factor without the letter of the product: write it before")
        body = self.mul(factors) if factors[1:] else factors[0]
        return self.bound("prod", (*c[1], c[3], body))

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
