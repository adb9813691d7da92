"""The rules. This file alone makes theorems, and every rule states what it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, replace

import sympy as sp
from sympy.core.function import AppliedUndef

from .errors import NotProved, Undefined, WrongRule
from .matrices import Matrix, MatrixLaw, Words
from .terms import (
    EE, EV, Dot, Exp, Law, M, Range, T_, Term, apart, covered, coefficients, d_, dot, is_state, is_vector,
    log_normal, merge, named, s_, span, states_of, t_,
)
from .theory import Definition, Noise, Theory
from .unfolding import k_, matches
from .zero import Context

_KEY = object()


@dataclass(frozen=True)
class Equal:
    left: Term
    right: Term

    def map(self, f): return Equal(self.left.map(f), self.right.map(f))


@dataclass(frozen=True)
class AtMost:
    left: Term
    right: Term

    def map(self, f): return AtMost(self.left.map(f), self.right.map(f))


Claim = Equal | AtMost | Law | MatrixLaw


class Token:
    """Marks what rests on one open hypothesis of an induction."""
    def __init__(self, claim: Claim, start: int): self.claim, self.start = claim, start


@dataclass(frozen=True)
class Theorem:
    """claim, for all t from lo to hi. open: hypotheses of inductions that are not closed. uses: the
    definitions, hypotheses and properties that its last step needed; assumes: those of the whole
    proof. strength: "derived" or "numeric". why: the rule and its premises, the proof itself."""
    claim: Claim
    lo: int
    hi: sp.Expr
    open: frozenset[Token]
    uses: frozenset[str]
    assumes: frozenset[str]
    strength: str
    why: tuple[str, tuple[Theorem, ...]]
    theory: Theory
    key: InitVar[object]

    def __post_init__(self, key):
        if key is not _KEY: raise WrongRule("theorem", "only a rule of the kernel makes one")

    @property
    def range(self) -> Range: return Range(self.lo, self.hi)

    def __repr__(self): return f"<theorem by {self.why[0]}: {self.claim}, t from {self.lo}>"


def _make(theory: Theory, rule: str, claim: Claim, rng: Range, premises: Iterable[Theorem] = (),
          used: Iterable[str] = (), close: Token | None = None, strength: str = "derived") -> Theorem:
    premises = tuple(premises)
    for p in premises:
        if not isinstance(p, Theorem): raise WrongRule(rule, f"{p!r} is no theorem")
        if not theory.extends(p.theory): raise WrongRule(rule, "a premise is of another theory")
    if rng.bound: raise WrongRule(rule, "a letter of a sum stands outside of it")
    used = frozenset(used)
    assumes = used.union(*(p.assumes for p in premises))
    tokens = frozenset().union(*(p.open for p in premises)) - {close}
    if any(p.strength == "numeric" for p in premises): strength = "numeric"
    return Theorem(claim, rng.lo, rng.hi, tokens, used, assumes, strength, (rule, premises), theory, _KEY)


def _common(rule: str, *premises: Theorem) -> Range:
    """The range on which all premises hold."""
    if any(p.open for p in premises) and len({p.hi for p in premises}) > 1:
        raise WrongRule(rule, "under an induction hypothesis the ranges must end together")
    ends = sorted((p.hi for p in premises), key=lambda h: h - T_)
    return Range(max(p.lo for p in premises), ends[0])


def _law(rule: str, th: Theorem) -> Law:
    if not isinstance(th.claim, Law): raise WrongRule(rule, "a premise is no law")
    return th.claim


# --- Definitions ---------------------------------------------------------------------------------

def define(theory: Theory, number: str, head: sp.Expr, value: Term, lo: int = 1) -> tuple[Theory, Theorem]:
    """head := value. The name is new, the value does not hold it, depends on no state that the head
    does not show (unless the letter was declared as random), and lies in the domain of the letter."""
    theory.free_head(head)
    name, context = named(head), Context(theory, Range(lo))
    meaning = context.unfold(value.expr)
    letters = {a for a in value.expr.free_symbols if a.is_integer and not a.is_positive and not a.has(sp.Dummy)}
    if name in map(named, meaning.atoms(AppliedUndef, sp.Symbol)):
        raise WrongRule("define", f"{name} is defined by itself")
    if letters - head.free_symbols: raise WrongRule("define", f"{letters} stand on the right alone")
    if not theory.random(head) and (not states_of(meaning) <= states_of(head) or _hides(theory, meaning)):
        raise WrongRule("define", f"{name} would depend on states that it does not show")
    if theory.kind(head) == "fresh": raise WrongRule("define", f"{name} is drawn afresh wherever it stands")
    _in_domain(theory, "define", value, theory.symbols[name].domain, Range(max(lo, 1)))
    theory = theory._having("definitions", name, Definition(number, head, value.expr, lo))
    return theory, _make(theory, "define", Equal(Term(head, value.kind), value), Range(lo), (), {number})


def _in_domain(theory: Theory, rule: str, value: Term, domain: str, rng: Range) -> set[str]:
    context = Context(theory, rng)
    bounds = {"positive": [(value.expr, True)], "nonnegative": [(value.expr, False)],
              "(0,1)": [(value.expr, True), (1 - value.expr, True)]}.get(domain, [])
    for e, strict in bounds:
        if not context.positive(e, strict):
            raise WrongRule(rule, f"{value.expr} is not proved to lie in the domain {domain}")
    return context.used


def define_sequence(theory: Theory, number: str, head: sp.Expr, first: Term, step: Term) -> tuple[Theory, Theorem]:
    """head(0) := first, head(t) := step, which holds head at t-1 alone, for t >= 1."""
    theory.free_head(head)
    name = named(head)
    inside = {a for a in step.expr.atoms(AppliedUndef) if named(a) == name}
    if inside - {head.func(t_ - 1)} or first.expr.has(t_) or name in map(named, first.expr.atoms(AppliedUndef)):
        raise WrongRule("define", f"{name} at t must be given by {name} at t-1 alone")
    if states_of(step.expr) or states_of(first.expr): raise WrongRule("define", "a sequence is of numbers")
    theory = theory._having("sequences", name, (head, first.expr, step.expr, number))
    return theory, _make(theory, "define", Equal(Term(head), step), Range(1), (), {number})


# --- Processes -----------------------------------------------------------------------------------

def declare(theory: Theory, number: str, law: Law, lo: int) -> tuple[Theory, Theorem]:
    """The conditional of one state of a process: the one that its shape names, and only once.

    The mean and the variance depend on the given states alone; the variance is not negative."""
    process, rng = theory.process(law.process), Range(lo)
    if not is_state(law.of): raise WrongRule("declare", "the law of a state is declared")
    (time,) = law.of.args
    key = (process.name, time)
    wanted = process.parents().get(time)
    if wanted is None or wanted[0] != law.given or law.process != process.id:
        raise WrongRule("declare", f"in {process.name} this conditional follows from the others")
    if lo < wanted[1]: raise Undefined("this conditional", f"before t = {wanted[1]}")
    if key in theory.laws: raise WrongRule("declare", f"{process.name} has this conditional already")
    if process.like and time != 0: raise WrongRule("declare", f"the step of {process.name} is that of {process.like}")
    if time == 0 and any(p.like == process.name for p in theory.processes.values()):
        raise WrongRule("declare", f"{process.name} lends its step to others, its start stays free")
    context = Context(theory, rng)
    for e in (law.mean, law.variance):
        if not covered(states_of(context.unfold(e)), law.given, rng) or _hides(theory, context.unfold(e)):
            raise WrongRule("declare", f"{e} depends on a state that is not given")
    if is_vector_in(context.unfold(law.variance)): raise WrongRule("declare", "a random variance")
    if not context.positive(law.variance, strict=False):
        raise WrongRule("declare", f"the variance {law.variance} is not proved to be nonnegative")
    theory = theory._having("laws", key, law)
    return theory, _make(theory, "declare", law, rng, (), {number} | context.used)


def _hides(theory: Theory, e) -> bool:
    """Whether an atom without meaning may depend on states unseen."""
    return any(theory.random(a) for a in e.atoms(AppliedUndef, sp.Symbol))


def is_vector_in(e) -> bool: return any(map(is_vector, e.atoms(AppliedUndef, sp.Symbol, EV)))


def innovation(theory: Theory, number: str, law: Theorem, head: sp.Expr) -> tuple[Theory, Theorem]:
    """Defines the noise of a law of positive variance: x = mean + sqrt(variance) noise, as vectors."""
    theory.free_head(head)
    q, context = _law("innovation", law), Context(theory, law.range)
    if law.open or law.hi != T_: raise WrongRule("innovation", "the law does not hold up to T, without hypothesis")
    if not is_state(q.of) or head.args != (t_,) or theory.kind(head) != "noise":
        raise WrongRule("innovation", "a noise, at t, of the law of a state is defined")
    if not context.positive(q.variance): raise WrongRule("innovation", "the variance is not proved to be positive")
    process = theory.process(q.process)
    step = process.shape == "forward" and q.of.args == (t_,) and q.given == process.parents()[t_][0]
    noise = Noise(number, head, (q.of - q.mean) / sp.sqrt(q.variance), q.process, q.given, step, law.lo)
    theory = theory._having("noises", named(head), noise)
    claim = Equal(Term(q.of, "vector"), Term(q.mean + sp.sqrt(q.variance) * head, "vector"))
    return theory, _make(theory, "innovation", claim, law.range, [law], {number} | context.used)


def instance(theory: Theory, th: Theorem, name: str) -> Theorem:
    """A theorem about a process with a free start law holds for one that shares its step."""
    if name not in theory.processes or not (like := theory.processes[name].like):
        raise WrongRule("instance", f"{name} shares the step of no other process")
    if th.open: raise WrongRule("instance", "a premise rests on an open hypothesis")
    there, here = theory.processes[like], theory.processes[name]
    return _make(theory, "instance", th.claim.map(lambda e: e.subs(there.id, here.id)), th.range, [th])


def markov(theory: Theory, th: Theorem, extra: Iterable[sp.Tuple]) -> Theorem:
    """In a chain, states beyond the given one tell nothing more: x_n | x_m, with all extra on the
    other side of m."""
    q, extra = _law("markov", th), frozenset(extra)
    if not theory.process(q.process).markov: raise WrongRule("markov", "the process is no Markov chain")
    if len(q.given) != 1 or not is_state(q.of): raise WrongRule("markov", "the law is given more than one state")
    ((m, also),), n, rng = q.given, q.of.args[0], th.range
    after = m == also and rng.before(m, n) and all(rng.before(b, m) for _, b in extra)
    ahead = m == also and rng.before(n, m) and all(rng.before(m, a) for a, _ in extra)
    if not (after or ahead): raise WrongRule("markov", "an extra state is not beyond the given one")
    claim = replace(q, given=frozenset(merge([*q.given, *extra])))
    return _make(theory, "markov", claim, rng, [th], {f"{named(q.process)} is a Markov chain"})


# --- Gaussian laws -------------------------------------------------------------------------------

def _linked(rule: str, theory: Theory, prior: Theorem, step: Theorem):
    """y | C ~ N(m, v) and x | y, C ~ N(A y + b, w), of one process, with A, b, v, w free of y."""
    p, q, rng = _law(rule, prior), _law(rule, step), _common(rule, prior, step)
    if p.process != q.process: raise WrongRule(rule, f"the laws are of two processes, {p.process} and {q.process}")
    if not (is_state(p.of) and is_state(q.of)): raise WrongRule(rule, "a law is not that of a state")
    y = span(p.of.args[0])
    if not apart([y], p.given, rng) or frozenset(merge([*p.given, y])) != q.given:
        raise WrongRule(rule, f"the second law is not given {p.of} and the conditions of the first")
    context = Context(theory, rng)
    mean, w = context.unfold(q.mean), context.unfold(q.variance)
    parts = coefficients(mean)
    A = parts.pop(p.of, sp.S.Zero)
    b = sp.Add(*(c * atom for atom, c in parts.items()))
    for e in (A, b, w):
        if not covered(states_of(e), p.given, rng) or _hides(theory, e):
            raise WrongRule(rule, f"the second law is not linear in {p.of}, or its variance depends on it")
    return p, q, rng, context, A, b, w


def mix(theory: Theory, prior: Theorem, step: Theorem) -> Theorem:
    """Bishop's theorem: then x | C ~ N(A m + b, A^2 v + w)."""
    p, q, rng, context, A, b, w = _linked("mix", theory, prior, step)
    if not apart([span(q.of.args[0])], p.given, rng): raise WrongRule("mix", f"{q.of} is among the conditions")
    claim = Law(p.process, q.of, p.given, A * p.mean + b, A**2 * p.variance + w)
    return _make(theory, "mix", claim, rng, [prior, step], context.used)


