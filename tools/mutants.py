"""Break the course's formulas and premises on purpose, and see which proofs notice.

Every derived equation is proved again from a chapter's own statement, once for each mutant:
- a formula mutant changes the equation itself, and must be refused;
- a premise mutant changes one of the statements that the equation rests on, and for each of those
  at least one mutant must make the proof fail.
"""

import ast
import contextlib
import functools
import itertools
import json
import os
import random
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum

import sympy as sp

from ddpm_course import algebra
from ddpm_course.algebra import AlgebraError, Book, ReadError

SECONDS = 30  # a proof that takes longer is counted as a timeout


class Outcome(StrEnum):
    """What became of a mutant."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    TIMEOUT = "timeout"
    CRASHED = "crashed"  # stopped by an error that is no judgement


# --- The course's statements ---------------------------------------------------------------------

@dataclass(frozen=True)
class Statement:
    """One call of `notation`, `define` or `eq` in a chapter, with the book as it was before."""

    kind: str
    number: str  # of the equation; empty for a notation
    latex: str
    code: str
    before: Book

    def run(self, latex: str, trusting: bool) -> Book:
        """Execute it on a copy of the book, with its formula replaced; return the copy."""
        book = copied(self.before)
        book.trusting = trusting
        with in_book(book):
            known = dict(vars(algebra))
            known[self.kind] = lambda number, _, *rest, **options: getattr(algebra, self.kind)(
                number, latex, *rest, **options)
            exec(self.code, known)
        return book


def copied(book: Book) -> Book:
    return Book(dict(book.notation), dict(book.meanings), dict(book.laws), dict(book.equations))


@contextlib.contextmanager
def in_book(book: Book) -> Iterator[None]:
    kept, algebra.book = algebra.book, book
    try:
        yield
    finally:
        algebra.book = kept


def statements() -> list[Statement]:
    """What chapters 00 to 07 declare, define and prove, in order, each with the book before it."""
    found, book = [], Book()
    for path in algebra.chapters():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or not algebra.is_mathematics(source):
                continue
            for call in ast.parse(source).body:
                kind = call.value.func.id
                words = [ast.literal_eval(word) for word in call.value.args[:2]]
                number, latex = words if kind != "notation" else ("", words[0])
                found.append(Statement(kind, number, latex, ast.unparse(call), book))
                with in_book(copied(book)):
                    algebra.book.trusting = True
                    exec(found[-1].code, dict(vars(algebra)))
                    book = algebra.book
    return found


# --- Mutants of a formula ------------------------------------------------------------------------

SIGNS = {"+": "-", "-": "+"}
RELATIONS = {"=", ":=", r"\le", r"\ge", r"\law"}
BRACKETS = {"{": 1, "(": 1, "[": 1, r"\lVert": 1, "}": -1, ")": -1, "]": -1, r"\rVert": -1}


def group_end(tokens: list[str], start: int) -> int:
    """Where the group that opens at start ends, exclusively; a single token is a group."""
    if tokens[start] not in ("{", "(", r"\lVert"):
        return start + 1
    depth, at = 0, start
    while True:
        depth += BRACKETS.get(tokens[at], 0)
        at += 1
        if depth == 0:
            return at


def subscripts(tokens: list[str]) -> set[int]:
    """The places of tokens inside a subscript."""
    places = set()
    for at, token in enumerate(tokens[:-1]):
        if token == "_":
            places |= set(range(at + 1, group_end(tokens, at + 1)))
    return places


def symbol_end(tokens: list[str], start: int) -> int:
    """The end of a letter with its accents, arguments of accents, subscript and superscript."""
    at = start + 1
    if tokens[start] in (r"\bar", r"\tilde", r"\hat"):
        at = group_end(tokens, at)
    while at < len(tokens) - 1 and tokens[at] in ("_", "^"):
        at = group_end(tokens, at + 1)
    return at


LETTER = re.compile(r"[A-Za-z]|\\(?:alpha|beta|epsilon|sigma|mu|kappa|eta|lambda|rho|tilde|hat|bar)")


def changes(tokens: list[str], first: int) -> Iterator[tuple[str, list[str]]]:
    """Every single change of a kind, from place `first` on, with the kind's name."""
    inside = subscripts(tokens)
    for at in range(first, len(tokens)):
        token, rest = tokens[at], tokens[at + 1:]
        before = tokens[:at]
        if at in inside:
            if token == "t" and rest[:1] == ["}"] and before[-1:] == ["{"]:
                yield "t for t-1", [*before, "t", "-", "1", *rest]
            if token == "t" and before[-1] == "_":
                yield "t for t-1", [*before, "{", "t", "-", "1", "}", *rest]
            if token == "t" and rest[:3] == ["-", "1", "}"]:
                yield "t for t-1", [*before, "t", *rest[2:]]
            if token.isdigit() and before[-1:] == ["="]:
                yield "limit off by one", [*before, str(int(token) + 1), *rest]
            continue
        if token in SIGNS:
            yield "sign", [*before, SIGNS[token], *rest]
        if token == r"\bar" and rest and r"\alpha" in rest[:3]:
            yield "alpha for alpha-bar", [*before, *tokens[at + 1:]]
        if token == r"\alpha" and before[-1:] != [r"\bar"] and before[-2:] != [r"\bar", "{"]:
            yield "alpha-bar for alpha", [*before, r"\bar", *tokens[at:]]
        if token == r"\sqrt":
            end = group_end(tokens, at + 1)
            radicand = tokens[at + 2:end - 1] if rest[0] == "{" else tokens[at + 1:end]
            yield "root removed", [*before, "(", *radicand, ")", *tokens[end:]]
        if token == "^" and rest[:1] == ["2"]:
            yield "square removed", [*before, *rest[1:]]
        if token == r"\frac" and len(rest) > 1:
            middle = group_end(tokens, at + 1)
            end = group_end(tokens, middle)
            yield "factor inverted", [
                *before, token, *tokens[middle:end], *tokens[at + 1:middle], *tokens[end:]]
        if token.isdigit() and before[-1:] != ["^"]:
            yield "constant off by one", [*before, str(int(token) + 1), *rest]
        if LETTER.fullmatch(token) and before[-1:] not in (["_"], [r"\bar"], [r"\tilde"], [r"\hat"]):
            end = symbol_end(tokens, at)
            yield "factor dropped", [*before, *tokens[end:]]
            yield "doubled", [*before, "2", *tokens[at:]]
            if token == "I":  # its square and its root are itself
                continue
            if "^" not in tokens[at:end]:
                yield "square added", [*tokens[:end], "^", "2", *tokens[end:]]
            yield "root added", [*before, r"\sqrt", "{", *tokens[at:end], "}", *tokens[end:]]
    yield from dropped_terms(tokens, first)


