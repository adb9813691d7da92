"""The table of a class: who, which exercise, right or not, why; whatever the submissions hold.

Each submission is checked in a process of its own, which is ended when it takes too long.
"""

import csv
import io
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

from ddpm_course.checks import BadInput, BadValue, check_int, check_number, visible
from ddpm_course.classroom.assignment import exercises_of
from ddpm_course.classroom.checker import Verdict, is_function, work
from ddpm_course.classroom.remote import Limits, patience, why_no_walls
from ddpm_course.runs.files import check_new_file, write_file

FORMULA = "=+-@\t\r"  # a spreadsheet would compute what begins so


@dataclass(frozen=True)
class Grade:
    """How one exercise was solved.

    who: the folder, as it was named. verdict: "right", "not yet", "unread", "no answer", or
    "not run" where functions cannot be run.
    """

    who: str
    exercise: str
    verdict: Verdict
    why: str


def grade(
    folders: Sequence[Path], chapters: Sequence[int] | None = None, limits: Limits | None = None
) -> Iterator[list[Grade]]:
    """Check submissions, one folder each; yields the grades of one after the other.

    A folder holds notebooks, of any name; those in folders below are not read. Nothing is written.
    Raises BadValue and BadType for chapters and limits, and for a folder that is not there, and
    BadInput where no process can be started to check in.
    """
    limits = limits or Limits()
    check_number("grade", "seconds", limits.seconds, 0, 3600, ends="(]")
    check_int("grade", "megabytes", limits.megabytes, 64, 1 << 20)
    numbers = exercises_of("grade", chapters)
    for folder in folders:
        if not folder.exists() and not folder.is_symlink():
            raise BadValue(
                "grade",
                "DIR",
                got=f"{folder}, which is not there",
                expected="folders, one for each submission",
                fix="name them, as in submissions/*",
            )
    barrier = why_no_walls() if limits.walls and any(map(is_function, numbers)) else ""
    context = warm_context()
    for folder in folders:
        found = checked(context, folder, numbers, limits, barrier and f"no walls: {barrier}")
        yield [Grade(visible(str(folder)), number, *found[number]) for number in numbers]


def warm_context() -> ForkServerContext:
    """What starts processes that have loaded the equations; none imports from where it is started.

    For a submission's folder may be called torch.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ddpm_course.classroom.warm"])
    former = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONSAFEPATH"]
        os.environ.update({} if former is None else {"PYTHONSAFEPATH": former})
    return context


@contextmanager
def _without_script() -> Iterator[None]:
    """While it is entered, a new process does not begin with the script that was started here.

    So a script that grades needs no `if __name__ == "__main__"`.
    """
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def checked(
    context: ForkServerContext,
    folder: Path,
    numbers: Sequence[str],
    limits: Limits,
    barrier: str,
) -> dict[str, tuple[Verdict, str]]:
    """Verdict and reason of each exercise. What ends the checking process costs what it was at.

    Raises BadInput when it ends before it has begun: nothing is known of the submission then.
    """
    found: dict[str, tuple[Verdict, str]] = {}
    while left := [number for number in numbers if number not in found]:
        at, end = "", "what it holds ended the check"
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(
            target=work, args=(theirs, folder.absolute(), left, limits, barrier)
        )
        with _without_script():
            worker.start()
        theirs.close()
        try:
            while ours.poll(limits.seconds if at in left else patience(limits, len(left))):
                number, verdict, why = ours.recv()
                at = number if verdict == "checking" else at
                if verdict != "checking":
                    found[number] = verdict, why
            end = f"it took more than {limits.seconds:g} seconds to check"
        except EOFError:
            pass
        finally:
            worker.kill()
            worker.join()
            ours.close()
        if not at:
            raise BadInput(
                "grade",
                "a process to check in",
                got="one that ended, or stood still, before it had begun",
                expected="one that reads a submission",
                fix="read what it said above; without a word, make room in memory",
            )
        for number in [at] if at in left else left:
            found.setdefault(number, ("unread", end))
    return found


def summary(grades: Sequence[Grade]) -> str:
    """One line for a submission, and why its functions were not run, if they were not."""
    right = sum(grade.verdict == "right" for grade in grades)
    barred = next((f"; not run: {g.why}" for g in grades if g.verdict == "not run"), "")
    return f"{grades[0].who}: {right} of {len(grades)} right{barred}"


def table(grades: Iterable[Grade]) -> bytes:
    """The grades as CSV, with a first line that names the columns, in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(Grade)])
    for grade in grades:
        writer.writerow(
            ["'" * (part[:1] in FORMULA) + part if part else part for part in astuple(grade)]
        )
    return text.getvalue().encode()


def write_table(
    folders: Sequence[Path],
    out: Path,
    chapters: Sequence[int] | None = None,
    limits: Limits | None = None,
) -> Iterator[list[Grade]]:
    """Grade submissions into a new file; it is whole after each of them.

    Yields the grades of one submission after the other. Raises BadValue for a file that exists or
    cannot be written, and what `grade` raises.
    """
    check_new_file("grade", "out", out)
    grades: list[Grade] = []
    for new in grade(folders, chapters, limits):
        grades += new
        write_file(out, table(grades))
        yield new
