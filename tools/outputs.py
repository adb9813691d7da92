"""Run notebooks and store their outputs: all notebooks, or those named as arguments."""

import ast
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

import notebooks

CHECKED = {"cite", "define", "eq", "notation"}


def is_checked_mathematics(source: str) -> bool:
    """Tell whether a cell calls one of the functions of the checking tool at its top level."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a cell with IPython magic
        return False
    calls = [getattr(statement, "value", None) for statement in statements]
    return any(isinstance(call, ast.Call) and getattr(call.func, "id", "") in CHECKED
               for call in calls)


def fold(cell: NotebookNode) -> None:
    """Hide the source of checked mathematics in JupyterLab: the reader sees the formula first."""
    if cell.cell_type == "code" and is_checked_mathematics(cell.source):
        cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
    else:
        cell.metadata.pop("jupyter", None)


def run(path: Path) -> None:
    print(path.name, flush=True)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": path.parent}}).execute()
    for cell in notebook.cells:
        fold(cell)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else notebooks.paths():
        run(path)
