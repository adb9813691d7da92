"""Break the course's formulas and premises on purpose, and see which proofs notice.

Every derived equation is proved again from a chapter's own statement, once for each mutant:
- a formula mutant changes the equation itself, and must be refused;
- a premise mutant changes one of the statements that the equation rests on, and for each of those
  at least one mutant must make the proof fail. A proof that does not fail must still be right: it is
  tried in numbers, in the world that the changed premise describes.

From the top of the repository: python tools/mutants.py > bench/mutants.md
"""

import ast
import functools
import itertools
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from breaking import (
    HOLDS,
    NO_NUMBERS,
    PROVED,
    SAME,
    TooLong,
    Trial,
    alone,
    cross_table,
    in_parallel,
    oracle_says,
    prove_all,
    said,
    sample,
    tried,
)
from statements import Statement, by_number, course

from ddpm_course.proofs import ProofError, WrongRule
from ddpm_course.proofs.book import Book, Equation
from ddpm_course.proofs.display import rests_on
from ddpm_course.proofs.layout import cut

ALONE = 20  # mutants of each equation that the kernel tries although they are refuted
WORLDS = 12  # ways to break a premise, at most
BESIDE = 4  # equations that do not rest on it, tried in each world


# --- Mutants of a formula ------------------------------------------------------------------------

SIGNS = {"+": "-", "-": "+"}
RELATIONS = {"=", ":=", r"\le", r"\ge", "<", r"\overset"}
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


LETTER = re.compile(
    r"[A-Za-z]|\\mathrm\{\w+\}|\\(?:alpha|beta|gamma|epsilon|zeta|eta|kappa|lambda|mu|nu|xi|"
    r"rho|sigma|Lambda|Sigma|tilde|hat|bar)"
)


def changes(tokens: list[str], first: int) -> Iterator[tuple[str, list[str]]]:
    """Every single change of a kind, from place `first` on, with the kind's name."""
    inside = subscripts(tokens)
    for at in range(first, len(tokens)):
        token, rest = tokens[at], tokens[at + 1 :]
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
            yield "alpha for alpha-bar", [*before, *tokens[at + 1 :]]
        if token == r"\alpha" and before[-1:] != [r"\bar"] and before[-2:] != [r"\bar", "{"]:
            yield "alpha-bar for alpha", [*before, r"\bar", *tokens[at:]]
        if token == r"\sqrt":
            end = group_end(tokens, at + 1)
            radicand = tokens[at + 2 : end - 1] if rest[0] == "{" else tokens[at + 1 : end]
            yield "root removed", [*before, "(", *radicand, ")", *tokens[end:]]
        if token in (r"\sum", r"\prod"):
            upper = group_end(tokens, at + 2) + 1
            end = group_end(tokens, upper)
            limit = tokens[upper + 1 : end - 1] if tokens[upper] == "{" else tokens[upper:end]
            for more in ("+", "-"):
                yield (
                    "limit off by one",
                    [*tokens[:upper], "{", *limit, more, "1", "}", *tokens[end:]],
                )
        if token == "^" and rest[:1] == ["2"]:
            yield "square removed", [*before, *rest[1:]]
        if token == r"\frac" and len(rest) > 1:
            middle = group_end(tokens, at + 1)
            end = group_end(tokens, middle)
            yield (
                "factor inverted",
                [*before, token, *tokens[middle:end], *tokens[at + 1 : middle], *tokens[end:]],
            )
        if token.isdigit() and before[-1:] != ["^"]:
            yield "constant off by one", [*before, str(int(token) + 1), *rest]
        if LETTER.fullmatch(token) and before[-1:] not in (
            ["_"],
            [r"\bar"],
            [r"\tilde"],
            [r"\hat"],
        ):
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
    tokens = cut(latex)
    first = 0 if whole else 1 + min(tokens.index(sign) for sign in RELATIONS if sign in tokens)
    original = " ".join(tokens)
    found = {" ".join(changed): kind for kind, changed in changes(tokens, first)}
    return {text: kind for text, kind in found.items() if text != original}


def formula_mutants(place: int) -> list[Trial]:
    """What becomes of each mutant of an equation. The second opinion is asked first, as by `eq`; of
    what it refutes, a part is tried by the kernel all the same."""
    statement = course()[place]
    every = list(mutants(statement.latex).items())
    random.Random(statement.number).shuffle(every)
    return [tried(statement, kind, text, always=n < ALONE) for n, (text, kind) in enumerate(every)]


