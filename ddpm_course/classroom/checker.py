"""How a submission is checked, in a process that the grader can end: its data here, its code not.

An answer that is a text or a number is read and checked in this process. A function runs in one
behind walls, and what it returns is compared here: what is right never goes there.
"""

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from ddpm_course.checks import visible
from ddpm_course.classroom.remote import Limits, Process, used
from ddpm_course.classroom.submission import Submission, Unusable, read_submission
from ddpm_course.classroom.wire import Stopped
from ddpm_course.proofs.workbook import EXERCISES, check_answer
from ddpm_course.proofs.workbook.code import Code
from ddpm_course.proofs.workbook.kinds import Function

Verdict = Literal["right", "not yet", "unread", "no answer", "not run", "checking"]
Say = Callable[[str, Verdict, str], None]
OWN = Path(__file__).parent.parent / "notebooks"  # for the equations, whose cells are run
READING, FUNCTIONS = "reading", "functions"  # said to be checked: first of all, and before they run


def work(
    connection: Connection, folder: Path, numbers: Sequence[str], limits: Limits, barrier: str
) -> None:
    """Say through a connection how each exercise was solved; "checking" before one is begun.

    READING comes first: what ends the process before that is not the submission's fault.
    barrier: why functions cannot be run; "" when they can.
    """
    say: Say = lambda number, verdict, why: connection.send((number, verdict, visible(why)[:500]))
    say(READING, "checking", "")
    os.chdir(OWN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader ends this process
    if size := used():
        most = size + (2 * limits.megabytes << 20)
        with contextlib.suppress(ValueError, OSError):  # a limit of the system's own is lower
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        submission = read_submission(folder)
    except Unusable as fault:
        submission = Submission((), {}, (str(fault),))
    functions = []
    for number in numbers:
        if is_function(number) and number in submission.answers:
            functions.append(number)
        else:
            check_data(submission, number, say)
    if not functions:
        return
    say(FUNCTIONS, "checking", "")
    if barrier:
        for number in functions:
            say(number, "not run", barrier)
    else:
        check_functions(submission, functions, limits, say)


def is_function(number: str) -> bool:
    """Whether an exercise asks for a function."""
    return isinstance(EXERCISES[number].kind, Code | Function)


def check_data(submission: Submission, number: str, say: Say) -> None:
    """Say how an exercise was solved that asks for a formula or a number."""
    answer = submission.answers.get(number)
    if answer is None:
        faults = "; ".join(submission.faults)
        missing = f'nothing stands in check_answer("{number}", ...)'
        say(number, "unread" if faults else "no answer", faults or missing)
    elif answer.value is None:
        say(number, "unread", answer.why or "it should stand in the call, as a text or a number")
    else:
        say(number, "checking", "")
        reply = check_answer(number, answer.value)
        say(number, reply.verdict, reply.why)


def check_functions(
    submission: Submission, numbers: Sequence[str], limits: Limits, say: Say
) -> None:
    """Run the notebooks in a process, and check each function when its notebook shows it.

    A process that ends or stands still costs what it was at: the rest goes on in a new one.
    """
    left, first = list(numbers), 0
    while left:
        at, asked, why, failed, done = first, "", "", {}, set()
        with Process(limits, len(left)) as process:
            try:
                process.receive()
                process.more_time()
                notebooks = [*enumerate(submission.notebooks)][first:]
                process.wire.send({"asked": left, "notebooks": notebooks})
                while (event := process.receive()) != "end":
                    match event:
                        case {"notebook": int(place)}:
                            at = max(first, place)
                        case {"failed": int(cell), "says": str(says)}:
                            failed[at, cell] = f"its cell fails: {says}"
                        case {"asks": str(asked), "callable": shown} if asked in left:
                            process.more_time()
                            reply = check_answer(asked, process.call if shown else None)
                            say(asked, reply.verdict, reply.why)
                            done.add(asked)
                            process.wire.send(asked := None)
                            process.more_time()
                at, why = len(submission.notebooks), "its notebook never came there"
            except Stopped as stop:
                why = str(stop)
        if asked:
            say(asked, "not yet", why)
            done.add(asked)
            first = at
        else:
            for number in {*left} - done:
                answer = submission.answers[number]
                if answer.notebook <= at:
                    say(number, "not yet", failed.get((answer.notebook, answer.cell), why))
                    done.add(number)
            first = at + 1
        left = [number for number in left if number not in done]
