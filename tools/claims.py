"""A theorem of the kernel as a formula: so that the second opinion can judge it, whatever it says.

The way back from the kernel's expressions to the trees of the reader, written without either.
"""

import itertools
from collections.abc import Iterable, Iterator

import sympy as sp
from sympy.core.function import AppliedUndef

from ddpm_course.proofs.kernel import Theorem
from ddpm_course.proofs.reader import Node
from ddpm_course.proofs.statements import AtMost, Equal
from ddpm_course.proofs.terms import (
    EE,
    EV,
    STATE,
    T_,
    VECTOR,
    Dot,
    Exp,
    Law,
    M,
    Term,
    apart,
    d_,
    is_vector,
    merge,
    named,
    s_,
    states_of,
    t_,
)
from ddpm_course.proofs.zero import Context

T, D, PI, I = (Node("symbol", (name,)) for name in ("T", "d", r"\pi", "I"))


class NotInWords(Exception):
    """A theorem that has no formula."""


def number(n: int) -> Node:
    return Node("number", (n,)) if n >= 0 else Node("neg", (Node("number", (-n,)),))


def over(a: Node, b: Node) -> Node:
    return Node("div", (a, b))


def product(factors: Iterable[Node]) -> Node:
    """From left to right, a vector last."""
    first, *rest = factors
    for one in rest:
        first = Node("mul", (first, one))
    return first


class Words:
    """Spells expressions of the kernel under a theory."""

    def __init__(self, theory, notation, rng):
        self.theory, self.notation, self.context = theory, notation, Context(theory, rng)
        self.letters, self.new = {}, (f"k_{n}" for n in itertools.count())

    def __call__(self, e: sp.Basic) -> Node:
        if isinstance(e, sp.Integer):
            return number(int(e))
        if isinstance(e, sp.Rational):
            return over(number(int(e.p)), number(int(e.q)))
        if e == sp.pi:
            return PI
        if isinstance(e, sp.Symbol):
            return self.letter(e)
        if isinstance(e, sp.Add):
            return Node("add", tuple(map(self, e.args)))
        if isinstance(e, sp.Mul):
            vectors = [
                a for a in e.args if a.atoms(AppliedUndef, sp.Symbol, EV) and self.a_vector(a)
            ]
            return product(self(a) for a in [*(a for a in e.args if a not in vectors), *vectors])
        if isinstance(e, sp.Pow):
            return self.power(e.base, e.exp)
        if isinstance(e, (sp.log, Exp)):
            return Node("log" if isinstance(e, sp.log) else "exp", (self(e.args[0]),))
        if isinstance(e, (sp.Sum, sp.Product)):
            return self.repeated(e)
        if isinstance(e, Dot):
            return Node("inner", tuple(map(self, e.args)))
        if isinstance(e, M):
            return Node("log", (self.density(e.args[0], e.args[1:], ()),))
        if isinstance(e, (EE, EV)):
            return self.mean(*e.args)
        if isinstance(e, AppliedUndef):
            return self.applied(e)
        raise NotInWords(f"{e}")

    def a_vector(self, e: sp.Basic) -> bool:
        if isinstance(e, (sp.Add, sp.Mul, sp.Sum)):
            return any(map(self.a_vector, e.args))
        return is_vector(e)

    def letter(self, e: sp.Symbol) -> Node:
        if e in self.letters:
            return Node("index", (self.letters[e],))
        if isinstance(e, sp.Dummy):
            raise NotInWords(f"{e}")
        if e.is_integer and e not in (T_, d_):
            return Node("index", (e.name,))
        return Node("symbol", (self.known(e.name.lstrip(STATE + VECTOR)),))

    def known(self, name: str) -> str:
        if name not in self.notation:
            raise NotInWords(name)
        return name

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Node:
        if exponent.could_extract_minus_sign():
            return over(number(1), self.power(base, -exponent))
        if exponent == 1:
            return self(base)
        if exponent == sp.S.Half:
            return Node("sqrt", (self(base),))
        if isinstance(exponent, sp.Rational) and exponent.q == 2:
            return Node("pow", (Node("sqrt", (self(base),)), number(int(exponent.p))))
        return Node("pow", (self(base), self(exponent)))

    def repeated(self, e) -> Node:
        ((k, low, high),) = e.limits
        low, high, kept = self(low), self(high), dict(self.letters)
        self.letters[k] = next(self.new)
        body = self(e.function)
        letter, self.letters = self.letters[k], kept
        return Node("sum" if isinstance(e, sp.Sum) else "prod", (letter, low, high, body))

    def applied(self, e: AppliedUndef) -> Node:
        name, arguments = named(e).lstrip(STATE + VECTOR), e.args
        entry = self.notation[self.known(name)]
        hidden = (t_, s_) if name.endswith("_t,s") else (t_,) if entry.kind == "noise" else ()
        if hidden and not (
            entry.indexed and len(hidden) == 1
        ):  # a letter that does not show its index
            if arguments != hidden:
                raise NotInWords(f"{e}")
            return Node("symbol", (name,))
        if entry.arguments:
            under, rest = (
                (arguments[0], arguments[1:]) if name.endswith("_t") else (None, arguments)
            )
            return Node(
                "call", (name, None if under is None else self(under), tuple(map(self, rest)))
            )
        return Node("member", (name, self(arguments[0])))

    # --- laws

    def states(self, spans: Iterable[sp.Tuple]) -> tuple[Node, ...]:
        return tuple(
            Node("member", ("x_t", self(a))) if a == b else Node("span", ("x_t", self(a), self(b)))
            for a, b in merge(spans)
        )

    def process(self, process: sp.Expr) -> str:
        if process.args and process.args != self.theory.process(process).id.args:
            raise NotInWords(f"{process}")
        return named(process)

    def density(self, process, drawn, given) -> Node:
        return Node("density", (self.process(process), self.states(drawn), self.states(given)))

    def mean(self, process, given, body) -> Node:
        """Over all states of the body that are not given."""
        drawn = [x for x in merge(states_of(self.context.unfold(body))) if x not in given]
        if not apart(drawn, given, self.context.rng) or not drawn:
            raise NotInWords("a mean over states that are given in part")
        return Node("mean", (self.density(process, drawn, given), self(body)))

    def law(self, law: Law) -> tuple[Node, Node, Node]:
        """An equality in law with a fresh letter on the right: it may be degenerate."""
        held = {named(a).lstrip(VECTOR) for e in (law.of, law.mean) for a in e.atoms(sp.Symbol)}
        fresh = next(
            (
                name
                for name, entry in self.notation.items()
                if entry.kind == "fresh" and name not in held
            ),
            None,
        )
        if fresh is None:
            raise NotInWords("no fresh letter")
        sign = Node("in_law")
        if law.process is not None:
            sign = Node("law_under", (self.process(law.process), self.states(law.given)))
        noise = Node("mul", (Node("sqrt", (self(law.variance),)), Node("symbol", (fresh,))))
        return self(law.of), sign, Node("add", (self(law.mean), noise))