# --- Mutants of a premise ------------------------------------------------------------------------


def broken(place: int, last: int) -> Iterator[tuple[str, list[Statement]]]:
    """Ways to say something else in the place of a definition or a hypothesis: the text, and the
    statements after it up to a last one, in the world that it describes.

    First it is changed on the right, then on the left. What cannot be said at all is left out.
    """
    premise = course()[place]
    right = list(mutants(premise.latex))
    random.Random(premise.number).shuffle(right)
    left = [text for text in mutants(premise.latex, whole=True) if text not in right]
    readable = (
        text
        for text in right[:8] + left + right[8:]
        if premise.read(text) not in (None, premise.read(premise.latex))
    )
    for text in readable:
        try:
            book = premise.saying(text).run(trusting=True)
        except Exception:  # of readers' errors, the mutants of the reading keep account
            continue
        yield text, told_again(course()[place + 1 : last + 1], book)


def told_again(statements: Iterable[Statement], book: Book) -> list[Statement]:
    """Some statements, after another book. What fails there is left out, and so fails what needs it."""
    told = []
    for statement in statements:
        try:
            after = replace(statement, before=book).run(trusting=True)
        except ProofError:
            continue
        after.recalling = False
        if statement.kind == "eq":
            fail_once(after.equations[statement.number])
        told.append(replace(statement, before=book, after=after))
        book = after
    return told


def fail_once(equation: Equation) -> None:
    """Let a proof that fails, or takes too long, fail at once the next time."""
    prove, failure = equation.prove, []
    if prove is None:  # it defines a noise, and was proved at once
        return

    def once():
        if failure:
            raise failure[0]
        try:
            return prove()
        except ProofError as wrong:
            failure.append(wrong)
            raise
        except TooLong:
            failure.append(WrongRule("time", "its premise takes too long"))
            raise

    equation.prove = once


@dataclass
class Feeling:
    """What the proofs made of a broken premise."""

    premise: str
    felt: dict[str, bool]  # each equation that rests on it, and whether its proof failed
    worlds: int = 0  # in which equations were proved again
    judged: list[tuple[str, str, str]] = field(default_factory=list)  # text, equation, what is said

    @property
    def holes(self) -> list[tuple[str, str, str]]:
        """What was proved in a world where it is wrong."""
        return [one for one in self.judged if one[2] not in (HOLDS, NO_NUMBERS)]


def feeling(place: int) -> Feeling:
    """Break a premise until every equation that rests on it has failed to be proved."""
    premise, places = course()[place], by_number()
    resting = [number for number in derived() if premise.number in assumed(number)]
    others = [number for number in derived() if places[number] > place and number not in resting]
    return felt_by(place, resting, WORLDS if resting else 1, others)


def felt_by(
    place: int, resting: list[str], worlds: int = WORLDS, others: Iterable[str] = ()
) -> Feeling:
    """Break a premise until these equations have failed to be proved; of some others, see whether what
    is still proved in such a world is true there."""
    found = Feeling(course()[place].number, dict.fromkeys(resting, False))
    last = max((by_number()[number] for number in [*resting, *others]), default=place)
    for text, told in itertools.islice(broken(place, last), worlds):
        found.worlds += 1
        there = {statement.number: statement for statement in told}
        left = [number for number, felt in found.felt.items() if not felt]
        for number in left + sample(others, BESIDE, text):
            kernel, judged = in_world(there.get(number))
            if number in found.felt and kernel != PROVED:
                found.felt[number] = True
            if kernel == PROVED:
                found.judged.append((text, number, judged))
        if all(found.felt.values()):
            break
    return found


def in_world(statement: Statement | None) -> tuple[str, str]:
    """What kernel and second opinion say of an equation in another world."""
    if statement is None:
        return WrongRule.__name__, ""
    equation, known = statement.book.equations[statement.number], statement.book.declarations

    def attempt() -> str:
        with alone():
            equation.links
        return PROVED

    kernel = said(attempt)
    sides = equation.sides, equation.signs
    return kernel, oracle_says(sides, known, equation.start) if kernel == PROVED else ""


@functools.cache
def assumed(number: str) -> frozenset[str]:
    """The definitions and hypotheses that an equation rests on, and those of what it is proved from."""
    book = course()[by_number()[number]].book
    numbers, hypotheses = rests_on(book.equations[number], book)
    definitions = frozenset(one for one in numbers if book.equations[one].kind == "definition")
    return definitions.union(
        hypotheses, *(assumed(one) for one in numbers if one not in definitions)
    )


