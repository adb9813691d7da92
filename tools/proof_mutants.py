"""Break the course's proofs on purpose: no wrong step may prove anything wrong.

Every way of proof in the chapters and the solutions is changed in one place of its syntax tree: a
premise, a rule, a hypothesis of an induction, where it starts; or the statement itself is moved to
another index, another start or another process. The kernel tries it without the second opinion. It
may refuse; it may find another way to the same theorem; or prove another theorem, which must be true.
Whatever theorems it makes on the way, in vain or not, are tried in numbers, too.
"""

import ast
import contextlib
import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from breaking import (
    HOLDS,
    NO_NUMBERS,
    PROVED,
    SEEDS,
    TIMEOUT,
    in_parallel,
    kernel_says,
    oracle_says,
    prove_all,
    sample,
)
from claims import NotInWords, in_words
from statements import Statement, course

from ddpm_course.proofs import kernel
from ddpm_course.proofs.layout import cut

PAIRS = {"mix", "condition", "gap", "using"}  # rules of two premises
SINGLE = {"using", "pointwise"}  # and of one
NONE = {"increments", "importance"}
FAMILIES = {2: PAIRS, 1: SINGLE, 0: NONE}
INDUCTIONS = {"induct", "induct_down"}
GIVEN = 10  # ways of proof that are tried for a statement that has none
SOME = 20  # premises that are used in the place of another
SAME_THEOREM = "the same theorem"


# --- Changes of a way of proof -------------------------------------------------------------------


def premise(number: str) -> ast.Constant:
    return ast.Constant(number)


def using(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def places(tree: ast.expr) -> Iterator[tuple[ast.AST, str, int | None, ast.expr]]:
    """Every expression of a tree, with its parent and its place there."""
    for parent in ast.walk(ast.Expression(tree)):
        for name, value in ast.iter_fields(parent):
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.expr):
                    yield parent, name, place, node


def with_other(tree: ast.AST, old: ast.expr, new: ast.expr) -> Any:
    """A copy of a tree in which one node is another."""
    if tree is old:
        return new
    made = copy.copy(tree)
    for name, value in ast.iter_fields(tree):
        if isinstance(value, list):
            setattr(made, name, [with_other(one, old, new) for one in value])
        elif isinstance(value, ast.AST):
            setattr(made, name, with_other(value, old, new))
    return made


def hypothesis(tree: ast.expr) -> str:
    """The name of what an induction supposes; empty without one."""
    return next(
        (node.args.args[0].arg for node in ast.walk(tree) if isinstance(node, ast.Lambda)), ""
    )


def other_ways(way: ast.expr, numbers: list[str]) -> Iterator[tuple[str, ast.expr | None]]:
    """A way of proof with one change, and its kind; `numbers` are those of all formulas before.

    All of them come into the place of a premise, but only some where any premise may be used.
    """
    used = {
        id(one)
        for node in ast.walk(way)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "using"
        for one in node.args
    }
    inside = {
        id(node)
        for one in ast.walk(way)
        if isinstance(one, ast.Lambda)
        for node in ast.walk(one.body)
    }
    supposed = hypothesis(way)
    yield "no way at all", None
    for _, _, _, node in places(way):
        match node:
            case ast.Constant(value=str(number)) if number in numbers:
                some = sample(numbers, SOME, number) if id(node) in used else numbers
                for other in some:
                    yield "another premise", with_other(way, node, premise(other))
                if id(node) in inside:
                    yield (
                        "the hypothesis for a premise",
                        with_other(way, node, ast.Name(supposed, ast.Load())),
                    )
            case ast.Name(id=name) if name == supposed:
                for other in numbers:
                    yield "a premise for the hypothesis", with_other(way, node, premise(other))
            case ast.Call(func=ast.Name(id=rule), args=arguments):
                for kind, new in other_calls(rule, arguments):
                    yield kind, with_other(way, node, new)


