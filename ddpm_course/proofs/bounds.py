"""Ways of proof for bounds: the tangent of a convex function, and Gibbs' inequality."""

from __future__ import annotations

import sympy as sp

from . import kernel
from .book import Book
from .errors import WrongRule
from .goals import Goal
from .kernel import Theorem
from .reader import Node
from .statements import AtMost, Equal, difference
from .tactics import Premise, Tactic, calculated, known
from .terms import Exp, Range, Term, named


def tangent(letter: str) -> Tactic:
    """A bound between functions of one positive number: the gap is convex, and touches zero at 1."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        claim = goal.claim
        if not isinstance(claim, AtMost):
            raise WrongRule("tangent", "it proves a bound")
        left, right = claim.left, claim.right
        assert isinstance(left, Term) and isinstance(right, Term)  # matrices are not compared
        return kernel.convex(b.theory, sp.Symbol(letter), left, right, sp.S.One)

    return tactic


def gibbs(b: Book, bound: Theorem, p: Node, q: Node, rng: Range) -> tuple[Theorem, Theorem]:
    """E[log(q/p)] <= E[q/p - 1] under p, from a bound log u <= u - 1; and E[q/p] = 1."""
    if not isinstance(bound.claim, AtMost):
        raise WrongRule("gibbs", "the premise is no bound")
    if not p.op == q.op == "density":
        raise WrongRule("gibbs", "it compares two densities by their names")
    r = b.reading(rng.lo)
    (first, S, C), (second, _, D) = r.density(*p.parts), r.density(*q.parts)
    ratio = Term(Exp(r.log_density(q) - r.log_density(p)))
    letters = difference("gibbs", bound.claim).free_symbols
    if len(letters) != 1:
        raise WrongRule("gibbs", "the bound is not one in a single letter")
    (u,) = letters
    th = kernel.monotone(b.theory, kernel.substitute(b.theory, bound, u, ratio, rng), first, C)
    return th, kernel.importance(b.theory, first, S, C, second, D, rng)


def pointwise(bound: Premise) -> Tactic:
    """Gibbs: a bound between numbers, put under one mean on both sides; the total mass is one."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        kls = [n for side in goal.sides for n in side.walk() if n.op == "kl"]
        p, q = kls[0].parts if kls else _quotient(goal)
        th, mass = gibbs(b, known(b, bound), p, q, goal.range)
        if isinstance(goal.claim, Equal):
            return calculated(b, goal.claim, goal.range, [mass])
        return kernel.transfer(b.theory, goal.claim, th, [mass], goal.range)

    return tactic


def _quotient(goal: Goal) -> tuple[Node, Node]:
    for side in goal.sides:
        for n in side.walk():
            if n.op == "mean":
                for q in n.parts[1].walk():
                    if q.op == "div" and q.parts[0].op == q.parts[1].op == "density":
                        return q.parts[1], q.parts[0]
    raise WrongRule("pointwise", "no quotient of two densities under a mean")


def gap(equality: str, bound: str) -> Tactic:
    """A bound whose gap is the divergence in an equality: by Gibbs it is not negative."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        kl = next((n for side in b[equality].sides for n in side.walk() if n.op == "kl"), None)
        if kl is None:
            raise WrongRule("gap", "({}) holds no divergence", (equality,))
        p, q = kl.parts
        th, mass = gibbs(b, known(b, bound), p, q, goal.range)
        return kernel.transfer(b.theory, goal.claim, th, [mass, *b[equality].links], goal.range)

    return tactic


def importance() -> Tactic:
    """The mean of a quotient of densities over all that is drawn: the density below cancels."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        r, mean = (
            b.reading(goal.range.lo),
            next((n for s in goal.sides for n in s.walk() if n.op == "mean"), None),
        )
        if mean is None or mean.parts[0].op != "density" or not isinstance(goal.claim, Equal):
            raise WrongRule("importance", "it proves what the mean of a quotient of densities is")
        q, S, C = r.density(*mean.parts[0].parts)
        names = [
            n.parts[0] for n in mean.parts[1].walk() if n.op == "density" and n.parts[0] != named(q)
        ]
        if not names:
            raise WrongRule("importance", "no second density stands in the mean")
        name = names[0]
        p = b.theory.processes[name].id
        th = kernel.importance(b.theory, q, S, C, p, C, goal.range)
        return calculated(b, goal.claim, goal.range, [th])

    return tactic
