"""The decision procedure: does an expression vanish, is it positive, on a whole range of t?

It answers yes, or that it does not know.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from .terms import EE, EV, Dot, Exp, M, named
from .unfolding import Chains, letter_of

STANDS = Dot, Exp, M, EE, EV, AppliedUndef, sp.Sum, sp.Product, sp.log
KEY = sp.Symbol("k_", integer=True)      # the letter of a body that stands alone


class Sums(Chains):
    """Sums and products over an index, brought to parts that can be compared."""

    def sums(self, e: sp.Expr) -> sp.Expr:
        """Every outer sum as F(high+1) - F(low) of a formal antiderivative F, so that they telescope."""
        bodies: dict = {}

        def moving(body, k) -> list[sp.Expr]:
            """The indices in a body that move with k."""
            inside = (x for a in sp.preorder_traversal(body) if isinstance(a, (AppliedUndef, sp.Tuple)) for x in a.args)
            return [x for x in inside if x.has(k) and not x.has(sp.Function, sp.Tuple)]

        def one_term(body, k, low, high):
            slopes = {sp.diff(x, k) for x in moving(body, k) or [p.exp for p in body.atoms(sp.Pow) if p.exp.has(k)]}
            if slopes and all(c.is_number and c < 0 for c in slopes):
                body, low, high = body.subs(k, -k), -high, -low
            plain = lambda n: n.subs({a: 0 for a in n.free_symbols})
            offsets = [x.subs(k, 0) for x in moving(body, k)]
            shift = min(offsets, key=lambda n: (str(n - plain(n)), plain(n)), default=-low)
            body = split_powers(sp.powsimp(sp.expand(body.subs(k, k - shift))))
            factor, body = body.as_independent(k, as_Add=False)
            F = bodies.setdefault(body.subs(k, KEY), sp.Function(sp.Dummy("F").name + str(len(bodies))))
            return factor * (F(sp.expand(high + shift + 1)) - F(sp.expand(low + shift)))

        def walk(e):
            if isinstance(e, sp.Sum):
                terms = sp.Add.make_args(sp.expand(split_powers(e.function)))
                return sp.Add(*(one_term(term, *letter_of(e)) for term in terms))
            return e.func(*map(walk, e.args)) if e.has(sp.Sum) else e

        e = walk(e)
        for body, F in bodies.items():      # F(n+1) = F(n) + body(n): down to the lowest of each kind
            at = sorted({a.args[0] for a in e.atoms(AppliedUndef) if a.func == F}, key=str)
            for n in at:
                low = min((m for m in at if (m - n).is_Integer), key=lambda m: m - n)
                grown = sp.Add(*(body.subs(KEY, low + i) for i in range(n - low)))
                if n != low: e = e.subs(F(n), F(low) + grown)
        return e

    def products(self, *exprs: sp.Expr) -> list[sp.Expr]:
        """Products over 1..n cut at each other's ends, so that one is a part of the next."""
        found, ends = {p for e in exprs for p in e.atoms(sp.Product)}, {}
        for p in found:
            k, low, high = letter_of(p)
            ends.setdefault(p.function.subs(k, KEY), set()).update({sp.expand(low - 1), high})

        def up_to(body, n):
            """The product over 1..n; over n+1..0 below the line where n is negative."""
            if n.is_Integer:
                over, under = range(1, int(n) + 1), range(int(n) + 1, 1)
                return sp.Mul(*(body.subs(KEY, i) for i in over)) / sp.Mul(*(body.subs(KEY, i) for i in under))
            below = [m for m in ends[body] if m != n and self.rng.before(m, n)] + [sp.S.Zero]
            m = next(x for x in below if not any(y != x and self.rng.before(x, y) for y in below))
            if (n - m).is_Integer: return up_to(body, m) * sp.Mul(*(body.subs(KEY, m + i + 1) for i in range(n - m)))
            return up_to(body, m) * sp.Product(body, (KEY, m + 1, n))

        table = {}
        for p in found:
            k, low, high = letter_of(p)
            body = p.function.subs(k, KEY)
            table[p] = up_to(body, high) / up_to(body, sp.expand(low - 1))
        return [e.xreplace(table) for e in exprs]