def condition(theory: Theory, prior: Theorem, likelihood: Theorem) -> Theorem:
    """Bayes: then y | x, C is normal; precisions add, the mean is the average they weigh.
    Both variances are positive."""
    p, q, rng, context, A, b, w = _linked("condition", theory, prior, likelihood)
    x = span(q.of.args[0])
    if not apart([x], [*p.given, span(p.of.args[0])], rng): raise WrongRule("condition", f"{q.of} is given already")
    for v in (p.variance, w):
        if not context.positive(v): raise WrongRule("condition", f"the variance {v} is not proved to be positive")
    precision = 1 / p.variance + A**2 / w
    mean = (p.mean / p.variance + A * (q.of - b) / w) / precision
    claim = Law(p.process, p.of, frozenset(merge([*p.given, x])), mean, 1 / precision)
    return _make(theory, "condition", claim, rng, [prior, likelihood], context.used)


def affine(theory: Theory, law: Theorem, a: sp.Expr, b: sp.Expr) -> Theorem:
    """a x + b | C ~ N(a m + b, a^2 v), for a and b that C fixes."""
    q, context = _law("affine", law), Context(theory, law.range)
    for e in (a, b):
        if not covered(states_of(context.unfold(e)), q.given, law.range) or _hides(theory, context.unfold(e)):
            raise WrongRule("affine", f"{e} is random itself")
    claim = Law(q.process, a * q.of + b, q.given, a * q.mean + b, a**2 * q.variance)
    return _make(theory, "affine", claim, law.range, [law], context.used)


