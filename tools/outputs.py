"""Run notebooks and store their outputs: all notebooks, or those named as arguments."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import notebooks
from nbclient import NotebookClient
from nbformat import NotebookNode

from ddpm_course.proofs.chapters import is_mathematics


def aside(source: str) -> bool:
    """Hints, which would spoil the exercises, and long lists of imports."""
    imports = all(
        isinstance(part, ast.Import | ast.ImportFrom | ast.If) for part in ast.parse(source).body
    )
    return "EXERCISES |= {" in source or imports and source.count("\n") > 12


def fold(cell: NotebookNode) -> None:
    """Hide the source of what shows formulas or a table in JupyterLab: the reader sees them first.

    The answer to an exercise, and the request for a hint, are to be read as they are typed. What
    stands aside is hidden as well.
    """
    shows = any(
        "text/markdown" in output.get("data", {}) for output in cell.get("outputs", [])
    ) and not re.search(r"\b(check_answer|hint)\(", cell.source)
    if cell.cell_type == "code" and (shows or is_mathematics(cell.source) or aside(cell.source)):
        cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
    else:
        cell.metadata.pop("jupyter", None)


def run(path: Path) -> None:
    print(path.name, flush=True)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        resources={"metadata": {"path": path.parent}},
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    ).execute()
    for cell in notebook.cells:
        fold(cell)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else notebooks.paths():
        run(path)
