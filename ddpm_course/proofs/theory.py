"""Processes and definitions: all that a theory assumes. A theory is never changed, only extended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field

from types import MappingProxyType

import sympy as sp

from .errors import WrongRule
from .terms import EE, EV, STATE, Range, T_, covered, named, span, states_of, t_, s_


_KEY = object()


def _empty() -> Mapping: return MappingProxyType({})


@dataclass(frozen=True)
class Symbol:
    """A declared letter: kind and domain as in the notation."""
    kind: str
    domain: str


@dataclass(frozen=True)
class Definition:
    """head = value, for t >= lo. The head is an atom, at t."""
    number: str
    head: sp.Expr
    value: sp.Expr
    lo: int


@dataclass(frozen=True)
class Process:
    """A joint law of states, given by one conditional for each; see `Structure` for the shapes."""
    name: str
    shape: str
    like: str = ""

    @property
    def id(self) -> sp.Expr:
        letters = {"step": (t_,), "jump": (t_, s_)}.get(self.shape, ())
        return sp.Function(self.name)(*letters) if letters else sp.Symbol(self.name)

    @property
    def markov(self) -> bool: return self.shape in ("forward", "backward")

    def parents(self) -> dict[sp.Expr, tuple[frozenset, int]]:
        """The time of every state, with the states that its conditional is given, and the first t."""
        x0, none = frozenset({span(sp.S.Zero)}), frozenset()
        both = frozenset({span(t_), *x0})
        return {
            "forward": {sp.S.Zero: (none, 1), t_: (frozenset({span(t_ - 1)}), 1)},
            "backward": {T_: (none, 1), t_ - 1: (frozenset({span(t_)}), 1)},
            "bridge": {sp.S.Zero: (none, 1), T_: (x0, 1), t_ - 1: (both, 2)},
            "step": {sp.S.Zero: (none, 1), t_: (x0, 1), t_ - 1: (both, 2)},
            "jump": {sp.S.Zero: (none, 1), t_: (x0, 1), s_: (both, 2)},
        }[self.shape]


@dataclass(frozen=True)
class Noise:
    """A noise, as the defined vector (x - mean) / sqrt(variance), at t."""
    number: str
    head: sp.Expr
    value: sp.Expr
    process: sp.Expr
    given: frozenset[sp.Tuple]
    step: bool          # whether it is the noise of one step of a forward chain
    lo: int = 1

    def independent_of(self, n, given, rng: Range) -> bool:
        """Whether the noise at n is N(0, I) given these states: they come before it, or are its own."""
        own = [sp.Tuple(a.subs(t_, n), b.subs(t_, n)) for a, b in self.given]
        return covered(given, own, rng) or self.step and covered(given, [span(sp.S.Zero, n - 1)], rng)


@dataclass(frozen=True)
class Hypothesis:
    """expr >= 0, or > 0 where it is strict, for t >= lo."""
    expr: sp.Expr
    strict: bool
    lo: int


@dataclass(frozen=True)
class Theory:
    """What was declared and defined, in order: `history` tells an extension from its elders."""
    symbols: Mapping[str, Symbol] = field(default_factory=_empty)
    definitions: Mapping[str, Definition] = field(default_factory=_empty)
    sequences: Mapping[str, tuple] = field(default_factory=_empty)
    processes: Mapping[str, Process] = field(default_factory=_empty)
    laws: Mapping[tuple, object] = field(default_factory=_empty)
    noises: Mapping[str, Noise] = field(default_factory=_empty)
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=_empty)
    history: tuple = ()
    key: InitVar[object] = None

    def __post_init__(self, key):
        if key is not _KEY and (self.history or any(vars(self).values())):
            raise WrongRule("theory", "a theory starts empty, and is extended by its own methods")

    def extends(self, elder: Theory) -> bool:
        n = len(elder.history)
        return len(self.history) >= n and (n == 0 or self.history[n - 1] is elder.history[n - 1])

    def domain(self, atom) -> str:
        symbol = self.symbols.get(named(atom))
        return symbol.domain if symbol and named(atom) not in self.definitions else "real"

    def kind(self, atom) -> str: return self.symbols[named(atom)].kind if named(atom) in self.symbols else ""

    def random(self, atom) -> bool:
        """Whether an atom may vary in a way that it does not show."""
        return named(atom) in self.noises or self.kind(atom) in ("random", "noise", "fresh")

    def process(self, id: sp.Expr) -> Process: return self.processes[named(id)]

    def _having(self, table: str, name, entry) -> Theory:
        """Extended by one entry. Only the methods below and the kernel, which check it, call this."""
        tables = {x: getattr(self, x) for x in self.__dataclass_fields__ if x not in ("history", "key")}
        return Theory(**{**tables, table: MappingProxyType({**tables[table], name: entry})},
                      history=(*self.history, (table, name, entry)), key=_KEY)

    # --- extensions, each with what it asks ------------------------------------------------------

    def with_symbol(self, name: str, kind: str, domain: str) -> Theory:
        """A new letter. A letter has one meaning."""
        if name in self.symbols: raise WrongRule("notation", f"{name} is declared already")
        if kind == "state" and any(x.kind == "state" for x in self.symbols.values()):
            raise WrongRule("notation", "there is one family of states")
        stem, mark, last = name.rpartition("_")
        for other in () if kind in ("matrix", "column") else self.symbols:      # v_1 would be v_t at t = 1
            clash = f"{stem}_t" if last.isdigit() else None
            if other == clash or last == "t" and other.rpartition("_")[0] == stem and \
                    other.rpartition("_")[2].isdigit():
                raise WrongRule("notation", f"{name} clashes with {other}: one is the other at an index")
        return self._having("symbols", name, Symbol(kind, domain))

    def with_process(self, name: str, shape: str, like: str = "") -> Theory:
        """A new process. It may share the step of a forward process whose start law is free."""
        if name in self.processes: raise WrongRule("process", f"{name} is declared already")
        if like and (shape != "forward" or like not in self.processes or self.processes[like].shape != "forward"
                     or self.processes[like].like):
            raise WrongRule("process", f"{like} is no forward process")
        return self._having("processes", name, Process(name, shape, like))

    def with_hypothesis(self, name: str, expr: sp.Expr, strict: bool, lo: int) -> Theory:
        if name in self.hypotheses: raise WrongRule("hypothesis", f"{name} is stated already")
        if states_of(expr) or expr.has(EE, EV): raise WrongRule("hypothesis", "it is about numbers")
        return self._having("hypotheses", name, Hypothesis(expr, strict, lo))

    def free_head(self, head: sp.Expr) -> None:
        """Raises WrongRule unless the name of this atom has no meaning yet."""
        name = named(head)
        if name.startswith(STATE): raise WrongRule("define", f"{name} is a state: a law says what it is")
        for table in (self.definitions, self.sequences, self.noises):
            if name in table: raise WrongRule("define", f"{name} has a meaning already")
        if name not in self.symbols: raise WrongRule("define", f"{name} is not declared")