def combination(theory: Theory, process: sp.Expr | None, given: frozenset, v: sp.Expr, rng: Range) -> Theorem:
    """The law of a fixed vector plus multiples of independent normal noises: the squares add.

    The noises are fresh letters, or steps of one forward chain after all given states; each counts
    once, and ranges of noises do not meet."""
    context = Context(theory, rng)
    fixed, singles, families = context.noises(v, process, given)
    for e in (fixed, *singles.values(), *families.values()):
        unfolded = context.unfold(e)
        if not covered(states_of(unfolded), given, rng) or _hides(theory, unfolded):
            raise WrongRule("combination", f"{e} is random itself")
    steps = [named(z) for z in singles] + [named(z) for z, *_ in families]
    if process is not None and len(steps) > 1 and not all(theory.noises[z].step for z in steps):
        raise WrongRule("combination", "several noises that are not those of single steps")
    places = [(z, span(z.args[0]) if z.args else z) for z in singles] + [(z, span(*ends)) for z, *ends in families]
    for i, (z, one) in enumerate(places):
        for y, other in places[:i]:
            same_kind = named(z) == named(y)
            if same_kind and (one == other or not (isinstance(one, sp.Tuple) and apart([one], [other], rng))):
                raise WrongRule("combination", f"the noises {z} and {y} are not proved to be different")
    variance = sp.Add(*(c**2 for c in singles.values()),
                      *(sp.Sum(c**2, (k_, *ends)) for (_, *ends), c in families.items()))
    claim = Law(process, v, given, fixed, variance)
    return _make(theory, "combination", claim, rng, (), context.used)


