"""Break the course on purpose: changed formulas are refused, and proofs feel their premises.

A part is tried in every run, chosen by a fixed seed; the slow tests try all of it, and compare it
with the table that the index shows.
"""

import random
import tomllib
from collections.abc import Iterator

import pytest

import mutants
from ddpm_course.algebra import ReadError
from mutants import Outcome
from notebooks import ROOT

LET_PASS = tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))
BY_NUMBER, BOOK = mutants.course()
DERIVED = mutants.derived()


def listed(section: str) -> Iterator[tuple[str, dict]]:
    for entry in LET_PASS[section]:
        for number in entry["numbers"]:
            yield number, entry


IDENTITIES = dict(listed("identities"))
INCIDENTAL = {(number, premise) for number, entry in listed("incidental")
              for premise in entry["premises"]}
ACCEPTED = {(number, kind) for number, entry in listed("accepted") for kind in entry["kinds"]}


def sample(population: list, size: int) -> list:
    return random.Random(0).sample(population, size)


# --- The mutants themselves ----------------------------------------------------------------------

@pytest.mark.parametrize("kind, latex, changed", [
    ("sign", "u = v+w", "u = v-w"), ("term dropped", "u = v+w", "u = v"),
    ("factor dropped", "u = vw", "u = w"), ("factor inverted", r"u = \frac{v}{w}", r"u = \frac{w}{v}"),
    ("t for t-1", r"u = \alpha_{t-1}", r"u = \alpha_{t}"), ("t for t-1", r"u = x_t", r"u = x_{t-1}"),
    ("alpha for alpha-bar", r"u = \bar\alpha_t", r"u = \alpha_t"),
    ("alpha-bar for alpha", r"u = \alpha_t", r"u = \bar\alpha_t"),
    ("root removed", r"u = \sqrt{v+w}", r"u = (v+w)"), ("root added", "u = v_t", r"u = \sqrt{v_t}"),
    ("square removed", "u = v^2", "u = v"), ("square added", "u = v", "u = v^2"),
    ("constant off by one", "u = 1-v", "u = 2-v"), ("doubled", "u = v", "u = 2v"),
    ("limit off by one", r"u = \sum_{k=1}^{t}v", r"u = \sum_{k=2}^{t}v"),
])
def test_every_kind_of_change_is_made(kind, latex, changed):
    def spelt(text):
        return text.replace(" ", "").replace(r"{t}", "t")

    found = mutants.mutants(latex)
    assert spelt(changed) in {spelt(text) for text, made in found.items() if made == kind}
    assert all(" ".join(text.split()) != latex for text in found)


def test_outcomes_are_kept_apart():
    def fails(error):
        raise error

    assert mutants.outcome(lambda: None) is Outcome.ACCEPTED
    assert mutants.outcome(lambda: fails(mutants.AlgebraError())) is Outcome.REFUSED
    assert mutants.outcome(lambda: fails(ReadError())) is Outcome.UNREADABLE
    assert mutants.outcome(lambda: fails(TypeError())) is Outcome.CRASHED


def test_a_proof_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(mutants, "SECONDS", 1)

    def endless():
        while True:
            pass

    assert mutants.outcome(endless) is Outcome.TIMEOUT


def test_what_is_not_broken_is_accepted():
    for number in sample(DERIVED, 12):
        statement = BY_NUMBER[number]
        assert mutants.outcome(lambda: statement.run(statement.latex, trusting=False)) \
            is Outcome.ACCEPTED


def test_nothing_is_changed_outside_of_an_attempt():
    before = repr(BY_NUMBER["2.6"].before)
    next(mutants.broken(BY_NUMBER["1.1"]))
    mutants.feels(BY_NUMBER["2.6"], BY_NUMBER["1.1"])
    assert repr(BY_NUMBER["2.6"].before) == before


def test_every_exception_has_its_reason():
    assert all(entry["reason"].strip() for section in LET_PASS.values() for entry in section)
    assert IDENTITIES.keys() <= set(DERIVED)


# --- A part of them ------------------------------------------------------------------------------

def test_a_part_of_the_changed_formulas_is_refused():
    every = [(number, text, kind) for number in DERIVED
             for text, kind in mutants.mutants(BY_NUMBER[number].latex).items()]
    for number, text, kind in sample(every, 250):
        got = mutants.outcome(lambda: BY_NUMBER[number].run(text, trusting=False))
        if got not in (Outcome.REFUSED, Outcome.UNREADABLE):
            assert (got, (number, kind) in ACCEPTED) == (Outcome.ACCEPTED, True), (number, text)


@pytest.mark.parametrize("number, premise", [
    ("1.2", "1.1"),  # the forward step
    ("2.6", "1.1"), ("2.5", "1.2"),
    ("3.3", "2.6"),  # the Gaussian densities of the posterior
    ("4.5", "1.4"), ("4.9", "3.2"),  # the chain, and Bayes with the Markov property
    ("5.7", "4.14"), ("7.12", "7.8"), ("7.14", "7.10"), ("7.14", "7.11"),
    ("7.19", "7.17"), ("7.22", "7.21"), ("7.35", "7.33"), ("7.45", "7.44"), ("7.47", "4.23")])
def test_a_proof_feels_its_premise(number, premise):
    assert premise in BOOK.equations[number].leaves
    assert mutants.feels(BY_NUMBER[number], BY_NUMBER[premise])


# --- All of them ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def findings() -> list[mutants.Finding]:
    return mutants.findings()


@pytest.mark.slow
def test_every_changed_formula_is_refused_or_listed(findings):
    passed = {(one.number, kind) for one in findings for kind, _, got in one.formula
              if got is Outcome.ACCEPTED}
    assert passed == ACCEPTED
    assert not [(one.number, text) for one in findings for _, text, got in one.formula
                if got in (Outcome.TIMEOUT, Outcome.CRASHED)]
    assert sum(one.refused for one in findings) >= 0.99 * sum(one.readable for one in findings)


@pytest.mark.slow
def test_every_derived_equation_feels_a_premise_or_is_a_listed_identity(findings):
    assert {one.number for one in findings if not any(one.felt.values())} == IDENTITIES.keys()
    unfelt = {(one.number, premise) for one in findings if any(one.felt.values())
              for premise, felt in one.felt.items() if not felt}
    assert unfelt <= INCIDENTAL and {number for number, _ in unfelt} == {n for n, _ in INCIDENTAL}


@pytest.mark.slow
def test_every_definition_is_felt_or_listed(findings):
    felt = {premise for one in findings for premise, value in one.felt.items() if value}
    defined = {number for number, equation in BOOK.equations.items()
               if equation.verdict == "definition"}
    assert defined - felt == {number for number, _ in listed("unused")}


@pytest.mark.slow
def test_the_table_of_the_index_is_what_was_found(findings):
    stored = (ROOT / "bench/mutants.md").read_text(encoding="utf-8")
    assert mutants.table(findings) in stored
