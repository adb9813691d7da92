"""A refusal is told by the fields of its error; no test parses the sentence that they make."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ddpm_course.checks import BadInput
from ddpm_course.proofs import ProofError

NAMES = "where", "what", "rule"
FIELDS = "where", "what", "got", "expected", "fix"
Refusal = BadInput | ProofError


def fits(field: str, wanted: object, found: str) -> bool:
    """A name is the whole field, other words stand in it; a pattern is found in either."""
    if isinstance(wanted, re.Pattern):
        return wanted.search(found) is not None
    return str(wanted) == found if field in NAMES else str(wanted) in found


def check_fields(error: Refusal, **wanted: object) -> None:
    """`error` has the wanted words in its fields; bad input has words in each of the five."""
    if isinstance(error, BadInput):
        found = {field: getattr(error, field) for field in FIELDS}
        assert all(found.values()), f"a field is empty: {found}"
    else:
        found = {field: str(value) for field, value in vars(error).items()}
    wrong = [field for field in wanted if not fits(field, wanted[field], found[field])]
    assert not wrong, f"{wrong}: wanted {wanted}, found {found}"


@contextmanager
def refused(kind: type[Refusal], **wanted: object) -> Iterator[pytest.ExceptionInfo[Refusal]]:
    """What is done here is met with an error of that kind, whose fields are as wanted."""
    if not wanted:
        raise TypeError("say what the error is about, by the names of its fields")
    with pytest.raises(kind) as caught:
        yield caught
    check_fields(caught.value, **wanted)
