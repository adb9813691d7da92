"""Laws in a world of numbers: Gaussian processes by linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import product
from typing import Any

from .arithmetic import power
from .declarations import DeclaredLaw, Structure
from .grids import (
    NIL,
    ONE,
    TINY,
    Grid,
    Inexpressible,
    Value,
    column,
    flat,
    full,
    holds,
    minus,
    transposed,
    wrong,
)
from .normals import bell, divergence, integral
from .reader import Node
from .slopes import Slopes
from .worlds import At, Density, Key, Normals, spelled, titled


class Laws(Slopes):
    """Every law is the Gaussian that was declared, conditioned by linear algebra."""

    def keys(self, nodes: Iterable[Node], at: At) -> list[Key]:
        """The random columns on one side of a bar."""
        found: list[Key] = []
        for node in nodes:
            kind = self.known.notation[node.parts[0]].kind
            if kind not in ("state", "column"):
                wrong(f"{spelled(node)} is not random")
            if node.op != "span":
                found.append(self.key(node, at))
            else:
                low, high = (self.whole(x, at) for x in node.parts[1:])
                if not -1 < low <= high + 1 <= self.T + 1:
                    raise ArithmeticError
                found += [(node.parts[0], n) for n in range(low, high + 1)]
        return found

    def bar(self, at: At, name: str, left: tuple[Node, ...], right: tuple[Node, ...]) -> Density:
        """A density without letters; what is on both sides of the bar has no density."""
        if len({*left, *right}) < len(left) + len(right):
            wrong("a state is named twice in one density")
        one, two = self.keys(left, at), self.keys(right, at)
        if len({*one, *two}) < len(one) + len(two):
            raise ArithmeticError
        return name, one, two

    def structure(self, name: str) -> Structure:
        return self.known.structures.get(name) or wrong(f"{name} is the law of no declared process")

    def steps(self, name: str, keys: Iterable[Key], at: At) -> dict[Key, tuple[Key, ...]]:
        """Which column is drawn given which others, in the order of drawing, up to the last of `keys`."""
        shape, T, state = self.structure(name), self.T, next(iter(keys), ("", 0))[0]
        if shape.shape == "pair":
            laws = sorted(self.known.laws.get(name, ()), key=lambda law: len(law.density.parts[2]))
            found = {
                self.key(law.density.parts[1][0], at): (*self.keys(law.density.parts[2], at),)
                for law in laws
            }
        else:
            t, s = (at[x] if x in shape.indices else 0 for x in "ts")
            if shape.indices and not 0 <= s < t <= T:
                raise ArithmeticError
            links = {
                "forward": [(0,), *((n, n - 1) for n in range(1, T + 1))],
                "backward": [(T,), *((n - 1, n) for n in range(T, 0, -1))],
                "bridge": [(0,), (T, 0), *((n - 1, n, 0) for n in range(T, 1, -1))],
                "step": [(0,), (t, 0), (t - 1, t, 0)],
                "jump": [(0,), (t, 0), (s, t, 0)],
            }[shape.shape]
            found = {
                (state, n): tuple((state, m) for m in given)
                for n, *given in links
                if n not in given
            }
        for key in keys:
            if key not in found:
                wrong(f"{name} has no {titled(key)}")
        order = [*found]
        return {key: found[key] for key in order[: 1 + max(map(order.index, keys), default=-1)]}

    def declared(
        self, name: str, key: Key, parents: tuple[Key, ...], at: At
    ) -> tuple[DeclaredLaw, At] | None:
        """The declared law of a column given its parents, and the place where it is read."""
        shape, there = self.structure(name), at.with_only({})
        places = [there]
        for law in self.known.laws.get(shape.like if shape.like and parents else name, ()):
            _, left, right = law.density.parts
            if shape.shape not in ("step", "jump", "pair"):
                places = [At({**there, "t": t}) for t in range(law.start, self.T + 1)]
            for here in places:
                if self.keys(left, here) == [key] and {*self.keys(right, here)} == {*parents}:
                    return law, here
        return None

    def link(
        self, name: str, key: Key, parents: tuple[Key, ...], at: At
    ) -> tuple[Callable[[dict[Key, Any]], Value], Value, dict[Key, Value] | None]:
        """The declared law of a column given its parents: mean, spread, and the matrices before the parents."""
        shape, part = self.structure(name), at.get((name, None))
        moved = at.get("t"), at.get("s")  # by which such a process is another one
        memo = name, key, part, *(moved if shape.shape in ("step", "jump", "pair") else ())
        if memo in self.made:
            return self.made[memo]
        if declared := self.declared(name, key, parents, at):
            law, here = declared
            mean = lambda values: self.value(law.mean, here.with_only(values))
            self.made[memo] = mean, self.value(law.spread, here), self.slopes(mean, parents)
            return self.made[memo]
        if parents:
            raise Inexpressible
        start, spread = self.once(
            (name, "start", part), lambda: (self.array(self.d), self.any_number("positive"))
        )
        self.made[memo] = (lambda values: start), spread, None
        return self.made[memo]

    def slopes(
        self, mean: Callable[[dict], Value], parents: tuple[Key, ...]
    ) -> dict[Key, Value] | None:
        """The matrix before each parent in its child's mean, if that is linear."""
        sizes = {
            p: len(flat(self.draw(p))) if self.known.notation[p[0]].kind == "column" else self.d
            for p in parents
        }
        some = {p: self.array(size, scale=2 * ONE) for p, size in sizes.items()}  # never 0
        zero, found = {p: x * NIL for p, x in some.items()}, {}
        rest = mean(zero)
        for p, x in some.items():
            units = full(ONE, (size := len(flat(x)), size))
            found[p] = Grid(
                zip(*(flat(minus(mean({**zero, p: column(unit)}), rest)) for unit in units))
            )
            if len({*found[p].shape}) == 1 and holds("equal", found[p], found[p][0][0]):
                found[p] = found[p][0][0]
        return (
            found
            if holds("equal", mean(some), sum((found[p] * some[p] for p in parents), rest))
            else None
        )

    def joint(self, at: At, name: str, left: list[Key], right: list[Key]) -> tuple[dict, dict]:
        """Means and covariances of the columns left, given those right."""
        given, steps = (
            {key: self.mark(key, at) for key in right},
            self.steps(name, [*left, *right], at),
        )
        drawn, more = set(), {*left}
        while more:  # what is drawn and bears on them: all that shares a step with them
            drawn |= more
            near = {
                k
                for key, parents in steps.items()
                if drawn & {key, *parents}
                for k in (key, *parents)
            }
            more = near - drawn - {*given}
        means, covs = {}, {}
        for key, parents in steps.items():
            inside = [p for p in parents if p in drawn]
            if key not in drawn and not (key in given and inside):
                continue
            mean, spread, slopes = self.link(name, key, parents, at)
            if slopes is None:
                if inside or self.strict and not parents and (name, None) not in at:
                    raise Inexpressible
                slopes = {}
            for other in means:
                covs[key, other] = sum((slopes[p] * covs[p, other] for p in inside), NIL)
                covs[other, key] = transposed(covs[key, other])
            means[key] = mean({p: means[p] if p in drawn else given[p] for p in parents})
            covs[key, key] = sum((slopes[p] * covs[p, key] for p in inside), spread)
        for key in [
            key for key in means if key in given
        ]:  # each value that is given tells of the rest
            inverse, rest = power(covs[key, key], -ONE), minus(given[key], means.pop(key))
            for one in means:
                gain = covs[one, key] * inverse
                means[one] = means[one] + gain * rest
                for other in means:
                    covs[one, other] = minus(covs[one, other], gain * covs[key, other])
        return means, covs

    def parts(
        self, at: At, name: str, left: list[Key], right: list[Key]
    ) -> list[tuple[Decimal, At]]:
        """The normal parts of a process, with their weights given the columns right: in a strict
        world its start, where that is left open, has a mixture of two for a law."""
        first, *_ = [*self.steps(name, [*left, *right], at), None]
        if (
            not (self.strict and first)
            or first in right
            or self.structure(name).shape == "pair"
            or self.declared(name, first, (), at)
        ):
            return [(ONE, at)]
        places = [At({**at, (name, None): part}) for part in (1, 2)]
        weights = [self.product(here, name, right, []) * here[name, None] for here in places]
        return [(weight / sum(weights), here) for weight, here in zip(weights, places)]

    def product(self, at: At, name: str, left: list[Key], right: list[Key]) -> Decimal:
        """A density: each column given those before it, in the order of drawing."""
        made = ONE
        for key in self.steps(name, [*left, *right], at):
            if key not in left:
                continue
            means, covs = self.joint(at, name, [key], right)
            made *= bell(minus(self.mark(key, at), means[key]), covs[key, key])
            right = [*right, key]
        return made

    def on_density(
        self, at: At, name: str, over: tuple[Node, ...], under: tuple[Node, ...]
    ) -> Decimal:
        name, left, right = self.bar(at, name, over, under)
        return sum(
            (
                weight * self.product(here, name, left, right)
                for weight, here in self.parts(at, name, left, right)
            ),
            NIL,
        )

    # -- means

    def path(self, at: At, name: str, left: list[Key], right: list[Key]) -> Normals:
        """The place with these states, for every value of so many standard normals."""
        (means, covs), roots = self.joint(at, name, left, right), {}
        if any(isinstance(x, Grid) for x in covs.values()):
            raise Inexpressible
        for j in left:
            root = covs[j, j].sqrt() if covs[j, j] > TINY * TINY else NIL
            for k in left:
                roots[k, j] = covs[k, j] / root if root else NIL
            for k, l in product(left, left):
                covs[k, l] -= roots[k, j] * roots[l, j]
        given = {key: self.mark(key, at) for key in right}

        def place(z: tuple[Decimal, ...]) -> At:
            parts = dict(zip(left, (column(z[i : i + self.d]) for i in range(0, len(z), self.d))))
            return at.with_only(
                given | {k: sum((roots[k, j] * parts[j] for j in left), means[k]) for k in left}
            )

        return place, len(left) * self.d

    def over(self, node: Node, at: At) -> Normals:
        """The same for what stands below the sign of a mean: a density, or fresh noises."""
        if node.op == "density":
            return self.path(at, *self.bar(at, *node.parts))
        names = [x.parts[0] for x in node.parts]
        if any(self.known.notation[x].kind != "fresh" for x in names):
            wrong("a mean over what is no fresh noise")
        cut = lambda z: (column(z[i : i + self.d]) for i in range(0, len(z), self.d))
        return lambda z: At({**at, **dict(zip(names, cut(z)))}), len(names) * self.d

    def expect(self, node: Node, at: At, body: Callable[[At], Value]) -> Value:
        parts = [(ONE, at)]
        if node.op == "density":
            parts = self.parts(at, *self.bar(at, *node.parts))
        made: Value = NIL
        for weight, here in parts:
            place, n = self.over(node, here)
            made = integral(lambda z, place=place: body(place(z)), n) * weight + made
        return made

    def law(self, body: Node, place: Callable[[tuple], At], n: int) -> tuple[Value, Value]:
        """Mean and covariance of a formula that is linear in standard normals."""
        mean = integral(lambda z: self.value(body, place(z)), n, most=1)
        parts = [minus(self.value(body, place(unit)), mean) for unit in full(ONE, (n, n))]
        return mean, sum((part * transposed(part) for part in parts), NIL)

    def on_covariance(self, at: At, over: Node, body: Node) -> Value:
        return self.law(body, *self.over(over, at))[1]

    def on_mean(self, at: At, over: Node, body: Node) -> Value:
        return self.expect(over, at, lambda here: self.value(body, here))

    def normal(self, law: Node, at: At) -> tuple[Value, Value]:
        """Mean and spread of the law of one column."""
        if law.op == "normal":
            return self.value(law.parts[1], at), self.value(law.parts[2], at)
        name, left, right = self.bar(at, *law.parts)
        if len(left) != 1:
            raise Inexpressible
        means, covs = self.joint(at, name, left, right)
        return means[left[0]], covs[left[0], left[0]]

    def on_kl(self, at: At, one: Node, two: Node) -> Decimal:
        left = [{*self.keys(x.parts[1], at)} for x in (one, two) if x.op == "density"]
        if left[1:] and left[0] != left[1]:
            wrong("a divergence of laws of different states")
        return divergence(*self.normal(one, at), *self.normal(two, at))
