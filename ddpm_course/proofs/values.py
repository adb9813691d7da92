"""What numbers, symbols, sums and products of a formula are to the kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.function import AppliedUndef

from . import derivatives
from .errors import WrongRule
from .lexer import INDICES, Entry
from .printing import latex
from .reader import Node, read
from .terms import STATE, T_, VECTOR, Exp, Range, Term, d_, dot, matches, named, s_, t_
from .theory import MARKS
from .zero import Context

if TYPE_CHECKING:
    from .reading import Reading

LETTERS = {name: sp.Symbol(name, integer=True) for name in INDICES}
CONSTANTS = {"T": T_, "d": d_, r"\pi": sp.pi}
RULES: dict[str, Callable[..., Term]] = {}


def rule(op: str):
    """Registers what gives a node of this kind its value."""
    return lambda f: RULES.setdefault(op, f)


def name_of(entry: Entry) -> str:
    return MARKS.get(entry.kind, "") + entry.name


def defined(r: Reading, atom: sp.Expr, n: sp.Expr | None = None) -> sp.Expr:
    """An atom whose index, if it has one, lies where it has a value."""
    name, theory = named(atom), r.theory
    kind = theory.symbols[name].kind if name in theory.symbols else ""
    if name == r.naming:
        low = 0  # it is being defined
    elif known := theory.definitions.get(name) or theory.noises.get(name):
        low = known.lo
        r.used |= known.assumes & set(theory.hypotheses)  # also where the atom cancels
    elif name in theory.sequences or name.startswith(STATE):
        low = 0
    elif kind in ("random", "noise"):
        r.fail(f"{name} has no meaning yet")
    else:
        low = 1
    if n is not None:
        r.index(n, low, T_, atom)
        for s in [a for a in atom.args if a.is_integer][1:]:
            r.index(s, max(low - 1, 0), n - 1, atom)
    return atom


@rule("number")
def _number(r: Reading, n):
    return Term(sp.Integer(n))


@rule("index")
def _index(r: Reading, letter):
    if letter == "k" and r.letters[letter] == LETTERS["k"]:
        r.fail("k is the letter of a sum, and stands outside of one")
    return Term(r.letters[letter])


@rule("symbol")
def _symbol(r: Reading, name):
    entry = r.notation[name]
    if name == "I":
        return Term(sp.S.One, "isotropic")
    if name in CONSTANTS:
        return Term(CONSTANTS[name])
    if entry.kind in ("matrix", "column"):
        r.fail("matrices, and what is no matrix, in one formula")
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
        return Term(defined(r, atom, r.letters["t"]), kind)
    return Term(defined(r, sp.Symbol(name_of(entry))), kind)


@rule("member")
def _member(r: Reading, name, index):
    entry, n = r.notation[name], r.scalar(index)
    if entry.kind == "fresh":
        r.fail(f"{name} is drawn afresh, and has no index")
    kind = "vector" if name_of(entry)[0] in (STATE, VECTOR) else "scalar"
    return Term(defined(r, sp.Function(name_of(entry))(n), n), kind)


@rule("call")
def _call(r: Reading, name, index, arguments):
    entry = r.notation[name]
    assert entry.arguments  # else it had not been read as a function
    parts = re.split(r",(?![^{]*})", entry.arguments)
    fixed = type(r)(r.theory, r.notation, Range(1))
    declared = sp.Tuple(*(fixed(read(a, r.notation)).expr for a in parts))
    given = sp.Tuple(*(r(a).expr for a in arguments))
    n = matches(declared, given) if len(given) == len(declared) else None
    if n is None:
        r.fail(f"{name} was declared with the arguments ({entry.arguments})")
    if index is not None and r.scalar(index) != n:
        r.fail(f"{name} at another index than its arguments")
    head = sp.Function(name_of(entry))
    atom = head(n, *given) if name.endswith("_t") else head(*given)
    return Term(defined(r, atom, n), "vector" if name_of(entry)[0] == VECTOR else "scalar")


@rule("neg")
def _neg(r: Reading, a):
    term = r(a)
    return Term(-term.expr, term.kind)


@rule("add")
def _add(r: Reading, *nodes):
    terms = [r(n) for n in nodes]
    kinds = {x.kind for x in terms if x.expr != 0}
    if len(kinds) > 1:
        r.fail(f"a sum of a {' and a '.join(sorted(kinds))}")
    return Term(sp.Add(*(x.expr for x in terms)), kinds.pop() if kinds else terms[0].kind)


@rule("mul")
def _mul(r: Reading, a, b):
    x, y = r(a), r(b)
    kinds = [k.kind for k in (x, y) if k.kind != "scalar"]
    if len(kinds) == 2:
        r.fail(f"a product of a {x.kind} and a {y.kind}")
    return Term(x.expr * y.expr, kinds[0] if kinds else "scalar")


@rule("div")
def _div(r: Reading, a, b):
    x, y = r(a), r.scalar(b)
    r.need(lambda c: c.never_zero(y), 1 / y)
    return Term(x.expr / y, x.kind)


@rule("pow")
def _pow(r: Reading, a, n):
    base, e = r.scalar(a), r.scalar(n)
    if e.is_Integer and e < 0:
        r.need(lambda c: c.never_zero(base), 1 / base)
    if not e.is_Integer:
        r.need(lambda c: c.positive(base), base**e)
    return Term(base**e)


@rule("sqrt")
def _sqrt(r: Reading, a):
    base = r.scalar(a)
    r.need(lambda c: c.positive(base, strict=False), sp.sqrt(base))
    if sp.sqrt(base).has(sp.Abs):
        r.fail(f"the root of the square of an index: {base}")
    return Term(sp.sqrt(base))


@rule("log")
def _log(r: Reading, a):
    inside = r.scalar(a)
    r.need(lambda c: c.positive(inside), sp.log(inside))
    return Term(r.context.logs(sp.log(inside)))


@rule("exp")
def _exp(r: Reading, a):
    return Term(Exp(r.scalar(a)))


@rule("cos")
def _cos(r: Reading, a):
    return Term(sp.cos(r.scalar(a)))


@rule("sin")
def _sin(r: Reading, a):
    return Term(sp.sin(r.scalar(a)))


@rule("slope")
def _slope(r: Reading, letter, body):
    term, u = r(body), r.scalar(letter)
    if not isinstance(u, sp.Symbol):
        raise WrongRule("derivative", "{} is no variable", (u,))
    return derivatives.slope(r.context, term, u)


@rule("partial")
def _partial(r: Reading, letter, body):
    theory, term = r.theory, r(body)
    if any(theory.kind(a) == "path" for a in r.context.unfold(term.expr).atoms(AppliedUndef)):
        r.fail(
            r"a state that moves is held fixed by \partial, or not: write d for the whole change"
        )
    return _slope(r, letter, body)


@rule("gradient")
def _gradient(r: Reading, letter, body):
    x = r.of_kind(letter, "vector")
    return Term(derivatives.gradient(r.context, r.scalar(body), x), "vector")


@rule("divergence")
def _divergence(r: Reading, letter, body):
    x = r.of_kind(letter, "vector")
    return Term(derivatives.divergence(r.context, r.of_kind(body, "vector"), x))


@rule("norm2")
def _norm2(r: Reading, a, n):
    if n != Node("number", (2,)):
        r.fail("only the squared norm is read")
    v = r.of_kind(a, "vector")
    return Term(dot(v, v))


@rule("inner")
def _inner(r: Reading, a, b):
    return Term(dot(r.of_kind(a, "vector"), r.of_kind(b, "vector")))


def _over(r: Reading, what, letter, low, high, body):
    a, b = r.scalar(low), r.scalar(high)
    if not (a.is_integer and b.is_integer):
        r.fail(f"a {what} runs over whole numbers")
    sign = {"sum": r"\sum", "product": r"\prod"}[what]
    ends = rf"{sign}_{{{letter}={latex(a)}}}^{{{latex(b)}}}"
    r.need(lambda c: c.rng.before(a - 1, b), ends)
    with r.binding(letter, a, b) as k:
        term = r(body)
        return term, (k, a, b)


@rule("sum")
def _sum(r: Reading, *parts):
    term, limits = _over(r, "sum", *parts)
    return Term(sp.Sum(term.expr, limits), term.kind)


@rule("prod")
def _prod(r: Reading, *parts):
    term, limits = _over(r, "product", *parts)
    if term.kind != "scalar":
        r.fail(f"a product of {term.kind}s")
    if not term.expr.has(Exp):
        return Term(sp.Product(term.expr, limits))
    inner = Context(r.theory, r.rng.within(*limits), r.used)
    if not inner.positive(term.expr):
        r.fail(f"a product of densities and of what is not known to be positive: {term.expr}")
    return Term(Exp(sp.Sum(inner.logs(sp.log(term.expr)), limits)))