# --- Instances and induction ---------------------------------------------------------------------

def at(theory: Theory, th: Theorem, n: sp.Expr) -> Theorem:
    """The same at n, which is t + k or does not hold t, and lies in the range for every t."""
    n = sp.sympify(n)
    if th.open: raise WrongRule("at", "under an open hypothesis t is fixed")
    if any(a.has(s_) for a in _parts(th.claim)): raise WrongRule("at", "s is bounded by t, and would move with it")
    if n.has(t_):
        k = sp.expand(n - t_)
        if not k.is_Integer: raise WrongRule("at", f"{n} is not t plus a number")
        rng = Range(th.lo - int(k), th.hi - k)
    else:
        rng = Range()
        if not (rng.before(sp.Integer(th.lo), n) and rng.before(n, th.hi)):
            raise Undefined("this", f"at t = {n}; it holds from t = {th.lo}")
    return _make(theory, "at", th.claim.map(lambda e: e.subs(t_, n)), rng, [th])


def suppose(theory: Theory, claim: Claim, start: int, down: bool = False) -> tuple[Theorem, Token]:
    """The hypothesis of an induction: the claim at t-1, for t > start; downwards, the claim at t."""
    if any(a.has(s_) for a in _parts(claim)): raise WrongRule("suppose", "s is bounded by t, and would move with it")
    token = Token(claim, start)
    shifted = claim if down else claim.map(lambda e: e.subs(t_, t_ - 1))
    th = _make(theory, "suppose", shifted, Range(start + 1))
    return replace(th, open=frozenset({token}), key=_KEY), token