def dropped_terms(tokens: list[str], first: int) -> Iterator[tuple[str, list[str]]]:
    """Leave out one term of the sum on the outside, from its sign to the next."""
    depth, cuts = 0, []
    for at, token in enumerate(tokens):
        depth += BRACKETS.get(token, 0)
        if depth == 0 and token in ("+", "-", *RELATIONS) and at >= first - 1:
            cuts.append(at)
    for start, end in zip(cuts, [*cuts[1:], len(tokens)]):
        if tokens[start] not in RELATIONS and end > start + 1:
            yield "term dropped", [*tokens[:start], *tokens[end:]]


def mutants(latex: str, whole: bool = False) -> dict[str, str]:
    """Mutants of what stands right of the first relation, or of all, by text, with their kind."""
    tokens = algebra.tokens(latex)
    first = 0 if whole else 1 + min(tokens.index(sign) for sign in RELATIONS if sign in tokens)
    original = " ".join(tokens)
    found = {" ".join(changed): kind for kind, changed in changes(tokens, first)}
    return {text: kind for text, kind in found.items() if text != original}


# --- Trying them ---------------------------------------------------------------------------------

@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError when the block takes longer."""
    def stop(*_):
        raise TimeoutError
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(attempt) -> Outcome:
    """What becomes of a proof that is tried."""
    try:
        with limited(SECONDS):
            attempt()
    except ReadError:
        return Outcome.UNREADABLE
    except AlgebraError:
        return Outcome.REFUSED
    except TimeoutError:
        return Outcome.TIMEOUT
    except Exception:
        return Outcome.CRASHED
    return Outcome.ACCEPTED


def formula_mutants(statement: Statement) -> list[tuple[str, str, Outcome]]:
    """Each mutant of an equation, with its kind, and what becomes of it."""
    return [(kind, text, outcome(lambda: statement.run(text, trusting=False)))
            for text, kind in mutants(statement.latex).items()]


def broken(premise: Statement) -> Iterator[Book]:
    """Books in which a statement says something else.

    First its text is changed on the right; then what it gave a name to, which no text says; then
    its text on the left.
    """
    right = list(mutants(premise.latex))
    random.Random(premise.number).shuffle(right)
    left = [text for text in mutants(premise.latex, whole=True) if text not in right]
    for text in right[:8]:
        with contextlib.suppress(AlgebraError):
            yield misread(premise, text)
    yield from misvalued(premise)
    for text in right[8:] + left:
        with contextlib.suppress(AlgebraError):
            yield misread(premise, text)


def misread(premise: Statement, text: str) -> Book:
    """The book after a statement, taken on trust, that has this text instead of its own.

    A bound that is wrong is refused even then; it is entered with its sides alone.
    """
    with in_book(copied(premise.before)):
        sides, _ = algebra.read_relations(text)
    try:
        return premise.run(text, trusting=True)
    except AlgebraError:
        book = premise.run(premise.latex, trusting=True)
        kept = book.equations[premise.number]
        book.equations[premise.number] = replace(kept, latex=text, sides=tuple(sides))
        return book


def misvalued(premise: Statement) -> Iterator[Book]:
    """The book after a statement, with what it named or found doubled, or one more."""
    def other(value, change):
        if isinstance(value, algebra.Law):
            return replace(value, mean=change(value.mean), covariance=change(value.covariance))
        return change(value)

    changes = (lambda value: 2 * value), (lambda value: value + 1)
    for place, change in itertools.product(("meanings", "laws", "equations"), changes):
        book = premise.run(premise.latex, trusting=True)
        entries = getattr(book, place)
        for key, entry in list(entries.items()):
            if place == "meanings" and entry[1] == premise.number and isinstance(entry[0], sp.Expr):
                entries[key] = (change(entry[0]), entry[1])
            if place == "laws" and key == premise.number:
                entries[key] = (entry[0], other(entry[1], change))
            if place == "equations" and key == premise.number and entry.value is not None:
                entries[key] = replace(entry, value=other(entry.value, change))
        yield book


def rests_on(book: Book, premise: str, wrong: Book) -> Book:
    """A book, with one of its statements replaced by the wrong one."""
    book = copied(book)
    for kept, other in ((book.equations, wrong.equations), (book.laws, wrong.laws)):
        if premise in other:
            kept[premise] = other[premise]
    book.meanings |= {name: meaning for name, meaning in wrong.meanings.items()
                      if meaning[1] == premise}
    return book


def feels(statement: Statement, premise: Statement) -> bool:
    """Whether the proof of a statement fails for one of the ways to break a premise."""
    for wrong in broken(premise):
        changed = replace(statement, before=rests_on(statement.before, premise.number, wrong))
        if outcome(lambda: changed.run(statement.latex, trusting=False)) is not Outcome.ACCEPTED:
            return True
    return False


# --- All of it -----------------------------------------------------------------------------------

@dataclass(frozen=True)
class Finding:
    """What was found about one equation."""

    number: str
    verdict: str
    felt: dict[str, bool]  # each statement that it rests on, and whether the proof feels it
    formula: list[tuple[str, str, Outcome]]  # kind, text and outcome of its mutants

    @property
    def readable(self) -> int:
        return sum(result is not Outcome.UNREADABLE for *_, result in self.formula)

    @property
    def refused(self) -> int:
        return sum(result is Outcome.REFUSED for *_, result in self.formula)


@functools.cache
def course() -> tuple[dict[str, Statement], Book]:
    """The numbered statements of the course, and the book at its end."""
    all_of_them = statements()
    last = all_of_them[-1]
    return ({statement.number: statement for statement in all_of_them if statement.number},
            last.run(last.latex, trusting=True))


def derived() -> list[str]:
    """The numbers of the derived equations."""
    return [number for number, equation in course()[1].equations.items()
            if equation.verdict == "derived"]


def finding(number: str) -> Finding:
    """Try every mutant of an equation, and of what it rests on."""
    by_number, book = course()
    equation = book.equations[number]
    return Finding(number, equation.verdict,
                   {leaf: feels(by_number[number], by_number[leaf]) for leaf in equation.leaves},
                   formula_mutants(by_number[number]))


def findings() -> list[Finding]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(finding, derived()))


def table(found: list[Finding]) -> str:
    """A row for each chapter, in Markdown."""
    book = course()[1]
    lines = ["| chapter | equations | derived | premises felt | formula mutants refused | of it |",
             "|---" * 6 + "|"]

    def row(name: str, equations: int, rows: list[Finding]) -> str:
        felt = [value for one in rows for value in one.felt.values()]
        refused, readable = (sum(getattr(one, what) for one in rows)
                             for what in ("refused", "readable"))
        return (f"| {name} | {equations} | {len(rows)} | {sum(felt)} of {len(felt)} "
                f"| {refused} of {readable} | {refused / readable:.1%} |")

    def of_chapter(numbers, chapter: str) -> list:
        return [one for one in numbers if getattr(one, "number", one).split(".")[0] == chapter]

    for chapter in sorted({number.split(".")[0] for number in book.equations}, key=int):
        lines.append(row(f"{int(chapter):02}", len(of_chapter(book.equations, chapter)),
                         of_chapter(found, chapter)))
    return "\n".join([*lines, row("**all**", len(book.equations), found)])


if __name__ == "__main__":
    print("# Broken on purpose\n\n## Found\n")
    print(table(findings()))
    print("\n## Command\n\n`python tools/mutants.py > bench/mutants.md`")
