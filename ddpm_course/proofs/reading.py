"""From a tree to what the kernel speaks about. Every side must be defined on the whole claimed range."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from itertools import combinations

import sympy as sp

from .errors import Undefined, Unreadable, WrongRule
from .kernel import combination
from .reader import INDICES, Entry, Node, Notation, read
from .terms import (
    STATE,
    T_,
    VECTOR,
    Dot,
    Exp,
    Law,
    M,
    Range,
    Term,
    apart,
    coefficients,
    covered,
    d_,
    dot,
    log_normal,
    merge,
    named,
    s_,
    span,
    states_of,
    t_,
)
from .theory import Theory
from .unfolding import matches
from .zero import Context

LETTERS = {name: sp.Symbol(name, integer=True) for name in INDICES}
CONSTANTS = {"T": T_, "d": d_, r"\pi": sp.pi}
RULES: dict[str, Callable] = {}


def rule(op: str):
    """Registers what gives a node of this kind its value."""
    return lambda f: RULES.setdefault(op, f)


def name_of(entry: Entry) -> str:
    mark = {"state": STATE, "vector": VECTOR, "random": VECTOR, "noise": VECTOR, "fresh": VECTOR}
    return mark.get(entry.kind, "") + entry.name


class Reading:
    """Gives nodes their values under a theory, for t in a range. naming: the name that is being defined."""

    def __init__(self, theory: Theory, notation: Notation, rng: Range, naming: str = ""):
        self.theory, self.notation, self.rng, self.naming = theory, notation, rng, naming
        self.letters, self.fresh, self.used = dict(LETTERS), frozenset(), set()

    @property
    def context(self) -> Context:
        """For values that are computed here: what they needed is remembered."""
        found = Context(self.theory, self.rng)
        found.used = self.used
        return found

    def __call__(self, node: Node) -> Term:
        return RULES[node.op](self, *node.parts)

    def of_kind(self, node: Node, kind: str) -> sp.Expr:
        term = self(node)
        if term.kind != kind and term.expr != 0:
            self.fail(f"a {term.kind} where a {kind} is needed: {term.expr}")
        return term.expr

    def scalar(self, node: Node) -> sp.Expr:
        return self.of_kind(node, "scalar")

    def fail(self, why: str):
        raise Unreadable("", "", why)

    def need(self, holds: Callable[[Context], bool], what: str) -> None:
        """Raises Undefined, with the first t where it is not so, unless this is proved."""
        context = Context(self.theory, self.rng)
        if holds(context):
            self.used |= context.used & set(self.theory.hypotheses)
            return
        later = Range(self.rng.lo + 1, self.rng.hi, self.rng.bound)
        where = (
            f"at t = {self.rng.lo}"
            if holds(Context(self.theory, later))
            else "on the whole range, as far as is proved"
        )
        raise Undefined(what, where)

    def index(self, n: sp.Expr, low, high, what: str) -> None:
        self.need(
            lambda c: c.rng.before(sp.sympify(low), n) and c.rng.before(n, sp.sympify(high)), what
        )

    @contextmanager
    def binding(self, letter: str, low, high):
        """A letter bound by a sum: within, it is another one than outside."""
        kept, inner = (self.letters, self.rng), sp.Dummy(letter, integer=True)
        self.letters, self.rng = {**self.letters, letter: inner}, self.rng.within(inner, low, high)
        try:
            yield inner
        finally:
            self.letters, self.rng = kept

    @contextmanager
    def drawing(self, names: frozenset[str]):
        """Fresh letters that are bound here."""
        if names & self.fresh:
            self.fail(f"{', '.join(names & self.fresh)} is bound twice")
        kept, self.fresh = self.fresh, self.fresh | names
        try:
            yield
        finally:
            self.fresh = kept

    # --- laws ------------------------------------------------------------------------------------

    def density(self, name: str, left: tuple, right: tuple) -> tuple[sp.Expr, frozenset, frozenset]:
        """The process of a density, the states that are drawn, and the given ones: none is in both."""
        if name not in self.theory.processes:
            self.fail(f"{name} is no process yet")
        process = self.theory.processes[name]
        spans = [[self.states(v, process) for v in side] for side in (left, right)]
        pairs = list(combinations([x for side in spans for x in side], 2))
        self.need(
            lambda c: all(apart([x], [y], c.rng) for x, y in pairs),
            f"a density of {name} that names a state twice",
        )
        drawn, given = (frozenset(merge(side)) for side in spans)
        if "s" in map(str, process.id.args) and (self.letters["t"], self.letters["s"]) != (t_, s_):
            self.fail(f"{name} within a sum over t or s")
        id_ = process.id.xreplace({LETTERS[x]: self.letters[x] for x in "ts"})
        return id_, drawn, given

    def states(self, node: Node, process) -> sp.Tuple:
        if node.op not in ("member", "span") or self.notation[node.parts[0]].kind != "state":
            self.fail(f"a density is about states, got {node.op}")
        ends = [self.scalar(n) for n in node.parts[1:]]
        low, high = ends[0], ends[-1]
        self.index(low, 0, high, "a state")
        self.index(high, low, T_, "a state")
        t, s = self.letters["t"], self.letters["s"]
        known = {"step": (sp.S.Zero, t, t - 1), "jump": (sp.S.Zero, t, s)}.get(process.shape)
        if known and not (low == high and low in known):
            self.fail(f"{process.name} has no state at {low}")
        return span(low, high)

    def law(self, node: Node) -> Law:
        """q(x | C) of one state, or N(x; m, v I), as a law in the process; of a normal: its parts."""
        name, mean, spread = node.parts
        of = self.of_kind(name, "vector") if name else None
        return Law(
            None, of, frozenset(), self.of_kind(mean, "vector"), self.of_kind(spread, "isotropic")
        )

    def log_density(self, node: Node) -> sp.Expr:
        q, drawn, given = self.density(*node.parts)
        return M(q, *merge([*drawn, *given])) - M(q, *merge(given))


@rule("number")
def _number(r, n):
    return Term(sp.Integer(n))


@rule("index")
def _index(r, letter):
    if letter == "k" and r.letters[letter] == LETTERS["k"]:
        r.fail("k is the letter of a sum, and stands outside of one")
    return Term(r.letters[letter])


@rule("symbol")
def _symbol(r, name):
    entry = r.notation[name]
    if name == "I":
        return Term(sp.S.One, "isotropic")
    if name in CONSTANTS:
        return Term(CONSTANTS[name])
    if entry.kind == "fresh" and name not in r.fresh:
        r.fail(
            f"{name} is bound nowhere: it belongs into E[..], Cov[..], or on the right of an equality in law"
        )
    hidden = ("t", "s") if name.endswith("_t,s") else ("t",) if entry.kind == "noise" else ()
    kind = "vector" if name_of(entry)[0] in (STATE, VECTOR) else "scalar"
    if "s" in hidden and (r.letters["t"], r.letters["s"]) != (t_, s_):
        r.fail(f"{name} within a sum over t or s")
    if hidden:
        atom = sp.Function(name_of(entry))(*(r.letters[x] for x in hidden))
        return Term(r.defined(atom, r.letters["t"]), kind)
    return Term(r.defined(sp.Symbol(name_of(entry))), kind)


def _defined(r: Reading, atom: sp.Expr, n: sp.Expr | None = None) -> sp.Expr:
    """An atom whose index, if it has one, lies where it has a value."""
    name, theory = named(atom), r.theory
    kind = theory.symbols[name].kind if name in theory.symbols else ""
    if name == r.naming:
        low = 0  # it is being defined
    elif name in theory.definitions:
        low = theory.definitions[name].lo
    elif name in theory.noises:
        low = theory.noises[name].lo
    elif name in theory.sequences or name.startswith(STATE):
        low = 0
    elif kind in ("random", "noise"):
        r.fail(f"{name} has no meaning yet")
    else:
        low = 1
    if n is not None:
        r.index(n, low, T_, f"{name} at {n}")
    return atom


Reading.defined = _defined


@rule("member")
def _member(r, name, index):
    entry, n = r.notation[name], r.scalar(index)
    if entry.kind == "fresh":
        r.fail(f"{name} is drawn afresh, and has no index")
    kind = "vector" if name_of(entry)[0] in (STATE, VECTOR) else "scalar"
    return Term(r.defined(sp.Function(name_of(entry))(n), n), kind)


@rule("call")
def _call(r, name, index, arguments):
    entry = r.notation[name]
    parts = re.split(r",(?![^{]*})", entry.arguments)
    fixed = Reading(r.theory, r.notation, Range(1))
    declared = sp.Tuple(*(fixed(read(a, r.notation)).expr for a in parts))
    given = sp.Tuple(*(r(a).expr for a in arguments))
    n = matches(declared, given) if len(given) == len(declared) else None
    if n is None:
        r.fail(f"{name} was declared with the arguments ({entry.arguments})")
    if index is not None and r.scalar(index) != n:
        r.fail(f"{name} at another index than its arguments")
    head = sp.Function(name_of(entry))
    atom = head(n, *given) if name.endswith("_t") else head(*given)
    return Term(r.defined(atom, n), "vector" if name_of(entry)[0] == VECTOR else "scalar")


@rule("neg")
def _neg(r, a):
    term = r(a)
    return Term(-term.expr, term.kind)


@rule("add")
def _add(r, *nodes):
    terms = [r(n) for n in nodes]
    kinds = {x.kind for x in terms if x.expr != 0}
    if len(kinds) > 1:
        r.fail(f"a sum of a {' and a '.join(sorted(kinds))}")
    return Term(sp.Add(*(x.expr for x in terms)), kinds.pop() if kinds else terms[0].kind)


@rule("mul")
def _mul(r, a, b):
    x, y = r(a), r(b)
    kinds = [k.kind for k in (x, y) if k.kind != "scalar"]
    if len(kinds) == 2:
        r.fail(f"a product of a {x.kind} and a {y.kind}")
    return Term(x.expr * y.expr, kinds[0] if kinds else "scalar")


@rule("div")
def _div(r, a, b):
    x, y = r(a), r.scalar(b)
    r.need(lambda c: c.never_zero(y), f"a quotient by {y}")
    return Term(x.expr / y, x.kind)


@rule("pow")
def _pow(r, a, n):
    base, e = r.scalar(a), r.scalar(n)
    if e.is_Integer and e < 0:
        r.need(lambda c: c.never_zero(base), f"a quotient by {base}")
    if not e.is_Integer:
        r.need(lambda c: c.positive(base), f"the power of {base} with exponent {e}")
    return Term(base**e)


@rule("sqrt")
def _sqrt(r, a):
    base = r.scalar(a)
    r.need(lambda c: c.positive(base, strict=False), f"the root of {base}")
    if sp.sqrt(base).has(sp.Abs):
        r.fail(f"the root of the square of an index: {base}")
    return Term(sp.sqrt(base))


@rule("log")
def _log(r, a):
    inside = r.scalar(a)
    r.need(lambda c: c.positive(inside), f"the logarithm of {inside}")
    return Term(r.context.logs(sp.log(inside)))


@rule("exp")
def _exp(r, a):
    return Term(Exp(r.scalar(a)))


@rule("norm2")
def _norm2(r, a, n):
    if n != Node("number", (2,)):
        r.fail("only the squared norm is read")
    v = r.of_kind(a, "vector")
    return Term(dot(v, v))


@rule("inner")
def _inner(r, a, b):
    return Term(dot(r.of_kind(a, "vector"), r.of_kind(b, "vector")))


def _over(r, letter, low, high, body, what):
    a, b = r.scalar(low), r.scalar(high)
    r.need(lambda c: c.rng.before(a - 1, b), f"a {what} from {a} to {b}")
    with r.binding(letter, a, b) as k:
        term = r(body)
        return term, (k, a, b)


@rule("sum")
def _sum(r, *parts):
    term, limits = _over(r, *parts, "sum")
    return Term(sp.Sum(term.expr, limits), term.kind)


@rule("prod")
def _prod(r, *parts):
    term, limits = _over(r, *parts, "product")
    if term.kind != "scalar":
        r.fail(f"a product of {term.kind}s")
    if not term.expr.has(Exp):
        return Term(sp.Product(term.expr, limits))
    inner = Context(r.theory, r.rng.within(*limits))
    if not inner.positive(term.expr):
        r.fail(f"a product of densities and of what is not known to be positive: {term.expr}")
    return Term(Exp(sp.Sum(inner.logs(sp.log(term.expr)), limits)))


@rule("density")
def _density(r, *parts):
    return Term(Exp(r.log_density(Node("density", parts))))


@rule("normal")
def _normal(r, *parts):
    law = r.law(Node("normal", parts))
    if law.of is None:
        r.fail(r"a density needs its variable: \mathcal N(x; m, vI)")
    r.need(lambda c: c.positive(law.variance), f"a normal density of variance {law.variance}")
    return Term(Exp(log_normal(law.of, law.mean, law.variance)))


@rule("mean")
def _mean(r, over, body):
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


def _all_bound(r, e, states):
    if not covered(states_of(r.context.unfold(e)), merge(states), r.rng):
        r.fail(f"a state of {e} is neither drawn nor given")


def _letters(r, over) -> frozenset[str]:
    names = frozenset(n.parts[0] for n in over.parts)
    if any(r.notation[x].kind != "fresh" for x in names):
        r.fail("a mean is over a law, or over fresh noises")
    return names


def gaussian_mean(term: Term, names: set[str]) -> sp.Expr:
    """The mean over independent standard normal vectors of a term of degree at most two in them."""
    is_fresh = lambda a: named(a) in names
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
            raise WrongRule("mean", f"no rule for the moment {part}")
        elif dots[0].args[0] == dots[0].args[1]:
            total += part / dots[0] * d_
    return total


@rule("covariance")
def _covariance(r, over, body):
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
    law = combination(r.theory, process, given, v, r.rng)
    r.used |= law.uses
    return Term(law.claim.variance, "isotropic")


@rule("kl")
def _kl(r, p, q):
    if p.op == q.op == "normal":
        if p.parts[0] or q.parts[0]:
            r.fail("a divergence is between laws: write them without a variable")
        one, two = r.law(p), r.law(q)
        for law in (one, two):
            r.need(
                lambda c: c.positive(law.variance), f"a normal density of variance {law.variance}"
            )
        z = sp.Symbol(VECTOR + "drawn")
        x = one.mean + sp.sqrt(one.variance) * z
        gap = log_normal(x, one.mean, one.variance) - log_normal(x, two.mean, two.variance)
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
def _limit(r, letter, body):
    """Of a fraction of polynomials in powers a^t of numbers between 0 and 1: each such power tends to 0."""
    if letter != "t":
        r.fail("a limit is taken in t")
    term = r(body)
    e, small = r.context.unfold(term.expr), {}
    for p in {p for p in e.atoms(sp.Pow) if p.exp.has(t_)}:
        rate, rest = sp.expand(p.exp).coeff(t_), sp.expand(p.exp).subs(t_, 0)
        linear = sp.expand(p.exp - rate * t_ - rest) == 0 and rate.is_Integer and rate > 0
        if not linear or not p.base.is_Symbol or r.theory.domain(p.base) != "(0,1)":
            raise WrongRule("limit", f"{p} is no power of a number in (0,1) with a positive rate")
        Z = small.setdefault(p.base, sp.Dummy("Z"))
        e = e.xreplace({p: p.base**rest * Z**rate})
    inside = [
        a
        for a in sp.preorder_traversal(e)
        if isinstance(a, sp.Function) or a.is_Pow and not a.exp.is_Integer
    ]
    if e.has(t_, sp.Sum, sp.Product) or any(a.has(*small.values()) for a in inside if small):
        raise WrongRule("limit", f"{term.expr} is no fraction of powers")
    top, bottom = sp.fraction(sp.cancel(sp.together(e)))
    ends = {Z: 0 for Z in small.values()}
    if not Context(r.theory, r.rng).never_zero(bottom.subs(ends)):
        raise WrongRule("limit", "a denominator that tends to 0")
    return Term(top.subs(ends) / bottom.subs(ends), term.kind)


@rule("blocks")
@rule("transpose")
@rule("trace")
@rule("det")
def _matrices(r, *parts):
    r.fail("matrices, and what is no matrix, in one formula")
