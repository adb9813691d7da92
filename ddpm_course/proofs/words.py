"""The words with which a chapter declares, assumes, defines, cites and states its formulas."""

from __future__ import annotations

from . import kernel, oracle
from .book import Book, Equation, book, enter, entering
from .declarations import DeclaredLaw, Hypothesis, Structure
from .errors import Undefined, Unreadable, WrongRule
from .goals import Goal, goals, law_claim
from .kernel import Theorem
from .lexer import declared
from .matrix_reading import MatrixReading
from .reader import Node, read_relations
from .reading import Reading
from .tactics import automatic
from .terms import Range
from .values import name_of


def notation(
    latex: str, kind: str, meaning: str, domain: str = "real", shape: tuple[str | int, ...] = ()
) -> None:
    """Declare a symbol, written as it stands for the index t.

    kind: scalar, sequence, vector, random, state, noise, fresh, variable, point, smooth, path, matrix,
    column or density; domain: real, positive, nonnegative, (0,1), natural or symmetric (and positive
    definite, as a covariance); shape: the two sides of a matrix or a column, each "n", "m", "d" or a
    number. Raises Unreadable for what the kind does not take, WrongRule for a letter that has a
    meaning already.
    """
    b, entry = book(), declared(latex, kind, meaning, domain, shape)
    known = b.declarations.notation.get(entry.name)
    if entry == known:
        return
    if known:
        raise WrongRule(
            "notation",
            "{} is declared already, as {}",
            (
                latex,
                known.meaning or known.kind,
            ),
        )
    if kind != "density":
        b.theory = b.theory.with_symbol(name_of(entry), kind, domain, entry.shape)
    b.declarations.notation[entry.name] = entry


def process(name: str, shape: str, meaning: str, like: str = "") -> None:
    """Declare a density name and the joint law that it stands for; see `Structure` for the shapes."""
    notation(name, "density", meaning)
    b, name = book(), declared(name, "density", meaning).name
    if b.declarations.structures.get(name) == Structure(name, shape, like):
        return
    b.theory = b.theory.with_process(name, shape, like)
    b.declarations.structures[name] = Structure(name, shape, like)


def assume(name: str, latex: str, start: int = 1) -> Equation:
    """State a standing hypothesis about numbers, such as \\sigma_t > 0: theorems that need it say so.

    name: H with a number. start: the first t for which it is stated.
    """
    b = book()
    sides, signs = read_relations(latex, b.declarations.notation)
    known = b.equations.get(name)
    if known and (known.latex, known.start) == (latex, start):
        return known
    if len(signs) != 1 or signs[0].op not in ("le", "lt"):
        raise Unreadable(latex, "", "a hypothesis is one \\le or <")
    with entering(name, latex):
        r = b.reading(start)
        (left, right), strict = sides, signs[0].op == "lt"
        low, high = map(r.scalar, sides)
        b.theory = b.theory.with_hypothesis(name, high - low, strict, start)
        b.declarations.hypotheses[name] = Hypothesis(name, left, right, strict, start)
        return enter(Equation(name, latex, "hypothesis", start, sides, signs, known=()))


def define(number: str, latex: str, start: int | None = None) -> Equation:
    """Register a definition `... := ...`: the law of one step of a process, or what a symbol means.

    start: the first t for which it is meant. A product or a sum over 1..t has a value from 0 on.
    Raises WrongRule for a name that has a meaning, for a second law of one state, and where the
    value does not fit the domain of the symbol.
    """
    b = book()
    sides, signs = read_relations(latex, b.declarations.notation)
    if [sign.op for sign in signs] != ["define"]:
        raise Unreadable(latex, "", "a definition has one sign, :=")
    left, right = sides
    with entering(number, latex):
        if left.op == "density":
            th, needs = _define_law(b, number, left, right, 1 if start is None else start)
        else:
            th, needs = _define_symbol(b, number, left, right, start)
        known, lo = ((th,), th.lo) if th else ((), 1)
        return enter(
            Equation(number, latex, "definition", lo, sides, signs, known=known, needs=needs)
        )


def _define_law(
    b: Book, number: str, left: Node, right: Node, start: int
) -> tuple[Theorem, set[str]]:
    if right.op != "normal":
        raise Unreadable("", "", "a law is defined by a normal density")
    r = b.reading(start)
    if MatrixReading(r).holds(right):
        b.theory, th = kernel.declare_matrix(
            b.theory, number, MatrixReading(r).law(left, right), start, r.used
        )
    else:
        b.theory, th = kernel.declare(b.theory, number, law_claim(r, left, right), start, r.used)
    entry = DeclaredLaw(number, left, right.parts[1], right.parts[2], start)
    b.declarations.laws[left.parts[0]] = (*b.declarations.laws.get(left.parts[0], ()), entry)
    return th, r.used


