"""False statements by kinds of unsoundness are refused, each for its reason, also without numbers."""

from collections import Counter

import pytest
from attacks import ATTACKS, KINDS, MENDED, RESTATED, TRUTHS, outcome, table
from notebooks import ROOT

# The kernel alone lets these pass, as tried in numbers: they are not derived, and the page says so.
NUMERIC = {"I1", "I18", "I19"}
REFUSALS = {"Unreadable", "Undefined", "Refuted", "NotProved", "WrongRule"}
FORGED = {"ValueError", "TypeError", "FrozenInstanceError"}  # by Python itself, where one forges


def is_refusal(case, said: str) -> bool:
    return said.split()[0] in REFUSALS | (FORGED if case.kind == "I" else set())


def each(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


@each(ATTACKS)
def test_refused(case):
    assert outcome(case, alone=False) == case.refused


@each(ATTACKS)
def test_refused_by_the_kernel_alone(case):
    assert outcome(case, alone=True) == case.alone


def test_only_what_was_tried_in_numbers_passes_the_kernel():
    passed = {case.id: case.alone for case in ATTACKS if not is_refusal(case, case.alone)}
    assert passed == dict.fromkeys(NUMERIC, "numeric")


@each(MENDED)
def test_what_an_earlier_kernel_let_through_is_refused(case):
    assert is_refusal(case, outcome(case, alone=True))


LONG = {"4.13", "4.15a"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.id, marks=[pytest.mark.slow] * (case.id in LONG))
        for case in TRUTHS
    ],
)
def test_true(case):
    with_numbers = outcome(case, alone=False)
    if case.proved:
        assert with_numbers == outcome(case, alone=True) == "derived"
    else:
        assert with_numbers.split()[0] in REFUSALS - {"Refuted"}


def test_the_list():
    """All statements of the first tool, each once, and at least three new ones of each kind."""
    ids = [attack.id for attack in ATTACKS]
    assert len(set(ids)) == len(ids)
    found = Counter(attack.kind for attack in ATTACKS)
    for kind in KINDS:
        assert {f"{kind}{n + 1}" for n in range(RESTATED[kind])} <= set(ids)
        assert found[kind] >= RESTATED[kind] + 3
    assert sum(RESTATED.values()) == 43


def test_the_stored_table_is_this_one():
    assert table() in (ROOT / "bench/attacks.md").read_text(encoding="utf-8")


def test_the_table():
    head, line, *rows = table().splitlines()
    assert len(rows) == len(KINDS) and len({row.count("|") for row in (head, line, *rows)}) == 1
