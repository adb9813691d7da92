"""A world of numbers for the second opinion: indices, points, and what a formula is worth there."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, getcontext
from math import prod
from typing import Any, TypeVar

from .arithmetic import ARITHMETIC, pi
from .declarations import Declarations, Hypothesis
from .errors import Undefined
from .grids import (
    NIL,
    ONE,
    Grid,
    Inexpressible,
    Open,
    Value,
    column,
    flat,
    holds,
    joined,
    minus,
    number,
    wrong,
)
from .normals import bell
from .reader import Node, read
from .spelling import Key, spelled, titled

SIZES = {"n": 2, "m": 3}  # of matrices; d is that of vectors

Density = tuple[str, list[Key], list[Key]]
X = TypeVar("X")


class At(dict[Key | str, Any]):
    """Where a formula is read: values of index letters and fresh noises by name, of states by key.

    What is missing is open; but in a closed place, such as under a mean, no other state may occur.
    """

    def __missing__(self, key: Key | str):
        if "closed" in self and isinstance(key, tuple):
            wrong(f"{titled(key)} is neither listed nor given")
        raise Open(key)

    def with_only(self, states: Mapping[Key, object]) -> At:
        """The closed place with these states alone."""
        return At(
            {**{k: v for k, v in self.items() if isinstance(k, str)}, **states, "closed": True}
        )


Normals = tuple[
    Callable[[tuple[Decimal, ...]], At], int
]  # a place for each value of so many normals


class Points:
    """T steps, dimension d, and a value for all that has no definition. States: points of R^d."""

    def __init__(self, known: Declarations, T: int, d: int, mood: str, seed: int):
        self.known, self.T, self.d, self.mood = known, T, d, mood
        self.used, self.strict = {}, False
        self.tiny = Decimal(10) ** -(2 * getcontext().prec // 5)  # a difference that is none
        self.rng = random.Random(f"{seed} {T} {d} {mood}")
        self.fixed = {"T": Decimal(T), "d": Decimal(d), "I": ONE}
        self.fixed |= {
            x: Decimal(n)
            for x, n in SIZES.items()
            if x in known.notation and known.notation[x].domain == "natural"
        }
        self.held = {
            n.parts[0]
            for said in known.hypotheses.values()
            for side in (said.left, said.right)
            for n in side.walk()
        }
        for n in range(120):  # what fails of numbers near 1, may hold of smaller or of larger ones
            self.drawn, self.made, self.scale = {}, {}, Decimal(2) ** ((-n if n % 2 else n) // 2)
            if all(map(self.obeys, known.hypotheses.values())):
                return
        raise Inexpressible

    def obeys(self, said: Hypothesis) -> bool:
        """Whether a standing hypothesis holds."""

        def check(at: At) -> bool:
            return holds(
                "lt" if said.strict else "le", self.value(said.left, at), self.value(said.right, at)
            )

        return all(self.everywhere(check, said.start))

    # -- what has no definition

    def any_number(self, domain: str, scale: Decimal = ONE) -> Decimal:
        """A random number; in the mood for it a small or a large one, or 0 where that is allowed.

        scale: not 1 once the hypotheses have failed for what they speak of; then it is rarely 0."""
        unit, pick = Decimal(self.rng.randint(50, 950)) / 1000, self.rng.choice
        zero, wide = (
            self.mood in ("zero", "peak") and scale == 1,
            {"extreme": 5, "far": 10**4, "peak": 10**4}.get(self.mood, 1),
        )
        if domain == "real":
            return NIL if zero else unit * pick((3, -3)) * max(scale, ONE)
        if domain == "natural":
            return Decimal(pick((1, 2, 3)))
        if domain == "nonnegative" and (zero or pick("0123") == "0"):
            return NIL
        if domain == "(0,1)":
            return pick((unit, unit / wide**2, 1 - unit / wide**2))
        return 4 * scale * pick((unit, unit / wide, unit * wide))

    def once(self, key: object, make: Callable[[], X]) -> X:
        """What is drawn, is drawn once."""
        if key not in self.drawn:
            self.drawn[key] = make()
        return self.drawn[key]

    def array(self, rows: int, columns: int = 1, scale: Decimal = ONE) -> Grid:
        return Grid(
            tuple(self.any_number("real", scale) for _ in range(columns)) for _ in range(rows)
        )

    def draw(self, key: Key) -> Value:
        """The value of a name without definition, such as ("\\alpha_t", 2)."""
        entry, slot = (
            self.known.notation[key[0]],
            (key[0], 0 if self.mood == "constant" else key[1]),
        )
        if entry.kind in ("noise", "random"):
            raise Inexpressible
        scale = self.scale if key[0] in self.held else ONE

        def make() -> Value:
            if entry.kind in ("scalar", "sequence", "variable"):
                return self.any_number(entry.domain, scale)
            rows, columns = (
                SIZES.get(x) or (self.d if x == "d" else int(x)) for x in entry.shape or ("d", "1")
            )
            made = self.array(rows, columns, scale)
            return made * made.T + ONE if entry.domain == "symmetric" else made

        self.used[titled(key)] = made = self.once(slot, make)
        return made

    def mark(self, key: Key, at: At) -> Any:
        """What stands for a random column at a place. A column of matrices is drawn once for all."""
        return (
            self.draw(key)
            if key not in at and self.known.notation[key[0]].kind == "column"
            else at[key]
        )

    def point(self, key: Key, mark: Any) -> Value:
        """The value of a state that has a mark: here it is the mark itself."""
        return mark

    def choices(self, key: Key | str, at: At, start: int) -> Iterable:
        """What an open index letter or state may be."""
        if isinstance(key, tuple):
            return [self.array(self.d)]
        if key == "s":
            return range(max(start - 1, 0), at["t"])
        return range(start if key == "t" else 0, self.T + 1)

    def everywhere(self, check: Callable[[At], bool], start: int, at: At = At()) -> list[bool]:
        """What a check says at all places: whatever it finds open has every value in turn."""
        try:
            return [check(at)]
        except Open as missing:  # s is bounded by t, and comes after it
            key = "t" if missing.args[0] == "s" and "t" not in at else missing.args[0]
        tries = [At({**at, key: x}) for x in self.choices(key, at, start)]
        return [said for there in tries for said in self.everywhere(check, start, there)]

    # -- reading

    def value(self, node: Node, at: At) -> Value:
        """The value of a formula at a place. Undefined names the outermost symbol that has none."""
        try:
            if node.op not in ARITHMETIC:
                return getattr(self, f"on_{node.op}")(at, *node.parts)
            return ARITHMETIC[node.op](
                *(self.value(x, at) if isinstance(x, Node) else x for x in node.parts)
            )
        except ArithmeticError:
            raise Undefined(spelled(node), "") from None
        except Undefined as gap:
            if node.op in ("member", "symbol", "call", "density"):
                gap.what = spelled(node)
            raise

    def whole(self, node: Node, at: At) -> int:
        index = number(self.value(node, at))
        return int(index) if index == int(index) else wrong("an index that is not a whole number")

    def key(self, node: Node, at: At) -> Key:
        """A name with its index. There is no state outside 0..T."""
        name = node.parts[0]
        if node.op != "member":
            return name, None
        index = self.whole(node.parts[1], at)
        if self.known.notation[name].kind == "state" and not 0 <= index <= self.T:
            raise ArithmeticError
        return name, index

    def on_index(self, at: At, letter: str) -> Decimal:
        return Decimal(at[letter])

    def on_limit(self, at: At, letter: str, body: Node) -> Value:
        """The value far out, where it moves no more."""
        try:
            near, far = (self.value(body, At({**at, letter: n})) for n in (10**15, 2 * 10**15))
        except (ArithmeticError, Undefined):
            raise Inexpressible from None
        if not holds("eq", near, far):
            raise Inexpressible
        return far

    def on_symbol(self, at: At, *parts: object) -> Value:
        """What a name stands for: what is given, its definition, or else anything."""
        known, (name, index) = (
            self.known,
            (key := self.key(Node("member" if parts[1:] else "symbol", parts), at)),
        )
        kind, here = known.notation[name].kind, At({**at, "t": index}) if parts[1:] else at
        if name in self.fixed or name in at:
            return {**at, **self.fixed}[name]
        if name == r"\pi":
            return pi()
        if kind == "fresh":
            wrong(f"{name} is bound by no mean and no relation of laws")
        if kind == "state" or key in at:
            return self.point(key, at[key])
        if noise := known.noises.get(name):
            if not noise.start <= here["t"] <= self.T:
                raise ArithmeticError
            rest = minus(self.value(noise.state, here), self.value(noise.mean, here))
            return rest * (1 / number(self.value(noise.variance, here)).sqrt())
        if index == 0 and name in known.first:
            return self.value(known.first[name], here)
        if meaning := known.meanings.get(key) or known.meanings.get(name):
            return self.value(meaning, here)
        if index is not None and not (kind != "column") <= index <= self.T:
            raise ArithmeticError
        return self.draw(key)

    on_member = on_symbol

    def on_call(self, at: At, name: str, under: Node | None, given: tuple[Node, ...]) -> Value:
        """A function, at the index for which it was declared with just these arguments.

        Without definition it is a quadratic polynomial: as good as any function, and means stay exact;
        in the mood for zero without squares, so that laws with such a mean are normal.
        """
        entry, known = self.known.notation[name], self.known
        if name not in self.made:
            assert entry.arguments  # else it had not been read as a function
            arguments = re.split(r",(?![^{]*\})", entry.arguments)  # not at a comma within braces
            self.made[name] = [read(x, known.notation) for x in arguments]
        meant = lambda nodes, at: [
            self.key(x, at) if x.op == "member" else self.value(x, at) for x in nodes
        ]
        for t in (
            [self.whole(under, at)]
            if under
            else dict.fromkeys((at.get("t", 1), *range(self.T + 1)))
        ):
            here = At({**at, "t": t})
            if meant(self.made[name], here) == meant(given, at):
                break
        else:
            wrong(f"{name} does not have these arguments at any index")
        if name in known.meanings:
            return self.value(known.meanings[name], here)
        if entry.indexed and not 1 <= t <= self.T:
            raise ArithmeticError
        u = [ONE, Decimal(t if under else 0), *(x for b in given for x in flat(self.value(b, at)))]
        table = lambda: [
            [[Decimal(self.rng.randint(-9, 9)) / 20 for _ in u] for _ in u] for _ in range(self.d)
        ]
        first = u[:1] if self.mood == "zero" else u
        made = [
            sum((c * x * y for row, x in zip(rows, first) for c, y in zip(row, u)), NIL)
            for rows in self.once((name, "?"), table)
        ]
        if entry.kind in ("smooth", "path"):  # no derivative vanishes by chance
            made = [x + x**3 for x in made]
        if entry.kind not in ("scalar", "smooth"):
            return column(made)
        return {"real": made[0], "(0,1)": 1 / (made[0] ** 2 + 2)}.get(
            entry.domain, made[0] ** 2 + 1
        )

    def on_sum(
        self, at: At, letter: str, low: Node, high: Node, body: Node, join: Callable = sum
    ) -> Value:
        first, last = self.whole(low, at), self.whole(high, at)
        if last < first - 1:
            raise ArithmeticError
        return join(
            (self.value(body, At({**at, letter: n})) for n in range(first, last + 1)),
            start=ONE * join(()),
        )

    def on_prod(self, *parts) -> Value:
        return self.on_sum(*parts, join=prod)

    def on_normal(self, at: At, place: Node | None, mean: Node, spread: Node) -> Decimal:
        if place is None:
            wrong("a normal law without its variable is no density")
        return bell(minus(self.value(place, at), self.value(mean, at)), self.value(spread, at))

    def on_blocks(self, at: At, *rows: tuple[Node, ...]) -> Grid:
        """A matrix of blocks. Of which size a 0 or an I is, matrices beside it say, or an earlier one of blocks."""
        parts = [[self.value(x, at) for x in row] for row in rows]
        made, self.made["blocks"] = joined(parts, self.made.get("blocks", ([], [])))
        return made
