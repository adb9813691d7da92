"""Notebooks to hand out: the exercises of some chapters, with cells to fill in, and no solution."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddpm_course.checks import BadValue, check_int
from ddpm_course.proofs.workbook import EXERCISES, puzzle
from ddpm_course.runs.files import new_folder, write_file

CHAPTERS = Path(__file__).parent.parent / "notebooks"
HEAD = """# Assignment · {title}

Replace `...` by your answer: a formula as text in quotes, in LaTeX as in the chapter or in Python's signs; a number as a number. Where a function is asked for, write its body. Then run the cell: the reply says whether it is right, and if not, where it fails. `hint("{first}", 1)` helps, up to step 3. Numbers in brackets, as (0.11), are equations of the course.

Hand in this file. Of several answers to one exercise the last counts. A formula or a number is read from the text of its cell, so it has to stand in the call of `check_answer` itself. A function is run: all cells, from top to bottom."""
START = "import torch\n\nfrom ddpm_course.proofs.workbook import check_answer, hint"


def chapter_of(number: str) -> int:
    """The chapter in which an exercise stands."""
    return int(number.partition(".")[0])


def exercises_of(where: str, chapters: Sequence[int] | None) -> list[str]:
    """The numbers of the exercises of chapters, all without a choice. Raises BadValue, BadType."""
    known = {*map(chapter_of, EXERCISES)}
    for chapter in chapters or ():
        if check_int(where, "chapters", chapter, 0) not in known:
            raise BadValue(
                where,
                "chapters",
                got=str(chapter),
                expected=f"chapters with exercises: {', '.join(map(str, sorted(known)))}",
                fix="leave it out",
            )
    chosen = known if chapters is None else chapters
    return [number for number in EXERCISES if chapter_of(number) in chosen]


def read_chapter(chapter: int) -> list[tuple[str, str]]:
    """Kind and source of each cell of a chapter."""
    (path,) = CHAPTERS.glob(f"{chapter:02}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def cell(name: str, source: str, code: bool = False) -> dict[str, Any]:
    """A cell of a notebook, with its name as its id."""
    made: dict[str, Any] = {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}
    return made | ({"cell_type": "code", "execution_count": None, "outputs": []} if code else {})


def to_fill_in(number: str, text: str, next_source: str) -> str:
    """The code of an exercise, with ... where the answer goes."""
    arguments = getattr(EXERCISES[number].kind, "arguments", None)
    if arguments is None:
        return f'check_answer("{number}", ...)'
    given = ", ".join(arguments)
    (name,) = {*re.findall(rf"(\w+)\({given}\)", text + next_source)}
    return f'def {name}({given}): ...\n\n\ncheck_answer("{number}", {name})'


def notebook(chapter: int) -> dict[str, Any]:
    """The assignment of a chapter: each exercise as it stands there, by number."""
    cells = read_chapter(chapter)
    title = cells[0][1].partition("\n")[0].removeprefix("# ")
    numbers = [number for number in EXERCISES if chapter_of(number) == chapter]
    made = [
        cell("head", HEAD.format(title=title, first=numbers[0])),
        cell("start", START, code=True),
    ]
    for number in numbers:
        begins = f"**Exercise {number}** ("
        at = next(i for i, (kind, source) in enumerate(cells) if source.startswith(begins))
        text, name = cells[at][1], number.replace(".", "-")
        formula = str(puzzle(number)) if EXERCISES[number].kind.shown() else ""
        made.append(cell(f"exercise-{name}", f"{text}\n\n{formula}".strip()))
        made.append(cell(f"answer-{name}", to_fill_in(number, text, cells[at + 1][1]), code=True))
    kernel = {"display_name": "python3", "language": "python", "name": "python3"}
    return {
        "cells": made,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write_assignment(folder: Path, chapters: Sequence[int] | None = None) -> list[Path]:
    """Write a new folder with a notebook for each of the chapters; return the notebooks.

    Raises BadValue for a folder that exists or cannot be made, BadValue and BadType for chapters
    that have no exercises.
    """
    numbers = exercises_of("assignment", chapters)
    written = []
    with new_folder(folder, "assignment", "DIR") as made:
        for chapter in sorted({*map(chapter_of, numbers)}):
            name = f"{chapter:02}_assignment.ipynb"
            text = json.dumps(notebook(chapter), ensure_ascii=False, indent=1, sort_keys=True)
            write_file(made / name, (text + "\n").encode())
            written.append(folder / name)
    return written
