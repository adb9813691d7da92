"""From the sides of a displayed relation to the statement that is to be proved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import kernel
from .matrix_reading import MatrixReading
from .reader import Node
from .reading import ZERO, Reading
from .statements import AtMost, Claim, Equal, law_in
from .terms import Law, Range, Term, is_state, merge, span

if TYPE_CHECKING:
    from .book import Equation


@dataclass
class Goal:
    """One relation that is to be proved, for t >= start."""

    claim: Claim
    range: Range
    sides: tuple[Node, Node]
    sign: Node


def law_claim(r: Reading, density: Node, normal: Node) -> Law:
    """q(x | C) = N(x; m, v I) as a statement about the law of x."""
    process, drawn, given = r.density(*density.parts)
    of, mean, variance = r.normal(normal)
    if len(drawn) != 1 or of is None or not is_state(of) or span(of.args[0]) not in drawn:
        r.fail("the density is not that of the variable of the normal law")
    law = Law(None, of, frozenset(), mean, variance)
    r.need(lambda c: c.positive(variance, strict=False), law)
    return replace(law, process=process, given=given)


def in_law(r: Reading, sign: Node, left: Node, right: Node) -> Law:
    """left =(q | C) right, as a statement about the law of the left side."""
    fresh = frozenset(n for n, e in r.notation.items() if e.kind == "fresh")
    process, given = None, frozenset()
    if sign.op == "law_under":
        name, nodes = sign.parts
        if name not in r.theory.processes:
            r.fail(f"{name} is no process yet")
        known = r.theory.processes[name]
        process, given = known.id, frozenset(merge([r.states(n, known) for n in nodes]))
        of = r.of_kind(left, "vector")
    else:
        with r.drawing(fresh):
            of = r.of_kind(left, "vector")
    with r.drawing(fresh):
        value = r.of_kind(right, "vector")
    drawn = law_in("in_law", kernel.combination(r.theory, None, given, value, r.rng))
    return Law(process, of, given, drawn.mean, drawn.variance)


def goals(r: Reading, equation: Equation) -> list[Goal]:
    """What the relations of an equation say, one by one."""
    found = []
    for left, sign, right in zip(equation.sides, equation.signs, equation.sides[1:]):
        if any(map(MatrixReading(r).holds, (left, right))):
            found.append(Goal(_matrix_claim(r, left, sign, right), r.rng, (left, right), sign))
            continue
        if sign.op in ("law_under", "in_law"):
            claim = in_law(r, sign, left, right)
        elif (
            left.op == "density"
            and right.op == "normal"
            and sign.op == "equal"
            and len(left.parts[1]) == 1
            and left.parts[1][0].op == "member"
        ):
            claim = law_claim(r, left, right)
        else:
            x, y = _of_one_kind(r, *((right, left) if sign.op == "ge" else (left, right)))
            claim = AtMost(x, y) if sign.op in ("le", "ge") else Equal(x, y)
        found.append(Goal(claim, r.rng, (left, right), sign))
    nodes = [n for side in equation.sides for n in side.walk()]
    moving = {Node("index", ("t",)), Node("index", ("s",))} & set(nodes) or any(
        n.op == "symbol" and r.notation[n.parts[0]].kind in ("noise", "random") for n in nodes
    )
    if equation.start != 1 and not moving:
        r.fail("it does not depend on t, so it has no start")
    equation.needs = set(r.used)
    return found


def _matrix_claim(r: Reading, left: Node, sign: Node, right: Node) -> Claim:
    m = MatrixReading(r)
    if sign.op != "equal":
        r.fail("matrices are related by = alone")
    if left.op == "density" and right.op == "normal":
        return m.law(left, right)
    return Equal(m(left), m(right))


def _of_one_kind(r: Reading, one: Node, other: Node) -> tuple[Term, Term]:
    """The sides as terms of one kind; a plain 0 is of every kind."""
    left, right = r(one), r(other)
    kinds = {x.kind for x, node in ((left, one), (right, other)) if node != ZERO} or {left.kind}
    if len(kinds) > 1:
        r.fail(f"a {left.kind} is compared with a {right.kind}")
    (kind,) = kinds
    return Term(left.expr, kind), Term(right.expr, kind)