def induct(theory: Theory, token: Token, base: Theorem, step: Theorem, down: bool = False) -> Theorem:
    """From the claim at the start, and from the claim at t-1 to that at t: the claim for all t.
    Downwards: from the claim at T, and from the claim at t to that at t-1."""
    first = token.claim.map(lambda e: e.subs(t_, T_ if down else token.start))
    then = token.claim.map(lambda e: e.subs(t_, t_ - 1)) if down else token.claim
    if base.open or step.open - {token}: raise WrongRule("induct", "another hypothesis is open")
    rest = Range(token.start + 1)
    if step.lo > rest.lo or step.hi != rest.hi: raise WrongRule("induct", "the step does not hold on the whole range")
    used = _same("induct: the base", theory, base.claim, first, Range())
    used |= _same("induct: the step", theory, step.claim, then, rest)
    if not any(a.has(t_) for a in _parts(token.claim)): raise WrongRule("induct", "the claim does not depend on t")
    return _make(theory, "induct", token.claim, Range(token.start), [base, step], used, token)


def _parts(claim: Claim) -> list[sp.Expr]:
    if isinstance(claim, MatrixLaw): return [claim.mean.expr, claim.covariance.expr]
    if isinstance(claim, Law): return [claim.process or sp.S.Zero, claim.of, *claim.given, claim.mean, claim.variance]
    return [claim.left.expr, claim.right.expr]


