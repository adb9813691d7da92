"""Break the course on purpose: changed formulas are refused, and proofs feel their premises.

A part is tried in every run, chosen by a fixed seed; the slow tests try all of it, and compare it
with the table that the index shows.
"""

import tomllib
from collections.abc import Iterator

import breaking
import mutants
import pytest
from breaking import PROVED, SAME, TIMEOUT, kernel_says, sample
from notebooks import ROOT
from statements import by_number, course

from ddpm_course.proofs import Unreadable, oracle

LET_PASS = tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))


def listed(section: str) -> Iterator[tuple[str, dict]]:
    for entry in LET_PASS[section]:
        for number in entry["numbers"]:
            yield number, entry


INCIDENTAL = {
    (number, premise) for number, entry in listed("incidental") for premise in entry["premises"]
}
ACCEPTED = {(number, kind) for number, entry in listed("accepted") for kind in entry["kinds"]}


def test_a_letter_has_one_meaning_in_all_chapters():
    """The errata are no chapter: they read the notes' letters for a single pixel."""
    meanings = {}
    for one in (one for one in course() if one.chapter != "90_errata"):
        for name, entry in one.book.declarations.notation.items():
            assert meanings.setdefault(name, entry) == entry, one.chapter


# --- The mutants themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, latex, changed",
    [
        ("sign", "u = v+w", "u = v-w"),
        ("term dropped", "u = v+w", "u = v"),
        ("factor dropped", "u = vw", "u = w"),
        ("factor inverted", r"u = \frac{v}{w}", r"u = \frac{w}{v}"),
        ("t for t-1", r"u = \alpha_{t-1}", r"u = \alpha_{t}"),
        ("t for t-1", r"u = x_t", r"u = x_{t-1}"),
        ("alpha for alpha-bar", r"u = \bar\alpha_t", r"u = \alpha_t"),
        ("alpha-bar for alpha", r"u = \alpha_t", r"u = \bar\alpha_t"),
        ("root removed", r"u = \sqrt{v+w}", r"u = (v+w)"),
        ("root added", "u = v_t", r"u = \sqrt{v_t}"),
        ("square removed", "u = v^2", "u = v"),
        ("square added", "u = v", "u = v^2"),
        ("constant off by one", "u = 1-v", "u = 2-v"),
        ("doubled", "u = v", "u = 2v"),
        ("limit off by one", r"u = \sum_{k=1}^{t}v", r"u = \sum_{k=2}^{t}v"),
        ("limit off by one", r"u = \sum_{k=1}^{t}v", r"u = \sum_{k=1}^{t+1}v"),
    ],
)
def test_every_kind_of_change_is_made(kind, latex, changed):
    def spelt(text):
        return text.replace(" ", "").replace(r"{t}", "t")

    found = mutants.mutants(latex)
    assert spelt(changed) in {spelt(text) for text, made in found.items() if made == kind}
    assert all(" ".join(text.split()) != latex for text in found)


def test_what_is_said_is_kept_apart():
    def fails(error):
        raise error

    assert breaking.said(lambda: PROVED) == PROVED
    assert breaking.said(lambda: fails(Unreadable("", "", ""))) == "Unreadable"
    assert breaking.said(lambda: fails(TypeError())) == "crash TypeError"


def test_a_proof_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(breaking, "SECONDS", 0.2)

    def endless():
        while True:
            try:
                pass
            except Exception:
                pass

    assert breaking.said(endless) == TIMEOUT


@pytest.mark.parametrize(
    "kernel, oracle, broken, hole",
    [
        ("Undefined", TIMEOUT, False, False),  # refused all the same
        ("", TIMEOUT, True, False),
        (TIMEOUT, "", True, False),
        (PROVED, TIMEOUT, False, True),
        ("NotProved", "crash KeyError", True, False),
        ("", "Refuted", False, False),
    ],
)
def test_no_answer_in_time_is_no_refusal(kernel, oracle, broken, hole):
    got = breaking.Trial("", "", kernel, oracle)
    assert (got.broken, got.hole) == (broken, hole) and not got.accepted


