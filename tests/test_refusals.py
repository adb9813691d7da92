"""The sentence of an error, at one place; and what checks its fields can say no."""

import re

import pytest
from refusals import refused

from ddpm_course.checks import BadInput, BadType, BadValue
from ddpm_course.proofs import WrongRule

SEED = BadValue("train", "seed", "-1 (int)", "an integer, 0 or more", "choose another")
FITS = dict(where="train", what="seed", got="-1", expected="0 or more", fix="another")


def meet(error, kind=BadValue, **wanted):
    with refused(kind, **wanted) as caught:
        if error:
            raise error
    return caught.value


def test_the_sentence():
    assert str(SEED) == (
        "train: seed: got -1 (int), expected an integer, 0 or more. To fix it: choose another."
    )
    assert str(SEED.within("my.ini")).startswith("my.ini: train: seed: got -1 (int), expected ")
    assert str(BadType("train", got="1", expected="2", fix="3")).startswith("train: got 1, ")
    assert str(BadInput("what another program says")) == "what another program says"


@pytest.mark.parametrize(
    "wanted", [FITS, *({field: word} for field, word in FITS.items()), dict(got=re.compile("^-1"))]
)
def test_what_fits_passes(wanted):
    assert meet(SEED, **wanted) is meet(SEED, BadInput, **wanted) is SEED


@pytest.mark.parametrize(
    "wanted",
    [
        *(FITS | {field: "else"} for field in FITS),
        *({field: re.compile("^else")} for field in FITS),
        dict(where="trai"),
        dict(what="see"),
        dict(where="train: seed"),
        dict(got="an integer"),
    ],
)
def test_a_field_that_does_not_fit_is_noticed(wanted):
    with pytest.raises(AssertionError, match="wanted"):
        meet(SEED, **wanted)


@pytest.mark.parametrize("empty", FITS)
def test_a_field_that_is_empty_is_noticed(empty):
    error = BadValue(**(FITS | {empty: ""}))
    with pytest.raises(AssertionError, match="empty"):
        meet(error, **{field: word for field, word in FITS.items() if field != empty})


WRONG = WrongRule("mix", "{} is the letter of an index", ("t",))


@pytest.mark.parametrize(
    "wanted", [dict(rule="mi"), dict(condition="a letter"), dict(rule="mix", about="s")]
)
def test_a_field_of_a_proof_s_error_that_does_not_fit_is_noticed(wanted):
    with refused(WrongRule, rule="mix", condition="letter of an index", about="t"):
        raise WRONG
    with pytest.raises(AssertionError, match="wanted"), refused(WrongRule, **wanted):
        raise WRONG


def test_no_error_or_another_kind_is_noticed():
    with pytest.raises(pytest.fail.Exception):
        meet(None, **FITS)
    with pytest.raises(BadValue):
        meet(SEED, BadType, **FITS)


def test_a_check_of_nothing_is_none():
    with pytest.raises(TypeError):
        meet(SEED)
    with pytest.raises(KeyError):
        meet(SEED, message="seed")