def _same(rule: str, theory: Theory, a: Claim, b: Claim, rng: Range) -> set[str]:
    """Raises unless both say the same: of one kind, about one subject, with equal values."""
    context = Context(theory, rng)
    if type(a) is not type(b): raise WrongRule(rule, "it proves another kind of statement")
    if isinstance(a, Law) and (a.process, a.given) != (b.process, b.given):
        raise WrongRule(rule, "it proves a law of another process, or under other conditions")
    if isinstance(a, MatrixLaw):
        if (a.process, a.of, a.given) != (b.process, b.of, b.given): raise WrongRule(rule, "it proves another law")
        if not (Words(context).zero(a.mean, b.mean) and Words(context).zero(a.covariance, b.covariance)):
            raise NotProved(rule, f"{a} and {b}")
        return context.used
    if not isinstance(a, Law) and [x.kind for x in (a.left, a.right)] != [x.kind for x in (b.left, b.right)]:
        raise WrongRule(rule, "it is about another kind of things")
    pairs = ((getattr(a, x), getattr(b, x)) for x in ("of", "mean", "variance")) if isinstance(a, Law) else (
        (a.left.expr, b.left.expr), (a.right.expr, b.right.expr))
    for x, y in pairs:
        if not context.zero(x - y): raise NotProved(rule, x - y)
    return context.used


def restate(theory: Theory, th: Theorem, claim: Claim, rng: Range) -> Theorem:
    """The same statement in another form, on a part of its range."""
    if rng.lo < th.lo or not rng.before(rng.hi, th.hi):
        raise Undefined("this", f"before t = {th.lo}, where its proof starts")
    if th.open and rng.hi != th.hi: raise WrongRule("restate", "under an open hypothesis the range stays")
    used = _same("restate", theory, th.claim, claim, rng)
    return _make(theory, "restate", claim, rng, [th], used)


# --- Equations -----------------------------------------------------------------------------------

def calc(theory: Theory, left: Term, right: Term, using: Iterable[Theorem], rng: Range) -> Theorem:
    """left = right, when the difference vanishes: by definitions alone, after rewriting by the
    theorems named, or after the factorization of a Markov chain."""
    if left.kind != right.kind: raise WrongRule("calc", f"a {left.kind} is compared with a {right.kind}")
    used, names = _vanishing(theory, left.expr, right.expr, tuple(using), rng)
    return _make(theory, "calc", Equal(left, right), rng, used, names)


def _vanishing(theory, left, right, using, rng):
    """The theorems and names by which left - right vanishes. Raises NotProved."""
    context = Context(theory, rng)
    l, r = context.unfold(left), context.unfold(right)
    powers = lambda e: e.has(Exp) or any(p.exp.has(sp.Symbol) for p in e.atoms(sp.Pow))
    if powers(l) and powers(r) and context.positive(l) and context.positive(r):
        l, r = context.logs(sp.log(l)), context.logs(sp.log(r))
    goal, needed = context.unfold(l - r), []
    for chains in (False, True):
        e = context.factorized(goal) if chains else goal
        for _ in range(4):
            if context.zero(e): return needed, context.used
            before = e
            for th in using:
                e = _rewritten(context, th, e, needed)
            if e == before: break
    raise NotProved("calc", goal)


def _rewritten(context: Context, th: Theorem, e: sp.Expr, needed: list) -> sp.Expr:
    """An equation or a law applied to the atoms that it is about, at every time in its range."""
    def once(context, e):
        table = {}
        for pattern, value, kinds in _patterns(th.claim):
            for a in e.atoms(*kinds):
                n = matches(pattern, a)
                if n is None or th.open and n != t_: continue
                if not (context.rng.before(sp.Integer(th.lo), n) and context.rng.before(n, th.hi)): continue
                if isinstance(pattern, M) and not context.positive(th.claim.variance.subs(t_, n)): continue
                table[a] = value.subs(t_, n)
        if table and th not in needed: needed.append(th)
        return e.xreplace(table)
    return context.unfold(context.over_sums(e, once))