class Signs(Sums):
    """Which numbers are positive. The answer is yes, or that it is not known."""

    def flat(self, e: sp.Expr) -> sp.Expr: return self.products(self.sums(self.unfold(e)))[0]

    def positive(self, e: sp.Expr, strict: bool = True) -> bool:
        """Whether e > 0 (or >= 0) on the whole range, provably."""
        return self._sign(self.flat(e), strict)

    def never_zero(self, e: sp.Expr) -> bool:
        """Whether e differs from 0 on the whole range, provably."""
        number, factors = self.factored(self.flat(e))
        return number != 0 and all(map(self.nonzero, (f for f, _ in factors)))

    def _sign(self, e, strict: bool) -> bool:
        numbers, factors = self.factored(e)
        if numbers < 0: return False
        if numbers == 0: return not strict
        return all(self._one_sign(f, strict or m < 0) or (m % 2 == 0 and (not strict or self.nonzero(f)))
                   for f, m in factors if m.is_Integer)

    def factored(self, e) -> tuple[sp.Rational, list[tuple[sp.Expr, sp.Expr]]]:
        """A number, and irreducible factors with their powers, each with a sign that is positive
        where that is known."""
        if e in self.signs: return self.signs[e]
        flat, table = self.opaque(e)
        top, bottom = sp.fraction(sp.together(flat))
        number, found = sp.S.One, []
        for part, sign in ((top, 1), (bottom, -1)):
            c, factors = sp.factor_list(part) if part.free_symbols else (part, [])
            number *= c**sign
            for f, m in factors:
                f = f.xreplace(table)
                if not self._one_sign(f, False) and self._one_sign(-f, False):
                    f, number = -f, number * (-1)**m
                found.append((f, sp.Integer(sign * m)))
        self.signs[e] = number, found
        return number, found

    def opaque(self, e):
        """Everything but sums, products and whole powers as a symbol of its own; and the way back."""
        table: dict = {}

        def walk(e):
            if e.is_Number: return e
            if e.is_Pow and e.exp.is_Integer: return walk(e.base)**e.exp
            if e.is_Add or e.is_Mul: return e.func(*map(walk, e.args))
            return table.setdefault(e, sp.Dummy(f"z{len(table)}"))

        return walk(e), {z: e for e, z in table.items()}

    def nonzero(self, e) -> bool:
        return self._one_sign(e, True) or self._one_sign(-e, True)

    def _one_sign(self, e, strict: bool) -> bool:
        """Whether e is positive by its coefficients, where a in (0,1) is written as 1/(1+u), u > 0.

        A number of unknown sign may stand in even powers."""
        if (e, strict) not in self.signs:
            self.signs[e, strict] = self._by_hypothesis(e, strict) or self._by_coefficients(e, strict) or (
                e.has(Dot) and self._gram_sign(e, strict))
        return self.signs[e, strict]

    def _by_coefficients(self, e, strict: bool) -> bool:
        if e.is_Number: return bool(e > 0 if strict else e >= 0)
        flat, table = self.opaque(e)
        there, gens, firm, open_ = {}, [], set(), set()
        for symbol, atom in table.items():
            gens.append(u := sp.Dummy(f"u{len(gens)}"))
            domain, is_firm = self.atom_sign(atom, strict) or ("", False)
            there[symbol] = 1 / (1 + u) if domain == "(0,1)" else u
            if is_firm: firm.add(u)
            if not domain: open_.add(u)
        top, bottom = (sp.Poly(part, *gens) for part in sp.fraction(sp.together(flat.xreplace(there))))
        if bottom.LC() < 0: top, bottom = -top, -bottom
        for powers, c in [*top.terms(), *bottom.terms()]:
            if c < 0 or any(n % 2 for u, n in zip(gens, powers) if u in open_): return False
        alive = (c for powers, c in top.terms() if all(u in firm for u, n in zip(gens, powers) if n))
        return not strict or any(c > 0 for c in alive)

    def _gram_sign(self, e, strict: bool) -> bool:
        """Whether e is positive as something positive plus a multiple of |a u + b v + ...|^2."""
        dots = sorted(e.atoms(Dot), key=str)
        flat = sp.expand(e)
        rest = flat.subs({x: 0 for x in dots})
        slopes = {x: flat.coeff(x) for x in dots}
        first = next((c for x, c in slopes.items() if x.args[0] == x.args[1]), None)
        if first is None or sp.expand(flat - rest - sp.Add(*(c * x for x, c in slopes.items()))) != 0: return False
        ratios = {x: sp.cancel(c / first) for x, c in slopes.items()}
        if not all(c.is_Rational for c in ratios.values()): return False
        vectors = sorted({v for x in dots for v in x.args}, key=str)
        entry = lambda i, j: ratios.get(Dot(vectors[i], vectors[j]), sp.S.Zero) / (1 if i == j else 2)
        return (bool(sp.Matrix(len(vectors), len(vectors), entry).is_positive_semidefinite)
                and self._sign(first, False) and self._sign(rest, strict))

    def atom_sign(self, atom, strict: bool) -> tuple[str, bool] | None:
        """The domain of an atom, and whether it is strict, where that is asked for; None where
        nothing is known."""
        if isinstance(atom, Exp) or atom == sp.pi or atom.is_Symbol and atom.is_positive: return "positive", True
        if isinstance(atom, Dot): return ("nonnegative", False) if atom.args[0] == atom.args[1] else None
        if atom.is_Symbol and atom.is_integer:
            low = self.rng.least(atom)
            return None if low is None or low < 0 else ("nonnegative", bool(low > 0))
        if isinstance(atom, sp.Product):
            domain, (_, low, high) = self.theory.domain(atom.function), atom.limits[0]
            if domain == "(0,1)": return "(0,1)", self.rng.before(low, high)
            return ("positive", True) if domain == "positive" else None
        if atom.is_Pow and self.theory.domain(atom.base) == "(0,1)" and self.rng.before(sp.S.Zero, atom.exp):
            return "(0,1)", self.rng.before(sp.S.One, atom.exp)
        if atom.is_Pow and self._sign(atom.base, True): return "positive", True
        if atom.is_Pow and atom.exp.is_Rational and atom.exp > 0 and self._sign(atom.base, False): return "nonnegative", False
        domain = self.theory.domain(atom)
        if domain in ("(0,1)", "positive", "natural"): return ("(0,1)" if domain == "(0,1)" else "positive"), True
        if domain == "nonnegative": return "nonnegative", strict and self._by_hypothesis(atom, True)
        return None

    def _by_hypothesis(self, e, strict: bool) -> bool:
        for name, fact in self.theory.hypotheses.items():
            if self.rng.lo < fact.lo or strict and not fact.strict: continue
            letters = {named(a) for a in fact.expr.atoms(AppliedUndef)} - set(self.theory.definitions)
            if not letters <= {named(a) for a in e.atoms(AppliedUndef)}: continue
            known = type(self)(self.theory, self.rng).unfold(fact.expr)
            here, there = self.products(e, known)
            quotient = sp.cancel(sp.together(here / there)) if there != 0 else sp.S.Zero
            if quotient.is_Number and quotient > 0:
                self.used.add(name)
                return True
        return False


