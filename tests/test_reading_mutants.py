"""Break the course's formulas at one token: what is accepted of them must be true.

A part is tried in every run, chosen by a fixed seed; the slow test tries more, and compares it with
what is listed in tests/mutants.toml, and with the stored table.
"""

import tomllib

import pytest
import reading_mutants
from breaking import sample
from notebooks import ROOT
from reading_mutants import Change, changes, tokens
from statements import course

LISTED = {
    (number, change): entry["reason"]
    for entry in tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))["read"]
    for number in entry["numbers"]
    for change in entry["changes"]
}


@pytest.mark.parametrize(
    "latex, read",
    [
        (r"\mathbb E_{q(x_t)}[x_0]", r"\mathbb E@_@{@q@(@x@_@t@)@}@[@x@_@0@]"),
        (r"\operatorname{Cov}_{\xi}[v\,\xi]", r"\operatorname{Cov}@_@{@\xi@}@[@v@\,@\xi@]"),
        (r"D_{KL}(\mathcal N(x,v)\|p)", r"D_{KL}@(@\mathcal N@(@x@,@v@)@\|@p@)"),
        (
            r"\begin{aligned}x &= 12 \\ &+y\end{aligned}",
            r"\begin{aligned}@x@&@=@12@\\@&@+@y@\end{aligned}",
        ),
    ],
)
def test_tokens(latex, read):
    assert tokens(latex) == read.split("@")


@pytest.mark.parametrize(
    "change, made",
    [
        (Change("deleted", 1, ("+",), ()), "u v"),
        (Change("doubled", 1, ("+",), ("+", "+")), "u + + v"),
        (Change("exchanged", 0, ("u", "+"), ("+", "u")), "+ u v"),
        (Change("replaced", 1, ("+",), ("-",)), "u - v"),
    ],
)
def test_every_kind_of_change_is_made(change, made):
    assert change.made(["u", "+", "v"]) == made
    assert change.kind == "replaced" or change in set(changes("u + v", ["u", "v"], ""))
    assert {one.kind for one in changes("u + v", ["u", "v"], "")} == {
        "deleted",
        "doubled",
        "exchanged",
        "replaced",
    }


def judge(found: list) -> set[tuple[str, str]]:
    """Nothing crashed, and nothing was proved that is not true. What was accepted of equations."""
    assert not [one for one in found if one[2].broken]
    assert not [one for one in found if one[2].hole]
    return {
        (number, change.short) for number, change, got in found if got.accepted and is_claim(number)
    }


def is_claim(number: str) -> bool:
    return any(one.number == number and one.kind == "eq" for one in course())


def test_a_part_of_the_changed_readings_is_unreadable_or_refused_or_true():
    chosen = sample(reading_mutants.all_changes(), 250)
    found = [
        (course()[place].number, change, reading_mutants.trial(place, change))
        for place, change in chosen
    ]
    assert judge(found) <= LISTED.keys()


def test_every_listed_reading_has_its_reason():
    assert all(reason.strip() for reason in LISTED.values())


@pytest.mark.slow
def test_every_listed_reading_is_accepted_somewhere():
    there = [
        (course()[place].number, change, place) for place, change in reading_mutants.all_changes()
    ]
    tried = {
        (number, change.short)
        for number, change, place in there
        if (number, change.short) in LISTED and reading_mutants.trial(place, change).accepted
    }
    assert tried == LISTED.keys()


@pytest.mark.slow
def test_more_changed_readings_are_unreadable_or_refused_or_listed():
    found = reading_mutants.findings()
    assert judge(found) <= LISTED.keys()
    stored = (ROOT / "bench/mutants.md").read_text(encoding="utf-8")
    assert reading_mutants.table(found) in stored