def _patterns(claim: Claim):
    if isinstance(claim, Law) and is_state(claim.of):
        q, given = claim, sp.Tuple(*merge(claim.given))
        yield (M(q.process, *merge([*q.given, span(q.of.args[0])])),
               M(q.process, *merge(q.given)) + log_normal(q.of, q.mean, q.variance), (M,))
        yield EV(q.process, given, q.of), q.mean, (EV,)
        yield EE(q.process, given, Dot(q.of, q.of)), dot(q.mean, q.mean) + d_ * q.variance, (EE,)
    elif isinstance(claim, Equal) and isinstance(claim.left.expr, (AppliedUndef, EE, EV)):
        yield claim.left.expr, claim.right.expr, (AppliedUndef, EE, EV)


# --- Matrices ------------------------------------------------------------------------------------

def agree(theory: Theory, left, right, rng: Range) -> Theorem:
    """Two matrices whose words have the same coefficients."""
    context = Context(theory, rng)
    if not Words(context).zero(left, right): raise NotProved("agree", f"{left} - {right}")
    return _make(theory, "agree", Equal(left, right), rng, (), context.used)


def declare_matrix(theory: Theory, number: str, law: MatrixLaw) -> tuple[Theory, Theorem]:
    """The law of a column, and then that of a second column given it: nothing more."""
    process, context = theory.processes[law.process], Context(theory, Range())
    before = [of for name, of in theory.laws if name == process.name]
    if process.shape != "pair" or len(before) > 1 or law.given != frozenset(before) or law.of in before:
        raise WrongRule("declare", f"in {process.name} this conditional follows from the others")
    words = Words(context)
    if law.mean.expr.free_symbols & {law.of} or not words.positive(law.covariance.expr):
        raise WrongRule("declare", "the mean holds its own variable, or the covariance is not one")
    if law.covariance.expr.free_symbols & {law.of, *law.given}:
        raise WrongRule("declare", "a random covariance")
    theory = theory._having("laws", (process.name, law.of), law)
    return theory, _make(theory, "declare", law, Range(), (), {number})


def mix_matrix(theory: Theory, prior: Theorem, step: Theorem) -> Theorem:
    """X ~ N(m, S) and Y | X ~ N(A X + b, L): then Y ~ N(A m + b, L + A S A^T), for all shapes."""
    p, q = prior.claim, step.claim
    if not (isinstance(p, MatrixLaw) and isinstance(q, MatrixLaw)): raise WrongRule("mix", "a premise is no law of a column")
    if p.process != q.process: raise WrongRule("mix", f"the laws are of two processes, {p.process} and {q.process}")
    if p.given or q.given != {p.of}: raise WrongRule("mix", "the second law is not given the column of the first alone")
    context, A, b = Context(theory, _common("mix", prior, step)), sp.S.Zero, sp.S.Zero
    for term in sp.Add.make_args(sp.expand(q.mean.expr)):
        numbers, word = term.args_cnc()
        if word and word[-1] == p.of: A += sp.Mul(*numbers, *word[:-1])
        else: b += term
    turned = Words(context).turn
    if (A + b).has(p.of, turned(p.of)): raise WrongRule("mix", f"the second mean is not linear in {p.of}")
    mean = Matrix(A * p.mean.expr + b, q.mean.shape)
    covariance = Matrix(q.covariance.expr + A * p.covariance.expr * turned(A), q.covariance.shape)
    claim = MatrixLaw(p.process, q.of, frozenset(), mean, covariance)
    return _make(theory, "mix", claim, context.rng, [prior, step], context.used)


# --- Bounds --------------------------------------------------------------------------------------

def convex(theory: Theory, u: sp.Symbol, left: Term, right: Term, lowest: sp.Expr) -> Theorem:
    """left <= right for all u > 0: the gap is convex in u, and it and its slope vanish at one point."""
    gap, context = right.expr - left.expr, Context(theory, Range())
    if theory.domain(u) != "positive" or gap.free_symbols != {u} or gap.atoms(sp.Function) - gap.atoms(sp.log):
        raise WrongRule("convex", "the gap is a function of one positive number")
    slope = sp.diff(gap, u)
    if not (context.zero(gap.subs(u, lowest)) and context.zero(slope.subs(u, lowest))):
        raise WrongRule("convex", f"the gap or its slope does not vanish at {lowest}")
    if not (lowest.is_positive and context.positive(sp.diff(slope, u))): raise WrongRule("convex", "the gap is not convex")
    return _make(theory, "convex", AtMost(left, right), Range())


