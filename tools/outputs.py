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

CHECK = re.compile(r"_check_\w")
CHECKS = re.compile(r"\b(check_\w+|_check_\w+|Bad(Input|Value|Type))\(")


def teaches(cell: NotebookNode, chapter: str) -> bool:
    """Whether the source of a cell is to be read; else it is folded, in JupyterLab and on the site.

    What shows a formula or a table stands behind what it shows; the answer to an exercise, and the
    request for a hint, are read as they are typed. In every chapter set-up, what is said to nbdev
    alone and functions that only check arguments are folded; in the mathematics chapters figures,
    asserts that print nothing, and exports with checks as well.
    """
    shown = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
    if re.search(r"\b(check_answer|hint)\(", cell.source):
        return True
    set_up = not cell.get("outputs") and re.match(r"(plt\.style\.use|after)\(", cell.source)
    if set_up or is_mathematics(cell.source) or "text/markdown" in shown:
        return False
    body = ast.parse(cell.source).body
    if not body:
        return False
    imports = [isinstance(part, ast.Import | ast.ImportFrom) for part in body]
    if not re.match("0[0-7]|2[0-9]", chapter):
        names = 2 * sum(imports) >= len(imports)
        checked = [isinstance(part, ast.FunctionDef) and CHECK.match(part.name) for part in body]
        return not (chapter[:1].isdigit() and (names or all(checked)))
    exported = cell.source.startswith("#| export")
    silent = not cell.get("outputs") and any(isinstance(part, ast.Assert) for part in body)
    checks = exported and CHECKS.search(cell.source)
    return not (imports[:1] == [True] or shown & {"image/png", "text/html"} or silent or checks)


def fold(cell: NotebookNode, chapter: str) -> None:
    if cell.cell_type == "code" and not teaches(cell, chapter):
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
        fold(cell, path.stem)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else notebooks.paths():
        run(path)
