"""What theorems speak about: indices with ranges, vectors, Gram symbols, densities, means."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp
from sympy.core.function import AppliedUndef

from .errors import Undefined, WrongRule

t_, s_, i_, j_, k_ = (sp.Symbol(name, integer=True) for name in "tsijk")
T_ = sp.Symbol("T", integer=True, positive=True)
d_ = sp.Symbol("d", integer=True, positive=True)


# --- Indices -------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Range:
    """lo <= t <= hi, and lo-1 <= s < t. Always: T >= 1, and i, j from 0 to T. bound: letters of sums."""
    lo: int = 1
    hi: sp.Expr = T_
    bound: tuple[tuple[sp.Symbol, sp.Expr, sp.Expr], ...] = ()

    def within(self, letter: sp.Symbol, low, high) -> Range:
        return Range(self.lo, self.hi, (*self.bound, (letter, sp.sympify(low), sp.sympify(high))))

    def _ends(self, letter: sp.Symbol, lower: bool) -> list[sp.Expr]:
        for k, low, high in self.bound:
            if k == letter: return [low if lower else high]
        if letter == s_: return [sp.Integer(self.lo - 1)] if lower else [t_ - 1]
        if letter in (i_, j_): return [sp.S.Zero] if lower else [T_]
        if letter == t_: return [sp.Integer(self.lo), s_ + 1] if lower else [self.hi]
        if letter == T_: return [sp.S.One, t_ + T_ - self.hi] if lower else []
        return []

    def least(self, n: sp.Expr, depth: int = 6) -> sp.Integer | None:
        """A number that an affine index never falls below; None where none is found."""
        n = sp.expand(n)
        letters = sorted(n.free_symbols, key=lambda a: (a in (T_, t_), a == T_, str(a)))
        if not letters: return n if n.is_Integer else None
        if not depth: return None
        best = None
        for letter in letters:
            slope = n.coeff(letter)
            if not slope.is_Integer: return None
            for end in self._ends(letter, bool(slope > 0)):
                if letter == T_ and end.has(T_): continue
                found = self.least(n.subs(letter, end), depth - 1)
                if found is not None and (best is None or found > best): best = found
        return best

    def before(self, a: sp.Expr, b: sp.Expr, by: int = 0) -> bool:
        """Whether a + by <= b for every value of the letters, provably."""
        found = self.least(b - a - by)
        return found is not None and bool(found >= 0)

    def require(self, n: sp.Expr, low, high, what: str) -> None:
        """Raises Undefined unless low <= n <= high is proved."""
        if not (self.before(sp.sympify(low), n) and self.before(n, sp.sympify(high))):
            raise Undefined(what, f"for an index {n} outside {low}..{high}, or not proved to be inside")


# --- Atoms ---------------------------------------------------------------------------------------
# A vector is an expression that is linear in vector atoms; two vectors are never multiplied.

STATE, VECTOR = "•", "→"


def named(a) -> str:
    return a.func.__name__ if isinstance(a, AppliedUndef) else getattr(a, "name", "")


def is_state(a) -> bool: return isinstance(a, AppliedUndef) and named(a).startswith(STATE)
def is_vector(a) -> bool: return isinstance(a, EV) or named(a)[:1] in (STATE, VECTOR)


class Dot(sp.Function):
    """The inner product of two vector atoms, a symbol of its own: no law connects two of them."""
    @classmethod
    def eval(cls, a, b):
        if sp.default_sort_key(b) < sp.default_sort_key(a): return cls(b, a)


class Exp(sp.Function):
    """The exponential; densities are kept so, by their logarithm."""
    @classmethod
    def eval(cls, a):
        if a == 0: return sp.S.One
        if (flat := sp.expand(a)) != a: return cls(flat)


class M(sp.Function):
    """log of the joint density, in a process, of the states in some intervals of times."""
    @classmethod
    def eval(cls, process, *spans):
        if not spans: return sp.S.Zero
        merged = merge(spans)
        if tuple(merged) != spans: return cls(process, *merged)


def merge(spans) -> list[sp.Tuple]:
    """Intervals of times in one order, without repetition, neighbours joined."""
    found = sorted(set(spans), key=sp.default_sort_key)
    for a in found:
        for b in found:
            joined = a != b and (b[0] - a[1] == 1 or a[1] == b[0] or
                                 (a[0] - b[0]).is_nonnegative and (b[1] - a[1]).is_nonnegative)
            if joined:
                inside = (a[0] - b[0]).is_nonnegative and (b[1] - a[1]).is_nonnegative
                whole = b if inside else sp.Tuple(a[0], b[1])
                return merge([x for x in found if x not in (a, b)] + [whole])
    return found


class EE(sp.Function):
    """EE(process, given, body): the mean of a number, under a process given some states."""


class EV(sp.Function):
    """EV(process, given, atom): the mean of a vector atom, a vector."""


def span(low, high=None) -> sp.Tuple: return sp.Tuple(low, low if high is None else high)


def states_of(e) -> set[sp.Tuple]:
    """The intervals of times on whose states an expression depends."""
    if isinstance(e, (EE, EV)): return set(e.args[1])
    if isinstance(e, M): return set(e.args[1:])
    if is_state(e): return {span(e.args[0])}
    found = set().union(*(states_of(a) for a in e.args)) if e.args else set()
    if isinstance(e, (sp.Sum, sp.Product)):
        (k, low, high), inside, found = e.limits[0], found, set()
        for ends in inside:      # an end that falls as k rises has its extremes exchanged
            fall = any(sp.diff(end, k) < 0 for end in ends)
            first, last = (high, low) if fall else (low, high)
            found.add(span(ends[0].subs(k, first), ends[1].subs(k, last)))
    return found


def covered(inner, outer, rng: Range) -> bool:
    """Whether every interval lies within one of the outer intervals, provably."""
    return all(any(rng.before(c, a) and rng.before(b, d) for c, d in outer) for a, b in inner)


def apart(left, right, rng: Range) -> bool:
    """Whether no state is in both, provably."""
    return all(rng.before(b, c, 1) or rng.before(d, a, 1) for a, b in left for c, d in right)


# --- Terms ---------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Term:
    """A value and what it is: scalar, vector, or a multiple of I ("isotropic": its factor)."""
    expr: sp.Expr
    kind: str = "scalar"

    def map(self, f) -> Term: return Term(f(self.expr), self.kind)


@dataclass(frozen=True)
class Law:
    """N(mean, variance I) as the law of a vector in a process, given some states."""
    process: sp.Expr
    of: sp.Expr
    given: frozenset[sp.Tuple]
    mean: sp.Expr
    variance: sp.Expr

    def map(self, f) -> Law:
        given = frozenset(merge([sp.Tuple(*map(f, x)) for x in self.given]))
        return Law(f(self.process), f(self.of), given, f(self.mean), f(self.variance))


def coefficients(v: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """A vector as coefficients of its atoms. Raises WrongRule for a sum with a moving index."""
    found: dict = {}
    for term in sp.Add.make_args(sp.expand(v)):
        if term == 0: continue
        vectors = [a for a in sp.Mul.make_args(term) if is_vector(a)]
        if len(vectors) != 1: raise WrongRule("vector", f"{term} is no multiple of one vector")
        found[vectors[0]] = found.get(vectors[0], 0) + term / vectors[0]
    return found


def dot(u: sp.Expr, v: sp.Expr) -> sp.Expr:
    """The inner product, multiplied out."""
    left, right = coefficients(u), coefficients(v)
    return sp.Add(*(a * b * Dot(x, y) for x, a in left.items() for y, b in right.items()))


def log_normal(x: sp.Expr, mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """log N(x; mean, variance I) in d dimensions."""
    square = dot(x - mean, x - mean) / variance
    return -(d_ * sp.log(2 * sp.pi * variance) + square) / 2