def substitute(theory: Theory, th: Theorem, u: sp.Symbol, value: Term, rng: Range) -> Theorem:
    """A bound for every number of a domain, at one value of it. The bound holds no mean."""
    if th.open or any(a.has(EE, EV, M) or is_vector_in(a) for a in _parts(th.claim)):
        raise WrongRule("substitute", "the statement is about more than numbers")
    if rng.lo < th.lo: raise Undefined("the bound", f"before t = {th.lo}")
    used = _in_domain(theory, "substitute", value, theory.domain(u), rng)
    return _make(theory, "substitute", th.claim.map(lambda e: e.subs(u, value.expr)), rng, [th], used)


def monotone(theory: Theory, th: Theorem, process: sp.Expr, given: frozenset) -> Theorem:
    """A bound that holds for all states holds for the means of both sides."""
    if not isinstance(th.claim, AtMost) or th.open: raise WrongRule("monotone", "a bound without open hypothesis is asked for")
    context, C = Context(theory, th.range), sp.Tuple(*merge(given))
    mean = lambda e: context.mean(process, C, context.unfold(context.logs(e)))
    return _make(theory, "monotone", th.claim.map(mean), th.range, [th], context.used)


def importance(theory: Theory, q: sp.Expr, S: frozenset, C: frozenset, p: sp.Expr, R: frozenset, rng: Range) -> Theorem:
    """The mean under q(S | C) of p(S, R) / q(S | C) is p(R). R is within C, and S meets neither."""
    if not apart(S, C, rng) or not covered(R, C, rng): raise WrongRule("importance", "S and C meet, or R is not within C")
    if not all(rng.before(sp.S.Zero, a) and rng.before(a, b) and rng.before(b, T_) for a, b in [*S, *C, *R]):
        raise WrongRule("importance", "a state outside 0..T")
    if {theory.process(x).shape for x in (q, p)} & {"step", "jump"}: raise WrongRule("importance", "whole chains are asked for")
    ratio = Exp(M(p, *merge([*S, *R])) - M(q, *merge([*S, *C])))
    claim = Equal(Term(EE(q, sp.Tuple(*merge(C)), ratio)), Term(Exp(M(p, *merge(R)) - M(q, *merge(C)))))
    return _make(theory, "importance", claim, rng)


def transfer(theory: Theory, claim: Claim, known: Theorem, using: Iterable[Theorem], rng: Range) -> Theorem:
    """left = right, or left <= right, when left - right is the difference of a relation that was
    proved: the same was added on both sides."""
    if isinstance(claim, Law) or type(claim) is not type(known.claim):
        raise WrongRule("transfer", "the premise is another kind of relation")
    if claim.left.kind != claim.right.kind or claim.left.kind != known.claim.left.kind:
        raise WrongRule("transfer", "the sides are of different kinds")
    if rng.lo < known.lo or not rng.before(rng.hi, known.hi): raise Undefined("the premise", f"before t = {known.lo}")
    if known.open and rng.hi != known.hi: raise WrongRule("transfer", "under an open hypothesis the range stays")
    here, there = (c.left.expr - c.right.expr for c in (claim, known.claim))
    used, names = _vanishing(theory, here, there, tuple(using), rng)
    return _make(theory, "transfer", claim, rng, [known, *used], names)


def numeric(theory: Theory, claim: Claim, rng: Range) -> Theorem:
    """Not proved: what rests on it is numeric, too."""
    return _make(theory, "numeric", claim, rng, strength="numeric")