def test_the_kernel_is_tried_without_the_second_opinion_and_that_comes_back():
    asked = oracle.refute
    with breaking.alone():
        assert oracle.refute is not asked and oracle.refute() == 1
    assert oracle.refute is asked


def test_what_is_not_broken_is_accepted():
    for number in sample(mutants.derived(), 8):
        assert kernel_says(course()[by_number()[number]])[0] == PROVED


def test_nothing_is_changed_outside_of_an_attempt():
    statement = course()[by_number()["2.6"]]
    before = repr(statement.before)
    mutants.felt_by(by_number()["1.1"], ["2.6"])
    breaking.tried(statement, "", statement.latex.replace("1-", "2-"))
    assert repr(statement.before) == before


def test_every_exception_has_its_reason():
    assert all(entry["reason"].strip() for section in LET_PASS.values() for entry in section)
    assert {number for number, _ in ACCEPTED | INCIDENTAL} <= set(mutants.derived())


# --- A part of them ------------------------------------------------------------------------------


def every_mutant(size: int, seed: int) -> list[tuple[str, str, str]]:
    every = [
        (number, text, kind)
        for number in mutants.derived()
        for text, kind in mutants.mutants(course()[by_number()[number]].latex).items()
    ]
    return sample(every, size, seed)


@pytest.mark.parametrize("size, always", [(300, False), (15, True)])
def test_a_part_of_the_changed_formulas_is_refused(size, always):
    for number, text, kind in every_mutant(size, always):
        got = breaking.tried(course()[by_number()[number]], kind, text, always)
        assert not got.broken and not got.hole, (number, got)
        assert not got.accepted or (number, kind) in ACCEPTED, (number, got)


@pytest.mark.parametrize(
    "number, premise",
    [
        ("1.2", "1.1"),  # the forward step
        ("2.6", "1.1"),
        ("2.5", "1.1"),
        ("2.3", "2.1"),
        ("3.4", "1.1"),  # the Gaussian densities of the posterior
        ("5.7", "4.14"),
        ("7.13", "7.9"),
        ("7.22", "7.21"),
        ("7.35", "7.33"),
        ("7.45", "7.44"),
    ],
)
def test_a_proof_feels_its_premise(number, premise):
    assert premise in mutants.assumed(number)
    assert mutants.felt_by(by_number()[premise], [number]).felt == {number: True}


# --- All of them ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def findings() -> mutants.Findings:
    return mutants.findings()


@pytest.mark.slow
def test_every_changed_formula_is_refused_or_listed(findings):
    assert findings.accepted == ACCEPTED
    trials = [(number, one) for number, found in findings.formula.items() for one in found]
    assert not [one for one in trials if one[1].broken or one[1].hole]
    readable = [one for _, one in trials if not one.unreadable and one.kernel != SAME]
    assert sum(not one.accepted for one in readable) >= 0.99 * len(readable)


@pytest.mark.slow
def test_every_premise_is_felt_or_listed(findings):
    assert {pair for pair, felt in findings.felt.items() if not felt} == INCIDENTAL


@pytest.mark.slow
def test_what_is_proved_from_a_broken_premise_is_true_where_that_holds(findings):
    assert not [hole for one in findings.premise.values() for hole in one.holes]


@pytest.mark.slow
def test_every_definition_is_felt_or_listed(findings):
    felt = {premise for (_, premise), felt in findings.felt.items() if felt}
    assert set(mutants.premises()) - felt == {number for number, _ in listed("unused")}


@pytest.mark.slow
def test_the_table_of_the_index_is_what_was_found(findings):
    stored = (ROOT / "bench/mutants.md").read_text(encoding="utf-8")
    assert mutants.table(findings) in stored
