"""What a reader calls: `check_answer`, `hint`, `puzzle`."""

import re
from typing import Any

from ddpm_course.checks import BadValue, check_choice, check_int

from ..errors import Unreadable
from . import (
    chapter01,
    chapter02,
    chapter03,
    chapter04,
    chapter05,
    chapter06,
    chapter07,
    chapter20,
    chapter21,
    chapter22,
)
from .exercise import Exercise
from .replies import Reply, Text

CHAPTERS = (
    chapter01,
    chapter02,
    chapter03,
    chapter04,
    chapter05,
    chapter06,
    chapter07,
    chapter20,
    chapter21,
    chapter22,
)
EXERCISES: dict[str, Exercise] = {
    number: exercise for chapter in CHAPTERS for number, exercise in chapter.EXERCISES.items()
}


def check_answer(number: str, answer: Any) -> Reply:
    """Check the answer to an exercise, such as "3.2": right; not yet, because; or not read.

    answer: a formula, as LaTeX text in the notation of the course or as a SymPy expression whose
    symbols are named so; the number of a line; a whole number; or a function, as the exercise asks.
    Whatever it is, it gets a reply. What is missing on the machine raises: FileNotFoundError
    without the notebooks, which hold the equations, ImportError where a reply needs torch.
    """
    said = re.sub(r"(?i)^\s*exercise\b", "", number).strip() if isinstance(number, str) else number
    if not isinstance(said, str | float) or str(said) not in EXERCISES:
        first, *_, last = EXERCISES
        numbers = f'"{first}" to "{last}"'
        return Reply("?", "unread", f"no exercise has this number; they are {numbers}")
    number = str(said)
    kind = EXERCISES[number].kind
    try:
        right, why = kind.check(answer)
    except (Unreadable, RecursionError) as unread:
        return Reply(number, "unread", _unread(unread), kind.example)
    return Reply(number, "right" if right else "not yet", why)


def _unread(error: Unreadable | RecursionError) -> str:
    at = getattr(error, "at", "").replace("`", "'")[:40]
    why = getattr(error, "why", "it is nested too deeply")
    place = f" from here on: `{at}`" if at else ""
    because = f" ({why})" if len(why) <= 100 else ""  # not the list of all signs of the grammar
    return f"could not read this{place}{because}"


def hint(number: str, step: int) -> Text:
    """The hint of an exercise, step 1, 2 or 3. Raises BadValue or BadType for any other."""
    hints = _exercise("hint", number).hints
    return Text(f"Hint {step} · {hints[check_int('hint', 'step', step, 1, 3) - 1]}")


def puzzle(number: str) -> Text:
    """The formula of an exercise that asks for a slip. Raises BadValue for one without formula."""
    formula = _exercise("puzzle", number).kind.shown()
    if not formula:
        raise BadValue(
            "puzzle",
            "number",
            got=repr(number),
            expected="an exercise of the kind *find the slip*",
            fix="read its text in the chapter",
        )
    return Text(f"{formula}\n\n<small>Exercise {number} · **there is a slip in it**</small>")


def _exercise(where: str, number: str) -> Exercise:
    return EXERCISES[check_choice(where, "number", number, list(EXERCISES))]
