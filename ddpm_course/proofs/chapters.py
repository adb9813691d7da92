"""The notebooks of the course as a book: what stands in their cells is declared and proved again."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from .book import Book, book

WORDS = "notation", "process", "assume", "define", "eq", "cite"


def is_mathematics(source: str) -> bool:
    """Whether a cell declares, defines, proves or cites, at its top level."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    calls = (
        s.value.func for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)
    )
    return any(getattr(f, "id", "") in WORDS for f in calls)


def chapters() -> list[Path]:
    """The notebooks of the course in reading order, wherever it is run from."""
    places = Path.cwd(), Path.cwd() / "nbs", Path(__file__).parent.parent / "notebooks"
    found = next((p for p in places if (p / "00_gaussian_algebra.ipynb").exists()), None)
    if not found:
        raise FileNotFoundError(f"the notebooks are in none of {', '.join(map(str, places))}")
    return sorted(found.glob("[0-9][0-9]_*.ipynb"))


def after(chapter: str) -> None:
    """Begin the book anew with what the chapters up to this one, and it, declare, define and prove.

    Their own cells are read for that. A proof is done when somebody needs its theorem."""
    from . import __dict__ as words

    earlier = [p for p in chapters() if p.stem <= chapter]
    if not earlier or earlier[-1].stem != chapter:
        raise FileNotFoundError(f"no chapter is called {chapter}")
    b = book()
    kept = b.recalling
    vars(b).update(vars(Book(recalling=True)))
    try:
        for path in earlier:
            known = dict(words)
            for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
                source = "".join(cell["source"])
                if cell["cell_type"] == "code" and is_mathematics(source):
                    exec(source, known)
    finally:
        b.recalling = kept
