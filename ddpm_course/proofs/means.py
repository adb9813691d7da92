"""What densities, means, divergences and limits are to the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from .errors import WrongRule
from .kernel import combination
from .printing import latex
from .reader import Node
from .statements import law_in
from .terms import (
    EE,
    EV,
    T_,
    VECTOR,
    Dot,
    Exp,
    Law,
    Term,
    coefficients,
    covered,
    d_,
    log_normal,
    merge,
    named,
    states_of,
    t_,
)
from .values import RULES as RULES  # a table that is complete with the entries of this file
from .values import rule

if TYPE_CHECKING:
    from .reading import Reading


@rule("density")
def _density(r: Reading, *parts):
    return Term(Exp(r.log_density(Node("density", parts))))


@rule("normal")
def _normal(r: Reading, *parts):
    of, mean, variance = r.normal(Node("normal", parts))
    if of is None:
        r.fail(r"a density needs its variable: \mathcal N(x; m, vI)")
    r.need(lambda c: c.positive(variance), Law(None, of, frozenset(), mean, variance))
    return Term(Exp(log_normal(of, mean, variance)))


@rule("mean")
def _mean(r: Reading, over, body):
    if over.op == "letters":
        with r.drawing(names := _letters(r, over)):
            term = r(body)
        if states_of(r.context.unfold(term.expr)):
            r.fail("a fresh noise beside states, which may depend on it")
        return Term(gaussian_mean(term, {VECTOR + x for x in names}), term.kind)
    process, drawn, given = r.density(*over.parts)
    term, context = r(body), r.context
    _all_bound(r, term.expr, [*drawn, *given])
    C = sp.Tuple(*merge(given))
    if term.kind == "vector":
        return Term(
            context.mean_vector(process, C, context.unfold(term.expr, noises=False)), "vector"
        )
    if term.kind != "scalar":
        r.fail(f"the mean of a {term.kind}")
    return Term(context.mean(process, C, context.unfold(term.expr)))


def _all_bound(r: Reading, e, states):
    if not covered(states_of(r.context.unfold(e)), merge(states), r.rng):
        r.fail(f"a state of {e} is neither drawn nor given")


def _letters(r: Reading, over) -> frozenset[str]:
    names = frozenset(n.parts[0] for n in over.parts)
    if any(r.notation[x].kind != "fresh" for x in names):
        r.fail("a mean is over a law, or over fresh noises")
    return names


def gaussian_mean(term: Term, names: set[str]) -> sp.Expr:
    """The mean over independent standard normal vectors of a term of degree at most two in them."""
    is_fresh = lambda a: named(a) in names
    hides = lambda a: not is_fresh(a) and any(map(is_fresh, a.free_symbols))
    if any(hides(a) for x in term.expr.atoms(EE, EV, Dot) for a in x.args):
        raise WrongRule("mean", "no rule for a fresh noise within another mean")
    if term.kind == "vector":
        parts = coefficients(term.expr)
        if any(is_fresh(a) for c in parts.values() for a in c.free_symbols):
            raise WrongRule("mean", "no rule for the moment of a product of fresh noises")
        return sp.Add(*(c * a for a, c in parts.items() if not is_fresh(a)))
    total = sp.S.Zero
    for part in sp.Add.make_args(sp.expand(term.expr)):
        dots = [f for f in sp.Mul.make_args(part) if any(map(is_fresh, f.free_symbols))]
        if not dots:
            total += part
        elif len(dots) > 1 or not isinstance(dots[0], Dot):
            raise WrongRule("mean", "no rule for the moment {}", (part,))
        elif dots[0].args[0] == dots[0].args[1]:
            total += part / dots[0] * d_
    return total


@rule("covariance")
def _covariance(r: Reading, over, body):
    if over.op == "letters":
        with r.drawing(names := _letters(r, over)):
            v = r.of_kind(body, "vector")
        if any(
            r.theory.kind(a) == "fresh" and named(a) not in {VECTOR + x for x in names}
            for a in v.free_symbols
        ):
            r.fail("a covariance of fresh noises that it does not bind")
        if states_of(r.context.unfold(v)):
            r.fail("a fresh noise beside states, which may depend on it")
        process, given = None, frozenset()
    else:
        process, drawn, given = r.density(*over.parts)
        v = r.of_kind(body, "vector")
        _all_bound(r, v, [*drawn, *given])
    th = combination(r.theory, process, given, v, r.rng)
    r.used |= th.uses
    return Term(law_in("covariance", th).variance, "isotropic")


@rule("kl")
def _kl(r: Reading, p, q):
    if p.op == q.op == "normal":
        if p.parts[0] or q.parts[0]:
            r.fail("a divergence is between laws: write them without a variable")
        (_, m, v), (_, n, w) = r.normal(p), r.normal(q)
        for mean, variance in ((m, v), (n, w)):
            law = rf"\mathcal N({latex(mean)},({latex(variance)})I)"
            r.need(lambda c: c.positive(variance), law)
        z = sp.Symbol(VECTOR + "drawn")
        x = m + sp.sqrt(v) * z
        gap = log_normal(x, m, v) - log_normal(x, n, w)
        return Term(gaussian_mean(Term(gap), {named(z)}))
    if not p.op == q.op == "density":
        r.fail("a divergence is between two densities, or between two normal laws")
    (process, drawn, given), (_, other, _) = r.density(*p.parts), r.density(*q.parts)
    if drawn != other:
        r.fail("a divergence between laws of different states")
    gap = r.log_density(p) - r.log_density(q)
    _all_bound(r, gap, [*drawn, *given])
    return Term(r.context.mean(process, sp.Tuple(*merge(given)), gap))


@rule("limit")
def _limit(r: Reading, letter, body):
    """Of a fraction of polynomials in powers a^t of numbers between 0 and 1: each such power tends to 0."""
    if letter != "t" or r.letters["t"] != t_:
        r.fail("a limit is taken in t, and not within a sum over t")
    term = r(body)
    e, small = r.context.unfold(term.expr), {}
    if e.has(T_):
        raise WrongRule("limit", "{} holds T, which no t passes", (term.expr,))
    for p in {p for p in e.atoms(sp.Pow) if p.exp.has(t_)}:
        rate, rest = sp.expand(p.exp).coeff(t_), sp.expand(p.exp).subs(t_, 0)
        linear = sp.expand(p.exp - rate * t_ - rest) == 0 and rate.is_Integer and rate > 0
        if not linear or not p.base.is_Symbol or r.theory.domain(p.base) != "(0,1)":
            raise WrongRule(
                "limit", "{} is no power of a number in (0,1) with a positive rate", (p,)
            )
        Z = small.setdefault(p.base, sp.Dummy("Z"))
        e = e.xreplace({p: p.base**rest * Z**rate})
    inside = [
        a
        for a in sp.preorder_traversal(e)
        if isinstance(a, sp.Function) or a.is_Pow and not a.exp.is_Integer
    ]
    if e.has(t_, sp.Sum, sp.Product) or any(a.has(*small.values()) for a in inside if small):
        raise WrongRule("limit", "{} is no fraction of powers", (term.expr,))
    top, bottom = sp.fraction(sp.cancel(sp.together(e)))
    ends = {Z: 0 for Z in small.values()}
    if not r.context.never_zero(bottom.subs(ends)):
        raise WrongRule("limit", "a denominator that tends to 0")
    return Term(top.subs(ends) / bottom.subs(ends), term.kind)


@rule("blocks")
@rule("transpose")
@rule("trace")
@rule("det")
def _matrices(r: Reading, *parts):
    r.fail("matrices, and what is no matrix, in one formula")
