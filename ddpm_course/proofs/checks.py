"""Whether a relation holds in a world of numbers, and where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, ROUND_UP, getcontext, localcontext

from .errors import Refuted, Undefined
from .grids import MOST_DIGITS, Inexpressible, Open, Value, holds, plain
from .laws import Laws
from .reader import Node
from .spelling import titled
from .worlds import At


class World(Laws):
    """A world in which relations between formulas are compared."""

    def pairs(self, left: Node, sign: Node, right: Node, at: At) -> Iterable[tuple[Value, Value]]:
        """The values that a relation compares: those of its sides, or their means and covariances."""

        def drawn(side: Node, at: At) -> tuple[Value, Value]:
            fresh = {
                x
                for x in side.walk()
                if x.op == "symbol" and self.known.notation[x.parts[0]].kind == "fresh"
            }
            return self.law(side, *self.over(Node("letters", (*fresh,)), at))

        if sign.op == "define" and left.op != "normal":
            return [(value := self.value(right, at), value)]
        if sign.op == "in_law":
            return zip(drawn(left, at), drawn(right, at))
        if sign.op != "law_under":
            return [(self.value(left, at), self.value(right, at))]
        given, needed, (name, _) = self.keys(sign.parts[1], at), [], sign.parts
        two = drawn(right, at.with_only({key: at[key] for key in given}))
        while True:  # which states the left side needs, it says itself
            place, n = self.path(at, name, needed, given)
            unclosed = lambda z: At({k: v for k, v in place(z).items() if k != "closed"})
            try:
                return zip(self.law(left, unclosed, n), two)
            except Open as missing:
                if isinstance(missing.args[0], str):
                    raise
                needed.append(missing.args[0])

    def same(self, a: Value, b: Value) -> bool:
        return holds("eq", a, b, self.tiny)

    def check(
        self, relations: list[tuple[Node, Node, Node]], at: At, before: tuple | None = None
    ) -> None:
        """Refuted where a relation does not hold; Undefined where a side has no value.

        before holds the place and the values of a difference that was found with fewer digits, which
        were rounded in another way. If that changes the values, nothing is left of them but rounding.
        A gap must be there with all digits: with fewer, 1 - y is 0 for y next to 1.
        """
        try:
            self.used = {}
            pairs = (
                (sign.op, pair)
                for left, sign, right in relations
                for pair in self.pairs(left, sign, right, at)
            )
            found = next(
                (
                    (n, *pair)
                    for n, (sign, pair) in enumerate(pairs)
                    if not holds(sign, *pair, self.tiny)
                ),
                None,
            )
        except (Undefined, ArithmeticError) as gap:
            if 9 * getcontext().prec <= MOST_DIGITS:
                return self.check_closer(relations, at)
            where = ", ".join(
                f"{x} = {n}" for x, n in (*at.items(), ("T", self.T)) if isinstance(x, str)
            )
            raise Undefined(getattr(gap, "what", "the law"), f"at {where}") from None
        if not found:
            return
        place, *bad = found
        if not before or before[0] != place or not all(map(self.same, before[1:], bad)):
            return self.check_closer(relations, at, found)
        shown = {
            titled(k): self.point(k, v) if isinstance(k, tuple) else v for k, v in at.items()
        } | self.used
        left, right = map(plain, bad)
        point = {name: plain(value) for name, value in shown.items()}
        raise Refuted(left, right, point, f"T = {self.T}, d = {self.d}")

    def check_closer(
        self, relations: list[tuple[Node, Node, Node]], at: At, before: tuple | None = None
    ) -> None:
        """check, with nine times the digits and another rounding."""
        if (digits := 9 * getcontext().prec) > MOST_DIGITS:
            raise Inexpressible
        self.made = {}
        up = getcontext().rounding == ROUND_HALF_EVEN
        with localcontext(prec=digits, rounding=ROUND_UP if up else ROUND_HALF_EVEN):
            self.check(relations, at, before)
