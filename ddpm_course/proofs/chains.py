"""Laws as tables: in a finite chain every mean is a sum over all paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import product
from math import prod
from typing import NoReturn

from .checks import World
from .errors import Refuted
from .grids import NIL, ONE, Grid, Inexpressible, Value, number, wrong
from .reader import Node
from .worlds import At, Key


class Doubted(Exception):
    """A table refutes what may well hold of the law that was declared in its place."""


class Chain(World):
    """States have two or three values, marked 0, 1, 2; every law is a random table."""

    def check(
        self, relations: list[tuple[Node, Node, Node]], at: At, before: tuple | None = None
    ) -> None:
        self.replaced = False  # a declared law, by a table
        try:
            super().check(relations, at, before)
        except Refuted:
            if self.replaced:
                raise Doubted from None
            raise

    @property
    def marks(self) -> range:
        return range(3 if self.T < 3 else 2)

    def choices(self, key: Key | str, at: At, start: int) -> Iterable:
        if isinstance(key, str):
            return super().choices(key, at, start)
        return (
            self.marks
            if sum(isinstance(k, tuple) for k in at) < 4
            else [self.rng.choice(self.marks)]
        )

    def point(self, key: Key, mark: int) -> Grid:
        return self.once((key, mark), lambda: self.array(self.d))

    def joint(self, at: At, name: str, left: list[Key], right: list[Key]) -> NoReturn:
        raise Inexpressible

    def on_kl(self, at: At, one: Node, two: Node) -> Decimal:
        """The mean of log one/two."""
        keys, ratio = self.keys(one.parts[1], at), Node("log", (Node("div", (one, two)),))
        if {*keys} != {*self.keys(two.parts[1], at)}:
            wrong("a divergence of laws of different states")
        return number(
            self.expect(
                one,
                at,
                lambda here: self.value(ratio, At({**at, **{key: here[key] for key in keys}})),
            )
        )

    def row(self, *which: object) -> list[Decimal]:
        """The probabilities of the marks of one state, given those of its parents."""
        weights = self.once(which, lambda: [Decimal(self.rng.randint(1, 20)) for _ in self.marks])
        return [x / sum(weights) for x in weights]

    def chance(self, at: At, name: str, fixed: dict[Key, int]) -> Decimal:
        """The probability that some states have these marks: a sum over all paths."""
        if not fixed:
            return ONE
        shape, steps = self.structure(name), self.steps(name, fixed, at)
        memo = name, *steps.items()
        if shape.shape == "pair":
            raise Inexpressible
        if any(self.declared(name, key, given, at) for key, given in steps.items()):
            self.replaced = True
        if memo not in self.made:
            paths = [({}, ONE)]
            for key, parents in steps.items():
                source = shape.like if shape.like and parents else name
                paths = [
                    ({**path, key: mark}, w * x)
                    for path, w in paths
                    for mark, x in enumerate(self.row(source, key, *(path[p] for p in parents)))
                ]
            self.made[memo] = paths
        if (some := (memo, frozenset(fixed.items()))) not in self.made:
            self.made[some] = sum(
                (w for path, w in self.made[memo] if some[1] <= path.items()), NIL
            )
        return self.made[some]

    def on_density(
        self, at: At, name: str, over: tuple[Node, ...], under: tuple[Node, ...]
    ) -> Decimal:
        """A probability by the sizes of the values: a density may be larger than 1."""
        name, left, right = self.bar(at, name, over, under)
        sizes = (
            self.once((key, at[key], "size"), lambda: self.any_number("positive")) for key in left
        )
        given = {key: at[key] for key in right}
        return (
            self.chance(at, name, {key: at[key] for key in left} | given)
            / self.chance(at, name, given)
            / prod(sizes, start=ONE)
        )

    def expect(self, node: Node, at: At, body: Callable[[At], Value]) -> Value:
        if node.op != "density":
            return super().expect(node, at, body)
        name, left, right = self.bar(at, *node.parts)
        given = {key: at[key] for key in right}
        cases = [given | dict(zip(left, marks)) for marks in product(self.marks, repeat=len(left))]
        total = sum((self.chance(at, name, case) * body(at.with_only(case)) for case in cases), NIL)
        return total * (1 / self.chance(at, name, given))