def other_calls(rule: str, arguments: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """One call with another rule, or with its premises dropped, doubled or exchanged."""
    if rule == "using":
        for n, one in enumerate(arguments):
            yield "a premise dropped", using(rule, *arguments[:n], *arguments[n + 1 :])
            yield "a premise doubled", using(rule, *arguments, one)
    if len(arguments) == 2 and rule in PAIRS:
        yield "premises exchanged", using(rule, *arguments[::-1])
    families = [INDUCTIONS] if rule in INDUCTIONS else [FAMILIES.get(len(arguments), ())]
    choices = [(name, arguments) for names in families for name in sorted(names)]
    if len(arguments) == 1 and rule not in INDUCTIONS:
        choices += [(name, arguments * 2) for name in sorted(PAIRS)]
    for name, words in choices:
        if name != rule and (
            name != "gap" or all(isinstance(word, ast.Constant) for word in words)
        ):
            yield "another rule", using(name, *words)
    if rule == "induct":
        for start in (0, 1, 2):
            call = using(rule, *arguments)
            call.keywords = [ast.keyword("start", ast.Constant(start))]
            yield "another base", call
        step = arguments[1]
        yield "another base", using("increments")
        for one in getattr(getattr(step, "body", None), "args", []):
            if isinstance(one, ast.Constant):
                yield "another base", using(rule, one, step)


def given_ways(numbers: list[str], seed: str) -> Iterator[tuple[str, ast.expr]]:
    """Some ways of proof for a statement that needs none."""
    for n, pair in enumerate(sample(itertools.product(numbers, repeat=2), GIVEN, seed)):
        one, two = map(premise, pair)
        earlier = ast.arguments([], [ast.arg("earlier")], None, [], [], None, [])
        step = ast.Lambda(
            earlier, using("mix" if n % 2 else "using", ast.Name("earlier", ast.Load()), two)
        )
        yield (
            "a way given",
            (
                using("using", one),
                using("mix", one, two),
                using("condition", one, two),
                using("induct", one, step),
                using("induct_down", one, step),
                using("gap", one, two),
                using("pointwise", one),
                using("increments"),
                using("importance"),
                using("using", one, two),
            )[n % 10],
        )


# --- Changes of what is stated ------------------------------------------------------------------


def moved(latex: str, by: str) -> str | None:
    """A formula with another index in the place of every t; None without t, or where t is bound."""
    tokens = cut(latex)
    bound = any(
        three[:2] == ("{", "t") and three[2] in ("=", r"\to")
        for three in zip(tokens, tokens[1:], tokens[2:])
    )
    if bound or "t" not in tokens:
        return None
    return " ".join("{t" + by + "}" if token == "t" else token for token in tokens)


def other_statements(statement: Statement) -> Iterator[tuple[str, Statement]]:
    """The statement from another start on, at another index, or of another process."""
    keywords = [word for word in statement.call.keywords if word.arg != "start"]
    for start in (statement.start - 1, statement.start + 1):
        word = ast.keyword("start", ast.Constant(start))
        yield f"start {start - statement.start:+}", statement.calling(keywords=[*keywords, word])
    for by in ("-1", "+1"):
        if text := moved(statement.latex, by):
            yield f"index {by}", statement.saying(text)
    names = [
        name
        for name, entry in statement.before.declarations.notation.items()
        if entry.kind == "density"
    ]
    for one, two in itertools.permutations(names, 2):
        if (text := renamed(statement.latex, one, two)) != statement.latex:
            yield "another process", statement.saying(text)


def renamed(latex: str, one: str, two: str) -> str:
    """A formula with another name for a process, as tokens; a name like q is no part of another."""
    tokens, name = cut(latex), cut(one)
    made, at = [], 0
    while at < len(tokens):
        longer = len(name) == 1 and tokens[at + 1 : at + 2] == ["_"]
        accented = tokens[at - 1 : at] in ([r"\tilde"], [r"\bar"], [r"\hat"]) and len(name) == 1
        if tokens[at : at + len(name)] == name and not longer and not accented:
            made.append(" " + two + " ")
            at += len(name)
        else:
            made.append(tokens[at])
            at += 1
    return " ".join(made) if len(made) != len(tokens) or " " + two + " " in made else latex


@dataclass(frozen=True)
class Change:
    """A statement of the course with one change in its proof, or in what is proved."""

    kind: str
    statement: Statement
    same: bool  # whether it states what it stated before

    @property
    def text(self) -> str:
        return ast.unparse(ast.fix_missing_locations(ast.Expression(self.statement.call)))


def changes(place: int) -> list[Change]:
    """All changes of one equation, the same ones only once."""
    statement, found = course()[place], {}

    def add(change: Change) -> None:
        if change.text != ast.unparse(statement.call):
            found.setdefault(change.text, change)

    way = next((word.value for word in statement.call.keywords if word.arg == "by"), None)
    numbers = [number for number, one in statement.before.equations.items() if one.kind != "cited"]
    rest = [word for word in statement.call.keywords if word.arg != "by"]
    for kind, new in other_ways(way, numbers) if way else given_ways(numbers, statement.number):
        words = [*rest, ast.keyword("by", new)] if new else rest
        add(Change(kind, statement.calling(keywords=words), True))
    for kind, other in other_statements(statement):
        add(Change(kind, other, False))
    return [*found.values()]


# --- Trying them ---------------------------------------------------------------------------------


@contextlib.contextmanager
def watched() -> Iterator[list]:
    """All theorems that the kernel makes meanwhile."""
    made, make = [], kernel._theorem

    def making(rule, *arguments):
        theorem = make(rule, *arguments)
        if rule != "suppose":  # of an induction, a hypothesis
            made.append(theorem)
        return theorem

    kernel._theorem = making
    try:
        yield made
    finally:
        kernel._theorem = make


@dataclass(frozen=True)
class Result:
    """What became of a change; `judged` is what the second opinion says of another theorem."""

    number: str
    kind: str
    text: str
    kernel: str
    judged: str = ""
    theorems: Counter = field(default_factory=Counter)  # made on the way: what is said of them
    wrong: tuple[str, ...] = ()  # those that were refuted

    @property
    def hole(self) -> bool:
        return self.kernel == PROVED and self.judged not in (HOLDS, NO_NUMBERS)

    @property
    def broken(self) -> bool:
        return any(one == TIMEOUT or one.startswith("crash") for one in (self.kernel, self.judged))


SEEN = set()  # claims that were judged already, in this process


def judged(made: list, statement: Statement) -> tuple[Counter, tuple[str, ...]]:
    """What the second opinion says of some theorems, those that are new."""
    counts, wrong = Counter(), []
    for theorem in made:
        key = theorem.claim, theorem.lo, theorem.hi
        if key in SEEN or theorem.strength == "numeric":
            continue
        SEEN.add(key)
        known = statement.before.declarations
        try:
            left, sign, start = in_words(theorem, known.notation)
        except NotInWords:
            counts["not in words"] += 1
            continue
        answer = oracle_says((left, sign), known, start)
        counts[answer] += 1
        if answer not in (HOLDS, NO_NUMBERS):
            wrong.append(f"{answer}: {theorem.claim}, t from {theorem.lo} to {theorem.hi}")
    return counts, tuple(wrong)


def tried(number: str, change: Change) -> Result:
    statement, judgement = change.statement, ""
    with watched() as made:
        kernel, book = kernel_says(statement)
    if book and change.same:
        kernel = SAME_THEOREM
    elif book:
        equation = book.equations[number]
        judgement = oracle_says(
            (equation.sides, equation.signs), book.declarations, equation.start, SEEDS
        )
    return Result(number, change.kind, change.text, kernel, judgement, *judged(made, statement))


def results(place: int, part: slice = slice(None)) -> list[Result]:
    statement = course()[place]
    return [tried(statement.number, change) for change in changes(place)[part]]


def findings() -> list[Result]:
    prove_all()
    places = [place for place, one in enumerate(course()) if one.kind == "eq"]
    tasks = [(results, place, slice(n, None, 8)) for place in places for n in range(8)]
    return list(itertools.chain.from_iterable(in_parallel(tasks)))


def table(found: list[Result]) -> str:
    """A row for each kind of change, in Markdown."""
    kinds = list(dict.fromkeys(one.kind for one in found))
    outcomes = sorted({one.kernel for one in found})
    lines = [
        "| change | tried | " + " | ".join(outcomes) + " | of it refuted |",
        "|---" * (len(outcomes) + 3) + "|",
    ]
    for kind in [*kinds, "**all**"]:
        these = [one for one in found if kind in (one.kind, "**all**")]
        counts = Counter(one.kernel for one in these)
        lines.append(
            f"| {kind} | {len(these)} | "
            + " | ".join(str(counts[name]) for name in outcomes)
            + f" | {sum(one.hole for one in these)} |"
        )
    return "\n".join(lines)


def on_the_way(found: list[Result]) -> str:
    """What was said of all theorems on the way. Each process counts a claim once, and which process
    tries what is chance: another run gives other numbers."""
    theorems = sum((one.theorems for one in found), Counter())
    said = ", ".join(f"{n} {name}" for name, n in sorted(theorems.items()))
    return (
        "Theorems that the kernel made on the way, as the second opinion judges them, each once in "
        f"a process, so that another run counts others: {said}."
    )
