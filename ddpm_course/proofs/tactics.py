"""Ways of proof: they choose rules and premises for the kernel, and cannot make theorems themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy as sp

from . import kernel, oracle
from .book import Book, Equation
from .declarations import Noise
from .errors import NotProved, ProofError, WrongRule
from .goals import Goal, goals
from .kernel import Theorem
from .matrices import MatrixLaw
from .reader import Node
from .statements import AtMost, Equal, law_in
from .terms import (
    EE,
    EV,
    T_,
    Law,
    M,
    Range,
    Term,
    covered,
    is_state,
    matches,
    merge,
    named,
    span,
    t_,
)

Tactic = Callable[[Book, Goal], Theorem]
Premise = str | Theorem


def known(b: Book, premise: Premise) -> Theorem:
    return premise if isinstance(premise, Theorem) else b[premise].theorem


def at_time(b: Book, th: Theorem, time: sp.Expr) -> Theorem:
    """A law at the index where it is about the state at this time."""
    of = law_in("law", th).of
    n = matches(of, of.func(time)) if is_state(of) else None
    if n is None and is_state(of) and of.args == (time,):
        n = t_
    if n is None:
        raise WrongRule("law", "{} is never the state at {}", (of, time))
    return th if n == t_ else kernel.at(b.theory, th, n)


def widened(b: Book, th: Theorem, given: frozenset) -> Theorem:
    """A law under more conditions, by the Markov property, where that is needed."""
    before = law_in("law", th).given
    if before == given:
        return th
    extra = [x for x in given if not covered([x], before, th.range)]
    return kernel.markov(b.theory, th, extra)


def law_of(
    b: Book,
    process: sp.Expr,
    of: sp.Expr,
    given: frozenset,
    among: Iterable[Theorem] | None = None,
) -> Theorem:
    """A known law of a state of a process under these conditions."""
    last: ProofError = WrongRule("law", "no law of {} under these conditions is known", (of,))
    for th in b.laws(process) if among is None else among:
        try:
            if not isinstance(th.claim, Law):
                continue
            like = b.theory.process(process).like
            if like and named(th.claim.process) == like:
                th = kernel.instance(b.theory, th, named(process))
            found = widened(b, at_time(b, th, of.args[0]), given)
            law = law_in("law", found)
            if law.process == process and law.given == given:
                return found
        except ProofError as wrong:
            last = wrong
    raise last


def automatic(b: Book, goal: Goal) -> Theorem:
    """By definitions; a law by the known laws and noises of its process; densities by their laws."""
    if isinstance(goal.claim, Law):
        return _law(b, goal.claim, goal.range)
    if isinstance(goal.claim, AtMost):
        raise WrongRule("eq", "a bound is proved by gap, tangent or pointwise")
    claim = _equation("eq", goal)
    try:
        return calculated(b, claim, goal.range)
    except NotProved:
        sides = [x.expr for x in (claim.left, claim.right) if isinstance(x, Term)]
        names = {named(m.args[0]) for e in sides for m in e.atoms(M, EE, EV)}
        laws = [th for name in sorted(names) for th in b.laws(b.theory.processes[name].id)]
        if not laws:
            raise
        return calculated(b, claim, goal.range, laws)


def calculated(b: Book, claim: Equal, rng: Range, using: Iterable[Theorem] = ()) -> Theorem:
    left, right = claim.left, claim.right
    # The rule takes matrices, too, which its signature does not say.
    return kernel.calc(b.theory, left, right, using, rng)  # pyright: ignore[reportArgumentType]


def _equation(rule: str, goal: Goal) -> Equal:
    """The claim, where it says that two sides are equal."""
    if not isinstance(goal.claim, Equal):
        raise WrongRule(rule, "it proves an equation, or the law of a vector")
    return goal.claim


def _law(b: Book, claim: Law, rng: Range, among: Iterable[Theorem] | None = None) -> Theorem:
    """A known law of a state; of anything else, the law of a combination of noises."""
    if is_state(claim.of) and claim.process is not None:
        return law_of(b, claim.process, claim.of, claim.given, among)
    return kernel.combination(b.theory, claim.process, claim.given, claim.of, rng)


def using(*premises: Premise) -> Tactic:
    """Both sides become the same when these equations and laws are applied to what they are about."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        ths = [
            th
            for p in premises
            for th in ((p,) if isinstance(p, Theorem) else (b[p].theorem, *b[p].links[:-1]))
        ]
        if isinstance(goal.claim, Law):
            return _law(b, goal.claim, goal.range, ths)
        return calculated(b, _equation("using", goal), goal.range, ths)

    return tactic


def mix(prior: Premise, step: Premise) -> Tactic:
    """The law of x from that of y, and from that of x given y: Bishop's theorem."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        if isinstance(goal.claim, MatrixLaw):
            return kernel.mix_matrix(b.theory, known(b, prior), known(b, step))
        law = _asked("mix", goal)
        second = at_time(b, _of(b, known(b, step), law), law.of.args[0])
        given, under = law.given, law_in("mix", second).given
        y = next((x for x in under if not covered([x], given, second.range)), None)
        if y is None:
            raise WrongRule("mix", "the second law is given nothing that could be mixed over")
        first = _of(b, known(b, prior), law)
        first = widened(b, first if first.open else at_time(b, first, y[0]), given)
        return kernel.mix(b.theory, first, widened(b, second, frozenset(merge([*given, y]))))

    return tactic


def condition(prior: Premise, likelihood: Premise) -> Tactic:
    """The law of y given x, from that of y, and from that of x given y: Bayes for Gaussians."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        law = _asked("condition", goal)
        of, given = law.of, law.given
        last: ProofError = WrongRule("condition", "the law is given no state")
        second = _of(b, known(b, likelihood), law)
        for x in sorted(given, key=str):
            for time in {x[0], x[1]}:
                rest = frozenset(merge(_without(given, time)))
                try:
                    first = widened(b, at_time(b, _of(b, known(b, prior), law), of.args[0]), rest)
                    lik = widened(
                        b, at_time(b, second, time), frozenset(merge([*rest, span(of.args[0])]))
                    )
                    return kernel.condition(b.theory, first, lik)
                except ProofError as wrong:
                    last = wrong
        raise last

    return tactic


