"""Derivatives in a world of numbers: by values that are very near."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext

from .grids import NIL, ONE, Grid, Inexpressible, Value, column, full, minus, number, wrong
from .reader import Node
from .worlds import At, Key, Points, spelled


class Slopes(Points):
    """A world in which a formula has derivatives."""

    def change(self, body: Node, at: At, key: Key | str, known: Value, one: Value) -> Value:
        """How fast the body changes in a direction: by values so near that more digits of the slope
        are right than are compared."""
        near, made, ends = self.tiny * self.tiny.sqrt(), self.made, []
        with localcontext(prec=getcontext().prec - 3 * near.adjusted()):
            for step in (near, -near):
                self.made = {}  # laws may depend on what moves
                ends.append(self.value(body, At({**at, key: known + one * step})))
            self.made = made
            return minus(*ends) * (1 / (2 * near))

    def changes(self, name: Node, body: Node, at: At) -> list[Value]:
        """The same for every entry of a point or a state."""
        key = self.moving(name, at, ("point", "state"))
        known = at[key] if isinstance(key, tuple) else self.value(name, at)
        if not isinstance(known, Grid):
            raise Inexpressible  # a mark in a finite chain
        axes = full(ONE, (len(known), len(known)))
        return [self.change(body, at, key, known, column(axis)) for axis in axes]

    def moving(self, name: Node, at: At, kinds: tuple[str, ...]) -> Key | str:
        """Where a place has the value of a variable, a point or a state."""
        key = self.key(name, at) if name.op in ("symbol", "member") else ("", None)
        kind = self.known.notation[key[0]].kind if key[0] else ""
        if kind not in kinds:
            wrong(f"no derivative is taken in {spelled(name)}")
        return key if kind == "state" else key[0]

    def on_slope(self, at: At, name: Node, body: Node) -> Value:
        key = self.moving(name, at, ("variable",))
        return self.change(body, at, key, self.value(name, at), ONE)

    on_partial = on_slope

    def on_gradient(self, at: At, name: Node, body: Node) -> Grid:
        return column(map(number, self.changes(name, body, at)))

    def on_divergence(self, at: At, name: Node, body: Node) -> Decimal:
        changes = self.changes(name, body, at)
        entries = (full(change, (len(changes), 1))[i][0] for i, change in enumerate(changes))
        return sum(entries, NIL)
