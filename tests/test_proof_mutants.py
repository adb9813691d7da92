"""Break the course's proofs on purpose: what the kernel proves all the same, without the second
opinion, is what was to be proved, or is true; and so is all that it makes on the way.

A part is tried in every run, chosen by a fixed seed; the slow test tries all of it.
"""

import ast
import tomllib
from dataclasses import replace

import proof_mutants
import pytest
import sympy as sp
from breaking import HOLDS, PROVED, oracle_says, sample
from claims import in_words
from notebooks import ROOT
from statements import by_number, course

from ddpm_course.proofs.statements import Equal
from ddpm_course.proofs.terms import Law

LISTED = {
    (number, kind): entry["reason"]
    for entry in tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))[
        "other_theorems"
    ]
    for number in entry["numbers"]
    for kind in entry["kinds"]
}


def proved_in_the_course() -> list[int]:
    return [place for place, one in enumerate(course()) if one.kind == "eq"]


# --- The mutants themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, way, changed",
    [
        ("another premise", "mix('1', '2')", "mix('3', '2')"),
        (
            "another premise",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('1', lambda h: mix(h, '3'))",
        ),
        (
            "the hypothesis for a premise",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('1', lambda h: mix(h, h))",
        ),
        (
            "a premise for the hypothesis",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('1', lambda h: mix('3', '2'))",
        ),
        ("a premise dropped", "using('1', '2')", "using('2')"),
        ("a premise dropped", "using('1')", "using()"),
        ("a premise doubled", "using('1')", "using('1', '1')"),
        ("premises exchanged", "condition('1', '2')", "condition('2', '1')"),
        ("another rule", "mix('1', '2')", "condition('1', '2')"),
        ("another rule", "using('1')", "mix('1', '1')"),
        (
            "another rule",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('1', lambda h: condition(h, '2'))",
        ),
        (
            "another rule",
            "induct('1', lambda h: mix(h, '2'))",
            "induct_down('1', lambda h: mix(h, '2'))",
        ),
        ("another rule", "increments()", "importance()"),
        (
            "another base",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('1', lambda h: mix(h, '2'), start=0)",
        ),
        (
            "another base",
            "induct('1', lambda h: mix(h, '2'))",
            "induct('2', lambda h: mix(h, '2'))",
        ),
    ],
)
def test_every_kind_of_change_is_made(kind, way, changed):
    tree = ast.parse(way, mode="eval").body
    found = list(proof_mutants.other_ways(tree, ["1", "2", "3"]))
    assert changed in {
        ast.unparse(ast.fix_missing_locations(new)) for made, new in found if made == kind
    }
    assert ast.unparse(tree) == way


def test_statements_are_moved():
    assert proof_mutants.moved(r"x_t = x_{t-1}", "-1") == "x _ {t-1} = x _ { {t-1} - 1 }"
    assert proof_mutants.moved(r"\sum_{t=1}^T x_t = x_0", "-1") is None
    assert (
        "".join(proof_mutants.renamed(r"q(x_0) = q_a(x_0)", "q", "p").split()) == "p(x_0)=q_a(x_0)"
    )
    assert (
        "".join(proof_mutants.renamed(r"q(x_0) = q_a(x_0)", "q_a", "p").split()) == "q(x_0)=p(x_0)"
    )


def made_of(number: str):
    """The last theorem of an equation, with what was declared before."""
    statement = course()[by_number()[number]]
    return statement.after.equations[number].theorem, statement.after.declarations


@pytest.mark.parametrize(
    "number", ["1.1", "1.21", "2.3", "2.6", "2.7", "3.1", "3.4", "4.10", "5.5", "6.9", "7.20"]
)
def test_a_theorem_in_words_is_true_and_a_false_one_is_refuted(number):
    theorem, known = made_of(number)
    left, sign, start = in_words(theorem, known.notation)
    assert oracle_says((left, sign), known, start) == HOLDS
    claim = theorem.claim
    if isinstance(claim, Law):
        wrong = replace(claim, variance=claim.variance + sp.Rational(1, 5))
    else:
        wrong = Equal(claim.left, claim.right.map(lambda e: 2 * e))
    left, sign, start = in_words(false(theorem, wrong), known.notation)
    assert oracle_says((left, sign), known, start) == "Refuted"


def false(theorem, claim):
    """What looks like a theorem with another claim."""

    class Looks:
        open, lo, hi, range, theory = (
            theorem.open,
            theorem.lo,
            theorem.hi,
            theorem.range,
            theorem.theory,
        )

    Looks.claim = claim
    return Looks


# --- A part of them ------------------------------------------------------------------------------


def judge(results: list[proof_mutants.Result]) -> None:
    """Nothing crashed, nothing wrong was proved, and no theorem on the way was wrong."""
    assert not [one for one in results if one.broken]
    assert not [one for one in results if one.hole]
    assert not [one.wrong for one in results if one.wrong]


def test_a_part_of_the_changed_proofs_is_refused_or_right():
    every = [
        (course()[place].number, change)
        for place in proved_in_the_course()
        for change in proof_mutants.changes(place)
    ]
    judge([proof_mutants.tried(*one) for one in sample(every, 50)])


def test_every_listed_theorem_has_its_reason():
    assert all(reason.strip() for reason in LISTED.values())


# --- All of them ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_all_changed_proofs_are_refused_or_right():
    results = proof_mutants.findings()
    judge(results)
    other = {
        (one.number, one.kind) for one in results if one.kernel == PROVED and one.kind != "start +1"
    }
    assert other == LISTED.keys()
    stored = (ROOT / "bench/mutants.md").read_text(encoding="utf-8")
    assert proof_mutants.table(results) in stored
