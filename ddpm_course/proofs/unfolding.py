"""What symbols stand for: definitions, recursions, noises; means under a process; chains by pairs."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.core.function import AppliedUndef

from .errors import WrongRule
from .terms import EE, EV, Dot, Exp, M, Range, coefficients, covered, dot, named, span, states_of, t_

k_ = sp.Symbol("k", integer=True)


def matches(pattern: sp.Expr, given: sp.Expr) -> sp.Expr | None:
    """The index n that turns the pattern, which stands at t, into what is given; t when it has none."""
    found = []

    def walk(a, b) -> bool:
        if not a.has(t_): return a == b
        if isinstance(a, (sp.Tuple, sp.Function)):
            return a.func == b.func and len(a.args) == len(b.args) and all(map(walk, a.args, b.args))
        if sp.diff(a, t_) != 1: return False
        found.append(sp.expand(b - a.subs(t_, 0)))
        return True

    if not walk(pattern, given): return None
    n = found[0] if found else t_
    return n if pattern.subs(t_, n) == given else None


def letter_of(one) -> tuple[sp.Symbol, sp.Expr, sp.Expr]:
    """The letter of a sum or a product, with its first and its last value."""
    return tuple(one.limits[0])


class Meanings:
    """Expressions under a theory, on a range of t. used: the names of the meanings that were needed."""

    def __init__(self, theory, rng: Range):
        self.theory, self.rng, self.used = theory, rng, set()
        self.signs: dict = {}      # what was found of factors and signs

    def within(self, one) -> Meanings:
        """The same inside a sum or a product, on the range of its letter."""
        inner = type(self)(self.theory, self.rng.within(*letter_of(one)))
        inner.used = self.used
        return inner

    def unfold(self, e: sp.Expr, noises: bool = True) -> sp.Expr:
        """Every defined symbol, and every noise, replaced by its meaning; inner products and means
        multiplied out."""
        memo: dict = {}

        def walk(e):
            if e in memo: return memo[e]
            known = e
            if isinstance(e, (sp.Sum, sp.Product)): args = [self.within(e).unfold(e.function, noises), e.args[1]]
            else: args = [walk(a) for a in e.args]
            if isinstance(e, Dot): e = dot(*args)
            elif isinstance(e, EE): e = self.mean(*args)
            elif isinstance(e, EV): e = self.mean_vector(*args)
            elif args != list(e.args): e = e.func(*args)
            value = self.meaning(e, noises)
            memo[known] = e if value is None else walk(value)
            return memo[known]

        return self.sequences(walk(e))

    def meaning(self, e: sp.Expr, noises: bool) -> sp.Expr | None:
        known = self.theory.definitions.get(named(e)) or noises and self.theory.noises.get(named(e))
        n = matches(known.head, e) if known else None
        if n is None: return None
        self.used.add(known.number)
        return known.value.subs(t_, n)

    def sequences(self, e: sp.Expr) -> sp.Expr:
        """A recursion is followed down to the lowest index that stands there, or to its start."""
        for name, (head, first, step, number) in self.theory.sequences.items():
            while True:
                at = [a.args[0] for a in e.atoms(AppliedUndef) if named(a) == name]
                high = [n for n in at if n.is_nonnegative or any((n - m).is_positive for m in at)]
                if not high: break
                self.used.add(number)
                e = e.xreplace({head.func(n): first if n == 0 else step.subs(t_, n) for n in high})
        return e


class Means(Meanings):
    """Means under a process are linear. What is fixed by the given states comes out; nothing else."""

    def fixed(self, e: sp.Expr, given) -> bool:
        """Whether the given states determine this value."""
        hides = any(map(self.theory.random, e.atoms(AppliedUndef, sp.Symbol)))
        return not hides and covered(states_of(e), given, self.rng)

    def mean(self, process, given, body) -> sp.Expr:
        """The mean of a number: linear, constants out, towers joined; what is left stays a symbol."""
        total = sp.S.Zero
        if any(named(a) in self.theory.noises for a in body.atoms(AppliedUndef)): body = self.unfold(body)
        for term in sp.Add.make_args(sp.expand(body, log=False, power_base=False, power_exp=False)):
            factors = sp.Mul.make_args(term)
            random = [f for f in factors if not self.fixed(f, given)]
            known = sp.Mul(*(f for f in factors if f not in random))
            total += known * (self._mean_of(process, given, random) if random else 1)
        return total

    def _mean_of(self, process, given, factors: list) -> sp.Expr:
        one = factors[0] if len(factors) == 1 else None
        if isinstance(one, sp.Sum):
            return sp.Sum(self.within(one).mean(process, given, one.function), letter_of(one))
        if isinstance(one, EE) and one.args[0] == process and covered(given, one.args[1], self.rng):
            return self.mean(process, given, one.args[2])
        for u, v in (one.args, one.args[::-1]) if isinstance(one, Dot) else ():
            if self.fixed(u, given): return dot(u, self.mean_vector(process, given, v))
        exponent, rest = sp.S.Zero, []
        for f in factors:            # of a product of exponentials, what is fixed comes out
            base, power = f.as_base_exp()
            if isinstance(base, Exp): exponent += sp.expand(power * base.args[0])
            else: rest.append(f)
        out = sp.Add(*(x for x in sp.Add.make_args(exponent) if self.fixed(x, given)))
        inside = sp.Mul(*rest) * Exp(exponent - out)
        return Exp(out) * (EE(process, given, inside) if inside != 1 else 1)

    def mean_vector(self, process, given, v) -> sp.Expr:
        """The mean of a vector: linear; a coefficient must be fixed by what is given."""
        total = sp.S.Zero
        for term in sp.Add.make_args(sp.expand(v)):
            factor, one = term.as_independent(sp.Sum, as_Add=False)
            if isinstance(one, sp.Sum):
                inside = self.within(one).mean_vector(process, given, one.function)
                parts = {inside: factor} if inside != 0 else {}
                total += factor * sp.Sum(inside, letter_of(one))
            else:
                parts = coefficients(term)
                total += sp.Add(*(c * self._mean_atom(process, given, atom) for atom, c in parts.items()))
            for c in parts.values():
                if not self.fixed(c, given): raise WrongRule("mean", f"the factor {c} of a vector is random itself")
        return total

    def _mean_atom(self, process, given, atom):
        if self.fixed(atom, given): return atom
        if isinstance(atom, EV) and atom.args[0] == process and covered(given, atom.args[1], self.rng):
            return self.mean_vector(process, given, atom.args[2])
        if noise := self.theory.noises.get(named(atom)):
            self.used.add(noise.number)
            if noise.process == process and noise.independent_of(atom.args[0], given, self.rng): return sp.S.Zero
            return self.mean_vector(process, given, self.unfold(atom))
        return EV(process, given, atom)


class Noises(Means):
    """Vectors as combinations of independent noises."""

    def drawn(self, atom, process, given) -> bool:
        """Whether an atom is a noise independent of the given states: a fresh letter where no process
        is named, else a noise of the process."""
        if process is None: return self.theory.kind(atom) == "fresh"
        noise = self.theory.noises.get(named(atom))
        if not noise or noise.process != process: return False
        self.used.add(noise.number)
        return noise.independent_of(atom.args[0], given, self.rng)

    def noises(self, v: sp.Expr, process, given) -> tuple[sp.Expr, dict, dict]:
        """A vector as a fixed part, the coefficients of single noises, and those of ranges of noises,
        the latter by the noise at k and the first and last k."""
        rest, singles, families = sp.S.Zero, {}, {}
        for term in sp.Add.make_args(sp.expand(self.unfold(v, noises=False))):
            factor, one = term.as_independent(sp.Sum, as_Add=False)
            if not isinstance(one, sp.Sum):
                for atom, c in coefficients(term).items():
                    if self.drawn(atom, process, given): singles[atom] = singles.get(atom, 0) + c
                    else: rest += self.unfold(c * atom)
                continue
            (j, low, high), parts = letter_of(one), coefficients(one.function)
            for atom, c in parts.items():
                slope = sp.diff(atom.args[0], j) if atom.args else 0
                if slope not in (1, -1) or not self.within(one).drawn(atom, process, given):
                    raise WrongRule("noises", f"{one} is no sum of different independent noises")
                ends = [atom.args[0].subs(j, end) for end in ((low, high) if slope == 1 else (high, low))]
                key, back = (atom.func(k_), *ends), sp.expand(slope * (k_ - atom.args[0].subs(j, 0)))
                families[key] = families.get(key, 0) + factor * c.subs(j, back)
        return rest, singles, families


class Chains(Noises):
    """The joint density of a Markov chain as that of its neighbours."""

    def over_sums(self, e: sp.Expr, f: Callable) -> sp.Expr:
        """f(context, expression) for the body of every sum, on the range of its letter, then outside."""
        back = {}

        def walk(e):
            if isinstance(e, sp.Sum):
                symbol = sp.Dummy()
                back[symbol] = sp.Sum(self.within(e).over_sums(e.function, f), letter_of(e))
                return symbol
            return e.func(*map(walk, e.args)) if e.args and e.has(sp.Sum) else e

        return f(self, walk(e)).xreplace(back)

    def factorized(self, e: sp.Expr) -> sp.Expr:
        """Joint densities of Markov chains by pairs of neighbours: p(a,b,c) = p(a,b) p(b,c) / p(b)."""
        def chained(context, m):
            q, letter = m.args[0], sp.Dummy("k", integer=True)
            order = context.ordered(m.args[1:]) if self.theory.process(q).markov else None
            if order is None: return m
            step = lambda a, b: M(q, span(a), span(b)) - M(q, span(a))
            total = M(q, span(order[0][0]))
            for n, (low, high) in enumerate(order):
                if n: total += step(order[n - 1][1], low)
                if low != high: total += sp.Sum(step(letter - 1, letter), (letter, low + 1, high))
            if total != m: self.used.add(f"{named(q)} is a Markov chain")
            return total
        return self.unfold(self.over_sums(
            e, lambda context, x: x.replace(lambda y: isinstance(y, M), lambda m: chained(context, m))))

    def ordered(self, spans) -> list | None:
        """Intervals of times from first to last, single states apart; None where the order is open."""
        rest = [span(a + i) for a, b in spans if (b - a).is_Integer for i in range(int(b - a) + 1)]
        rest, order = rest + [x for x in spans if not (x[1] - x[0]).is_Integer], []
        while rest:
            first = next((x for x in rest if all(y is x or self.rng.before(x[1], y[0]) for y in rest)), None)
            if first is None: return None
            order.append(first)
            rest.remove(first)
        return order
