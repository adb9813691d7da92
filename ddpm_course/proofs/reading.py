"""From a tree to what the kernel speaks about. Every side must be defined on the whole claimed range."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from itertools import combinations
from typing import NoReturn

import sympy as sp

from .errors import Undefined, Unreadable
from .lexer import Notation
from .means import RULES
from .reader import Node
from .terms import T_, Law, M, Range, Term, apart, covered, merge, s_, span, t_
from .theory import Process, Theory
from .values import LETTERS
from .zero import Context

ZERO = Node("number", (0,))  # of every kind


class Reading:
    """Gives nodes their values under a theory, for t in a range. naming: the name that is being defined."""

    def __init__(self, theory: Theory, notation: Notation, rng: Range, naming: str = ""):
        self.theory, self.notation, self.rng, self.naming = theory, notation, rng, naming
        self.letters, self.fresh, self.used = dict(LETTERS), frozenset(), set()

    @property
    def context(self) -> Context:
        """For values that are computed here: what they needed is remembered."""
        return Context(self.theory, self.rng, self.used)

    def __call__(self, node: Node) -> Term:
        return RULES[node.op](self, *node.parts)

    def of_kind(self, node: Node, kind: str) -> sp.Expr:
        term = self(node)
        if term.kind != kind and node != ZERO:
            self.fail(f"a {term.kind} where a {kind} is needed: {term.expr}")
        return term.expr

    def scalar(self, node: Node) -> sp.Expr:
        return self.of_kind(node, "scalar")

    def fail(self, why: str) -> NoReturn:
        raise Unreadable("", "", why)

    def need(self, holds: Callable[[Context], bool], what: object) -> None:
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

    def index(self, n: sp.Expr, low, high, what: object) -> None:
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
        letter = name.rpartition("_")[2]
        if self.letters.get(letter) != LETTERS.get(letter):
            self.fail(f"{name} within a sum over {letter}")
        if "s" in map(str, process.id.args) and (self.letters["t"], self.letters["s"]) != (t_, s_):
            self.fail(f"{name} within a sum over t or s")
        id_ = process.id.xreplace({LETTERS[x]: self.letters[x] for x in "ts"})
        return id_, drawn, given

    def need_density(self, process: Process, given: frozenset) -> None:
        """Raises Undefined unless every law of a process is proved to have a variance, for all t. Where
        one is not declared, and is no start that is given, a density is believed."""
        whole = Context(self.theory, Range())
        for law in (known.law for known in self.theory.laws_of(process).values()):
            if not (isinstance(law, Law) and whole.positive(law.variance)):
                raise Undefined(f"a density of {process.name}", "where a law has no variance")
        self.used |= whole.used & set(self.theory.hypotheses)
        start = {sp.S.Zero} if covered({span(sp.S.Zero)}, given, self.rng) else set()
        if self.theory.undeclared(process) - start:
            self.used.add(f"${process.name}$ has a density")

    def states(self, node: Node, process) -> sp.Tuple:
        if node.op not in ("member", "span") or self.notation[node.parts[0]].kind != "state":
            self.fail(f"a density is about states, got {node.op}")
        ends = [self.scalar(n) for n in node.parts[1:]]
        low, high = ends[0], ends[-1]
        self.index(low, 0, high, M(process.id, span(low, high)))
        self.index(high, low, T_, M(process.id, span(low, high)))
        t, s = self.letters["t"], self.letters["s"]
        shapes = {"step": (sp.S.Zero, t, t - 1), "jump": (sp.S.Zero, t, s), "pair": ()}
        known = shapes.get(process.shape)
        if known is not None and not (low == high and low in known):
            self.fail(f"{process.name} has no state at {low}")
        return span(low, high)

    def normal(self, node: Node) -> tuple[sp.Expr | None, sp.Expr, sp.Expr]:
        """Of N(x; m, v I): x, where it is written, m and v."""
        name, mean, spread = node.parts
        of = self.of_kind(name, "vector") if name else None
        return of, self.of_kind(mean, "vector"), self.of_kind(spread, "isotropic")

    def log_density(self, node: Node) -> sp.Expr:
        q, drawn, given = self.density(*node.parts)
        self.need_density(self.theory.process(q), given)
        return M(q, *merge([*drawn, *given])) - M(q, *merge(given))
