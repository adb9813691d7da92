"""A refusal is told by the fields of its error; no test parses the sentence that they make."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ddpm_course.checks import BadInput

NAMES = "where", "what"
FIELDS = (*NAMES, "got", "expected", "fix")


def fits(field: str, wanted: object, found: str) -> bool:
    """A name is the whole field, other words stand in it; a pattern is found in either."""
    if isinstance(wanted, re.Pattern):
        return wanted.search(found) is not None
    return str(wanted) == found if field in NAMES else str(wanted) in found


def check_fields(error: BadInput, **wanted: object) -> None:
    """`error` has all fields, and the wanted words in them."""
    found = {field: getattr(error, field) for field in FIELDS}
    assert all(found.values()), f"a field is empty: {found}"
    wrong = [field for field in wanted if not fits(field, wanted[field], found[field])]
    assert not wrong, f"{wrong}: wanted {wanted}, found {found}"


@contextmanager
def refused(kind: type[BadInput], **wanted: object) -> Iterator[pytest.ExceptionInfo[BadInput]]:
    """What is done here is met with an error of that kind, whose fields are as wanted."""
    if not wanted:
        raise TypeError("say what the error is about: where, what, got, expected or fix")
    with pytest.raises(kind) as caught:
        yield caught
    check_fields(caught.value, **wanted)