def derived() -> list[str]:
    """The numbers of the equations of the chapters that are proved, not only tried."""
    return [
        one.number
        for one in course()
        if one.kind == "eq"
        and not one.chapter.endswith("solutions")
        and "numeric()" not in ast.unparse(one.call)
    ]


def premises() -> list[str]:
    """The definitions and hypotheses of the chapters."""
    return [
        one.number
        for one in course()
        if one.kind in ("define", "assume") and not one.chapter.endswith("solutions")
    ]


# --- All of it -----------------------------------------------------------------------------------
@dataclass
class Findings:
    """By number: what became of the mutants of each derived equation, and of each premise."""

    formula: dict[str, list[Trial]]
    premise: dict[str, Feeling]

    @property
    def felt(self) -> dict[tuple[str, str], bool]:
        """For each equation and each premise of it, whether the proof failed when that was broken."""
        return {
            (number, premise): felt
            for premise, one in self.premise.items()
            for number, felt in one.felt.items()
        }

    @property
    def accepted(self) -> set[tuple[str, str]]:
        """The equations and the kinds of changes of the mutants that were accepted."""
        return {
            (number, one.kind)
            for number, trials in self.formula.items()
            for one in trials
            if one.accepted
        }


def findings() -> Findings:
    prove_all()
    places = by_number()
    tasks = [(feeling, places[number]) for number in premises()] + [
        (formula_mutants, places[number]) for number in derived()
    ]
    results = in_parallel(tasks)
    count = len(premises())
    return Findings(dict(zip(derived(), results[count:])), dict(zip(premises(), results[:count])))


LEGEND = (
    "A premise is felt if the proof of an equation that rests on it fails when the premise is "
    'changed; "of it" is the refused as a share. In the next tables a row is what the kernel says '
    'alone, and a column what the second opinion, numbers, says: "holds", it found no '
    'counterexample; "no numbers", it could try none; "not asked", it was not tried. "Of it '
    'refuted" counts changed proofs that gave a theorem which numbers refute: it must be 0. Three '
    "equations that are claimed restate a definition, (1.2), (1.5) and (5.0); here they count as "
    "derived."
)


def in_chapter(numbers: Iterable[str], chapter: str) -> list[str]:
    return [number for number in numbers if course()[by_number()[number]].chapter[:2] == chapter]


def table(found: Findings) -> str:
    """A row for each chapter, in Markdown."""
    lines = [
        "| chapter | equations | derived | premises felt | formula mutants refused | of it |",
        "|---" * 6 + "|",
    ]
    equations = [
        one.number
        for one in course()
        if one.kind in ("eq", "define") and not one.chapter.endswith("solutions")
    ]
    chapters = sorted({course()[by_number()[number]].chapter[:2] for number in equations})

    def row(name: str, equations: list[str], numbers: list[str]) -> str:
        felt = [felt for (number, _), felt in found.felt.items() if number in numbers]
        trials = [
            one
            for number in numbers
            for one in found.formula[number]
            if not one.unreadable and one.kernel != SAME
        ]
        refused = sum(not one.accepted and not one.broken for one in trials)
        return (
            f"| {name} | {len(equations)} | {len(numbers)} | {sum(felt)} of {len(felt)} "
            f"| {refused} of {len(trials)} | {refused / len(trials):.1%} |"
        )

    for chapter in chapters:
        lines.append(
            row(chapter, *(in_chapter(these, chapter) for these in (equations, found.formula)))
        )
    return "\n".join([*lines, row("**all**", equations, list(found.formula))])


def main() -> None:
    import proof_mutants
    import reading_mutants

    found = findings()
    print("# Broken on purpose\n\n## Found\n")
    print(table(found))
    print(f"\n{LEGEND}")
    alone_ = [one for trials in found.formula.values() for one in trials]
    print("\n## Changed formulas: what the kernel says alone, and the second opinion\n")
    print(cross_table(alone_))
    print("\n## Changed proofs\n")
    proofs = proof_mutants.findings()
    print(f"{proof_mutants.table(proofs)}\n\n{proof_mutants.on_the_way(proofs)}")
    print("\n## Changed readings: one token of a formula is another\n")
    print(reading_mutants.table(reading_mutants.findings()))
    print("\n## Command\n\n`python tools/mutants.py > bench/mutants.md`")


if __name__ == "__main__":
    main()