def _define_symbol(
    b: Book, number: str, left: Node, right: Node, start: int | None
) -> tuple[Theorem | None, set[str]]:
    """For t from 0 on where the value is defined there, else from 1."""
    if left.op not in ("symbol", "member", "call", "normal"):
        raise Unreadable("", "", "this is no name that can be defined")
    name, r = left.parts[0], b.reading(1)
    if left.op == "normal":  # the density with which the kernel computes anyway
        return kernel.calc(b.theory, r(left), r(right), (), Range(1)), r.used
    entry = b.declarations.notation[name]
    if entry.kind == "sequence":
        return _define_sequence(b, number, left, right), set()
    low = 0 if start is None else start
    while True:
        try:
            value = (r := b.reading(low))(right)
            break
        except Undefined:
            if start is not None or low:
                raise
            low = 1
    if any(
        node.op in ("symbol", "member", "call") and node.parts[0] == name for node in right.walk()
    ):
        raise WrongRule("define", "{} is defined by itself", (name,))
    b.theory, th = kernel.define(b.theory, number, b.head(entry, left), value, low, r.used)
    index = left.parts[1] if left.op == "member" else left
    key = (name, int(index.parts[0])) if index.op == "number" else name  # y_1 says nothing of y_2
    b.declarations.meanings[key] = right
    return th, r.used


def _define_sequence(b: Book, number: str, left: Node, right: Node) -> Theorem | None:
    """Its value at 0 comes first and is kept; with the step it is a definition."""
    name = left.parts[0]
    if left.parts[1] == Node("number", (0,)):
        if name in b.declarations.first:
            raise WrongRule("define", "{} has a start already", (name,))
        b.declarations.first[name] = right
        return None
    if left.parts[1] != Node("index", ("t",)):
        raise WrongRule("define", "a sequence is given at 0 and at t")
    if name not in b.declarations.first:
        raise WrongRule("define", "{} has no value at 0 yet", (name,))
    entry = b.declarations.notation[name]
    head = b.head(entry, left)
    inner = Reading(b.theory, b.declarations.notation, Range(1), naming=name_of(entry))
    first = (outer := b.reading(1))(b.declarations.first[name])
    start = next(
        n
        for n, e in b.equations.items()
        if e.kind == "definition" and e.sides[0] == Node("member", (name, Node("number", (0,))))
    )
    step = inner(right)
    b.theory, th = kernel.define_sequence(
        b.theory, frozenset({start, number}), head, first, step, outer.used | inner.used
    )
    b.declarations.meanings[name] = right
    return th


def cite(number: str, latex: str, source: str) -> Equation:
    """Display a formula that is taken from elsewhere, neither read nor proved."""
    with entering(number, latex):
        return enter(Equation(number, latex, "cited", source=source))


def eq(number: str, latex: str, by=None, start: int = 1) -> Equation:
    """Read, try to refute, prove and display a formula; every relation sign is a theorem.

    number: chapter.equation. by: how it is proved, one of the ways in `tactics`; without it, by
    definitions and known laws. start: the first t for which it is claimed; then s, where
    it stands in the formula, runs from start - 1 to t - 1.
    Raises Unreadable; Undefined where a side has no value in the claimed range; Refuted with a
    counterexample; NotProved; WrongRule where a side condition of a rule fails.
    """
    b = book()
    b.reading(start)  # refuses what is no start
    sides, signs = read_relations(latex, b.declarations.notation)
    if not signs:
        raise Unreadable(latex, "", "it states nothing: there is no relation sign")
    for sign in signs:
        if sign.op == "define":
            raise Unreadable(latex, ":=", "a definition is registered by define")
        if sign.op == "lt":
            raise Unreadable(latex, "<", "a strict inequality is not proved here")
    if any(x == y for x, y in zip(sides, sides[1:])):
        raise WrongRule("eq", "it compares a formula with itself")
    with entering(number, latex) as before:
        equation = Equation(number, latex, "equation", start, sides, signs)
        if extends := getattr(by, "extends", None):
            equation.extends, made = True, extends(b, equation)
            equation.known = tuple(
                _settled(b, th, goal)
                for th, goal in zip(made, goals(b.reading(equation.start), equation), strict=True)
            )
        else:
            equation.prove = lambda: proofs(before, equation, by)
        if not b.recalling:
            equation.silent = not oracle.refute(sides, signs, b.declarations, start)
            equation.links
        return enter(equation)


def proofs(b: Book, equation: Equation, by) -> tuple[Theorem, ...]:
    tactic = by or automatic
    found = []
    for goal in goals(b.reading(equation.start), equation):
        th = tactic(b, goal)
        found.append(_settled(b, th, goal))
    return tuple(found)


def _settled(b: Book, th: Theorem, goal: Goal) -> Theorem:
    """What a tactic proved, as what was to be proved; no hypothesis may be left open."""
    th = kernel.restate(b.theory, th, goal.claim, goal.range)
    if th.open:
        raise WrongRule("eq", "the hypothesis of an induction is still open")
    return th