def in_words(theorem: Theorem, notation) -> tuple[tuple, tuple, int]:
    """The sides, the sign and the start of the formula that says what a theorem says.

    What does not hold t is said of some t that is not before the times that it names, so that these
    exist. Raises NotInWords for a theorem that rests on an open hypothesis, or that this cannot spell.
    """
    claim, later = theorem.claim, sp.expand(T_ - theorem.hi)
    if theorem.open or not isinstance(claim, (Equal, AtMost, Law)):
        raise NotInWords("an open hypothesis, or matrices")
    if later != 0:  # it holds up to T - k: the same at t - k holds up to T
        if not later.is_Integer:
            raise NotInWords("a range that does not end at T")
        claim = claim.map(lambda e: e.subs(t_, t_ - later))
    start = theorem.lo + int(later)
    words = Words(theorem.theory, notation, type(theorem.range)(start))
    if isinstance(claim, Law):
        left, sign, right = words.law(claim)
        parts = claim.of, claim.mean, claim.variance, *claim.given
    else:
        if not (isinstance(claim.left, Term) and isinstance(claim.right, Term)):
            raise NotInWords("matrices")
        parts = claim.left.expr, claim.right.expr
        left, right = map(words, parts)
        sign = Node("equal" if isinstance(claim, Equal) else "le")
    if not any(part.has(t_) for part in parts):
        if isinstance(claim, Law) and any(given.has(T_) for given in claim.given):
            raise NotInWords("a law for some T only")
        nothing = Node("mul", (number(0), Node("index", ("t",))))
        left, right = (Node("add", (nothing, side)) for side in (left, right))
        start = max(start, *times(parts))
    return (left, right), (sign,), start


def times(parts: Iterable[sp.Basic]) -> Iterator[int]:
    """The times that are named by a number, and the T from which on those before T exist."""
    yield 0
    for part in parts:
        for atom in part.atoms(AppliedUndef, sp.Tuple):
            for n in atom.args:
                n = T_ - n if not isinstance(n, sp.Tuple) and n.has(T_) else n
                if isinstance(n, sp.Integer):
                    yield int(n)
