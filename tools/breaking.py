"""What the tools that break the course share: what becomes of a broken statement.

The kernel is asked without the second opinion, and the second opinion by itself. What both say is
told apart, for where the kernel proves what the second opinion refutes, one of them is wrong.
"""

import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from statements import Sides, Statement, course

from ddpm_course.proofs import ProofError, Undefined, Unreadable, oracle
from ddpm_course.proofs.book import Book
from ddpm_course.proofs.declarations import Declarations

SECONDS = 30  # what takes longer is counted as a timeout
SEEDS = range(5)  # of the second opinion, when it is the judge
PROVED, SAME = "proved", "same reading"  # what the kernel may say, besides an error's name
HOLDS, NO_NUMBERS = "holds", "no numbers"  # what the second opinion may say
TIMEOUT = "timeout"


def sample(population: Iterable, size: int, seed: object = 0) -> list:
    population = list(population)
    return random.Random(str(seed)).sample(population, min(size, len(population)))


# --- What is said of one -------------------------------------------------------------------------


class TooLong(BaseException):
    """Not an Exception, so that nobody on the way takes it for an ordinary one."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLong when the block takes longer, in time of the processor."""

    def stop(*_):
        raise TooLong

    kept = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, kept)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Without the second opinion: it agrees to everything."""
    kept, oracle.refute = oracle.refute, lambda *_, **__: 1
    try:
        yield
    finally:
        oracle.refute = kept


def said(attempt: Callable[[], str]) -> str:
    """What an attempt returns, or the name of the error that it raises; "crash" before a name that
    is no judgement."""
    try:
        with limited(SECONDS):
            return attempt()
    except TooLong:
        return TIMEOUT
    except ProofError as wrong:
        return type(wrong).__name__
    except Exception as wrong:
        return f"crash {type(wrong).__name__}"


def kernel_says(statement: Statement) -> tuple[str, Book | None]:
    """Whether the kernel alone proves a statement; and the book after it, if it does."""
    books = []

    def attempt() -> str:
        with alone():
            books.append(statement.run())
        return PROVED

    verdict = said(attempt)
    return verdict, books[0] if books else None


def oracle_says(sides: Sides, known: Declarations, start: int, seeds: Iterable[int] = (0,)) -> str:
    """What the second opinion says of a formula, in the worlds of some seeds."""

    def attempt() -> str:
        tried = sum(oracle.refute(*sides, known, start, seed=1000 * seed) for seed in seeds)
        return HOLDS if tried else NO_NUMBERS

    return said(attempt)


@dataclass(frozen=True)
class Trial:
    """What kernel and second opinion, each alone, say of a changed statement: "" if not asked."""

    kind: str
    text: str
    kernel: str
    oracle: str

    @property
    def unreadable(self) -> bool:
        return Unreadable.__name__ in (self.kernel, self.oracle)

    @property
    def accepted(self) -> bool:
        """By both together, as `eq` asks them."""
        return self.kernel == PROVED and self.oracle in (HOLDS, NO_NUMBERS)

    @property
    def hole(self) -> bool:
        """Proved, and refuted: one of the two is wrong, or they read different things."""
        return self.kernel == PROVED and self.oracle not in ("", HOLDS, NO_NUMBERS)

    @property
    def broken(self) -> bool:
        """An error that is no judgement, or no answer in time where the kernel has not refused."""
        crashed = any(one.startswith("crash") for one in (self.kernel, self.oracle))
        return crashed or (self.kernel or self.oracle) == TIMEOUT


def tried(statement: Statement, kind: str, text: str, always: bool = True) -> Trial:
    """Put another formula in the place of a statement's own, and ask both; the kernel always, or
    only if the second opinion has nothing against it. What is proved is judged with more seeds."""
    sides = statement.read(text)
    if sides is None:
        return Trial(kind, text, Unreadable.__name__, "")
    if sides == statement.read(statement.latex):
        return Trial(kind, text, SAME, "")
    claims = statement.kind == "eq" and not statement.extends
    at_once = oracle_says(sides, statement.before.declarations, statement.start) if claims else ""
    if not always and claims and at_once not in (HOLDS, NO_NUMBERS):
        return Trial(kind, text, "", at_once)
    kernel, book = kernel_says(statement.saying(text))
    if book and statement.kind != "assume" and at_once in ("", HOLDS, NO_NUMBERS):
        at_once = oracle_says(sides, book.declarations, statement.start, SEEDS)
        if statement.kind == "define" and at_once == Undefined.__name__:
            at_once = ""  # the law of what does not vary has no density
    return Trial(kind, text, kernel, at_once)


def in_parallel(tasks: list[tuple]) -> list:
    """The results of functions, each with its arguments, by as many processes as there are cores.

    They are copies of this one, and know what it has proved.
    """
    course()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        return list(pool.map(done, tasks, chunksize=max(1, len(tasks) // 400)))


def done(task: tuple):
    work, *arguments = task
    return work(*arguments)


def cross_table(trials: list[Trial]) -> str:
    """How often kernel and second opinion said what, in Markdown."""
    counts = Counter((one.kernel or "not asked", one.oracle or "not asked") for one in trials)
    kernels, oracles = (sorted({pair[i] for pair in counts}) for i in (0, 1))
    lines = [
        "| kernel alone | tried | " + " | ".join(oracles) + " |",
        "|---" * (len(oracles) + 2) + "|",
    ]
    for kernel in [*kernels, "**all**"]:
        row = [
            sum(
                n
                for (one, two), n in counts.items()
                if kernel in (one, "**all**") and two == oracle
            )
            for oracle in oracles
        ]
        lines.append(f"| {kernel} | {sum(row)} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


def prove_all() -> None:
    """Prove the whole course, so that processes that are copies of this one need not."""
    for statement in course():
        if statement.kind == "eq":
            statement.book.equations[statement.number].links