def _without(given, time):
    for a, b in given:
        if a == time == b:
            continue
        if time == a:
            yield span(a + 1, b)
        elif time == b:
            yield span(a, b - 1)
        else:
            yield span(a, b)


def _of(b: Book, th: Theorem, law: Law) -> Theorem:
    """A law as one of the process of another."""
    if (
        isinstance(th.claim, Law)
        and th.claim.process != law.process
        and b.theory.process(law.process).like == named(th.claim.process)
    ):
        return kernel.instance(b.theory, th, named(law.process))
    return th


def _asked(rule: str, goal: Goal) -> Law:
    if not isinstance(goal.claim, Law) or not is_state(goal.claim.of) or not goal.claim.process:
        raise WrongRule(rule, "it proves the law of one state in a process")
    return goal.claim


def innovation(law: str):
    """Defines the noise of a law: x = mean + standard deviation times noise, as vectors."""

    class Innovation:
        @staticmethod
        def extends(b: Book, equation: Equation) -> tuple[Theorem, ...]:
            th, (mean, variance) = b[law].theorem, _parts_of(b, law)
            if len(equation.signs) > 1:
                raise WrongRule("innovation", "a noise is defined by one equation")
            new = [
                n
                for n in equation.sides[1].walk()
                if n.op in ("symbol", "member")
                and b.declarations.notation[n.parts[0]].kind == "noise"
            ]
            if len(new) != 1:
                raise WrongRule("innovation", "the right side holds one new noise, once")
            entry = b.declarations.notation[new[0].parts[0]]
            head = b.head(entry, new[0])
            theory, made = kernel.innovation(b.theory, equation.number, th, head)
            b.theory, before = theory, b.theory
            try:
                (goal,) = goals(b.reading(equation.start), equation)
                made = kernel.restate(b.theory, made, goal.claim, goal.range)
            except ProofError:
                b.theory = before
                raise
            b.declarations.noises[entry.name] = Noise(
                equation.sides[0], mean, variance, equation.start
            )
            return (made,)

    return Innovation()


def _parts_of(b: Book, law: str) -> tuple[Node, Node]:
    """Mean and variance of a displayed law, as trees."""
    if b[law].sides[-1].op != "normal":
        raise WrongRule("innovation", "({}) does not end with a normal law", (law,))
    _, mean, spread = b[law].sides[-1].parts
    if spread.op != "mul" or spread.parts[1] != Node("symbol", ("I",)):
        return mean, Node("number", (1,)) if spread == Node("symbol", ("I",)) else spread
    return mean, spread.parts[0]


def induct(base: Premise, step: Callable[[Theorem], Tactic], start: int | None = None) -> Tactic:
    """By induction: the base is the claim at its start; step turns that at t-1 into that at t."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        first = goal.range.lo if start is None else start
        hypothesis, token = kernel.suppose(b.theory, goal.claim, first)
        ground = using(base)(b, _moved(goal, sp.Integer(first)))
        made = step(hypothesis)(b, replace(goal, range=Range(first + 1)))
        return kernel.induct(b.theory, token, ground, made)

    return tactic


def induct_down(base: Premise, step: Callable[[Theorem], Tactic]) -> Tactic:
    """By induction from T: step turns the claim at t into that at t-1."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        first = goal.range.lo
        hypothesis, token = kernel.suppose(b.theory, goal.claim, first, down=True)
        ground = using(base)(b, _moved(goal, T_))
        made = step(hypothesis)(b, _moved(replace(goal, range=Range(first + 1)), t_ - 1))
        return kernel.induct(b.theory, token, ground, made, down=True)

    return tactic


def _moved(goal: Goal, n: sp.Expr) -> Goal:
    return replace(goal, claim=goal.claim.map(lambda e: e.subs(t_, n)))


def increments() -> Tactic:
    """By induction: both sides agree at the start, and grow by the same."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        claim, first = goal.claim, goal.range.lo
        hypothesis, token = kernel.suppose(b.theory, claim, first)
        ground = automatic(b, _moved(replace(goal, range=Range()), sp.Integer(first)))
        made = kernel.transfer(b.theory, claim, hypothesis, (), Range(first + 1))
        return kernel.induct(b.theory, token, ground, made)

    return tactic


def numeric() -> Tactic:
    """Not proved: only tried in numbers."""

    def tactic(b: Book, goal: Goal) -> Theorem:
        if not oracle.refute(goal.sides, (goal.sign,), b.declarations, goal.range.lo):
            raise WrongRule("numeric", "no numbers can be put into this")
        return kernel.numeric(b.theory, goal.claim, goal.range)

    return tactic
