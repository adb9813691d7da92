"""What a submission says, read as data: nothing in it is run, and no name in it is followed."""

import ast
import json
import os
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 8 << 20  # bytes of a notebook
MOST_NOTEBOOKS, MOST_CELLS, LONGEST_CELL = 30, 2000, 100_000


@dataclass(frozen=True)
class Answer:
    """What stands in the last call of `check_answer` for an exercise.

    value: the text or the number there; None where no literal stands. why: what keeps it from
    being read. notebook and cell count from 0, in the submission's order.
    """

    notebook: int
    cell: int
    value: str | int | float | None = None
    why: str = ""


@dataclass(frozen=True)
class Submission:
    """Its notebooks, as the sources of their code cells; its answers; and what could not be read."""

    notebooks: tuple[tuple[str, ...], ...]
    answers: dict[str, Answer]
    faults: tuple[str, ...]


class Unusable(Exception):
    """A file or a folder of a submission that is not read; str(...) says why."""


def opened(path: Path, kind: int) -> int:
    """A handle of a file or a folder itself, never of what a link points to. Raises Unusable."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if os.path.islink(path) else error.strerror
        raise Unusable(str(reason)) from None
    if stat.S_IFMT(os.fstat(handle).st_mode) != kind:
        os.close(handle)
        raise Unusable("it is no file" if kind == stat.S_IFREG else "it is no folder")
    return handle


def read_cells(path: Path) -> tuple[str, ...]:
    """The sources of a notebook's code cells. Raises Unusable."""
    with open(opened(path, stat.S_IFREG), "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unusable(f"it is larger than {LARGEST >> 20} MB")
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unusable("it is no notebook") from None
    if len(sources) > MOST_CELLS or any(len(source) > LONGEST_CELL for source in sources):
        raise Unusable(f"it has more than {MOST_CELLS} cells, or one of {LONGEST_CELL} signs")
    return tuple(map(as_python, sources))


def as_python(source: str) -> str:
    """A cell without the lines that only Jupyter knows, such as %matplotlib inline."""
    if parsed(source) is not None:
        return source
    return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.M)


def parsed(source: str) -> ast.Module | None:
    """The tree of a cell; None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def number_of(said: Any) -> str:
    """The number of an exercise as `check_answer` takes it: "3.2", 3.2 or "Exercise 3.2"."""
    return re.sub(r"(?i)^\s*exercise\b", "", str(said)).strip()


def calls(source: str, notebook: int, cell: int) -> dict[str, Answer]:
    """The answers in a cell, by exercise."""
    tree = parsed(source)
    if tree is None:
        numbers = re.findall(r"""check_answer\(\s*["']([\d.]+)["']""", source)
        return {number: Answer(notebook, cell, why="its cell is no Python") for number in numbers}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    answers = {}
    for call in sorted(found, key=lambda call: (call.lineno, call.col_offset)):
        match call.func:
            case ast.Name("check_answer") | ast.Attribute(attr="check_answer"):
                given = dict(zip(("number", "answer"), call.args))
                given |= {word.arg: word.value for word in call.keywords if word.arg}
                match given:
                    case {"number": ast.Constant(said), "answer": answer} if not is_empty(answer):
                        answers[number_of(said)] = Answer(notebook, cell, literal(answer))
    return answers


def is_empty(node: ast.expr) -> bool:
    """Whether ... or None stands there."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is ...)


def literal(node: ast.expr) -> str | int | float | None:
    """The text or the number that is written there, or None."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str | int | float) else None


def read_submission(folder: Path) -> Submission:
    """Read the notebooks of a folder by their names; a later answer counts in place of an earlier.

    Raises Unusable for what is no folder. What is wrong with a notebook is among the faults.
    """
    handle = opened(folder, stat.S_IFDIR)
    try:
        names = sorted(name for name in os.listdir(handle) if name.endswith(".ipynb"))
    finally:
        os.close(handle)
    notebooks: list[tuple[str, ...]] = []
    answers: dict[str, Answer] = {}
    faults = [f"more than {MOST_NOTEBOOKS} notebooks"] if len(names) > MOST_NOTEBOOKS else []
    for name in names[:MOST_NOTEBOOKS]:
        try:
            cells = read_cells(folder / name)
        except Unusable as fault:
            faults.append(f"{name}: {fault}")
            continue
        for place, source in enumerate(cells):
            answers |= calls(source, len(notebooks), place)
        notebooks.append(cells)
    return Submission(tuple(notebooks), answers, tuple(faults))