class Context(Signs):
    """Judgements about expressions under a theory, on a range of t."""

    def logs(self, e: sp.Expr) -> sp.Expr:
        """log of products taken apart, where every factor is proved positive."""
        def apart(a):
            number, factors = self.factored(a)
            total = sp.expand_log(sp.log(number), force=True) if number > 0 else None
            for f, m in factors:
                if total is None: break
                if isinstance(f, Exp): total += m * f.args[0]
                elif f.is_Pow and self._sign(f.base, True): total += m * f.exp * apart(f.base)
                elif self._sign(f, True): total += m * sp.log(f)
                else: total = None
            return sp.log(a) if total is None else total
        return e.replace(lambda x: isinstance(x, sp.log), lambda x: apart(x.args[0]))

    def roots(self, e: sp.Expr) -> tuple[sp.Expr, dict]:
        """Every square root as a product of the roots of irreducible factors, each a symbol."""
        squares: dict = {}
        symbol = lambda f: squares.setdefault(f, sp.Dummy(f"r{len(squares)}"))

        def root(base):
            number, factors = self.factored(base)
            if number <= 0 or not all(self._one_sign(f, False) for f, _ in factors): return symbol(base)
            return sp.sqrt(number) * sp.Mul(*(f**(m // 2) * (symbol(f) if m % 2 else 1) for f, m in factors))

        is_root = lambda x: x.is_Pow and x.exp.is_Rational and x.exp.q == 2 and not x.base.is_Number
        innermost = lambda x: is_root(x) and not any(is_root(y) for y in sp.preorder_traversal(x.base))
        while found := [x for x in sp.preorder_traversal(e) if innermost(x)]:
            e = e.xreplace({x: root(x.base)**x.exp.p for x in found})
        for x in {p for p in e.atoms(sp.Pow) if p.exp.is_Rational and p.exp.q == 2}:
            e = e.xreplace({x: symbol(x.base)**x.exp.p})       # of a number
        return e, {r: f for f, r in squares.items()}

    def zero(self, e: sp.Expr) -> bool:
        """Whether e vanishes on the whole range, provably."""
        e = self.sums(self.logs(self.unfold(e)))
        if e.has(EE, EV): e = self.unfold(e)        # a sum may have ended at a state that is given
        return self.vanishes(self.logs(self.products(merged(e))[0]))

    def vanishes(self, e: sp.Expr) -> bool:
        e, squares = self.roots(split_powers(sp.expand_power_base(e)))
        return self._numerator(e, squares) == 0

    def _numerator(self, e, squares: dict):
        """The numerator as a polynomial, with squares of roots replaced by their radicands."""
        others: dict = {}

        def stand_in(x):
            if isinstance(x, STANDS): return others.setdefault(x, sp.Dummy())
            if x == sp.pi: return others.setdefault(x, sp.Dummy())
            top, bottom = sp.together(x.base).as_numer_denom()
            base, power = (bottom, -x.exp) if top == 1 else (x.base, x.exp)
            count, rest = sp.expand(power).as_coeff_Mul()
            return others.setdefault((base, rest), sp.Dummy())**(2 * count)

        stands = lambda x: isinstance(x, STANDS) or x == sp.pi or (x.is_Pow and not x.exp.is_Integer)
        flat = lambda x: split_powers(x).replace(stands, stand_in)
        expr, radicands = flat(e), {r: flat(f) for r, f in squares.items()}
        gens = sorted(expr.free_symbols | set().union(*(f.free_symbols for f in radicands.values())), key=str)
        if not gens: return sp.expand(expr)
        field = sp.QQ.frac_field(*gens)
        value = field.from_sympy(expr).numer.as_expr()
        for r in reversed(list(radicands)):      # a later root may hold an earlier one
            if not value.has(r): continue
            poly = sp.Poly(value, r)
            value = sp.Add(*(c * radicands[r]**(n // 2) * r**(n % 2) for (n,), c in poly.terms()))
            value = field.from_sympy(value).numer.as_expr()
        return value


def split_powers(e: sp.Expr) -> sp.Expr:
    """a^(m+n) as a^m a^n; the base is not zero, or the power would have no value."""
    return e.replace(lambda x: x.is_Pow and sp.expand(x.exp).is_Add,
                     lambda x: sp.Mul(*(x.base**n for n in sp.expand(x.exp).args)))


def merged(e: sp.Expr) -> sp.Expr:
    """Products of exponentials as one exponential."""
    def one(product):
        powers = [f.as_base_exp() for f in product.args]
        exponent = sp.Add(*(n * b.args[0] for b, n in powers if isinstance(b, Exp)))
        return sp.Mul(*(b**n for b, n in powers if not isinstance(b, Exp))) * Exp(exponent)
    return e.replace(lambda x: x.is_Mul and sum(f.has(Exp) for f in x.args) > 1, one)
