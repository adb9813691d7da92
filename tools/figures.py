"""Draw the figures of a chapter anew, as SVG, in build/figures: 3-1.svg is Figure 3.1.

A chapter is run up to its last figure, without its proofs. What moves or has sliders is no SVG: it
is copied from the notebook as stored, as PNG; of what moves there is a still as well. From the top of the repository: make figures
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from notebooks import ROOT
from PIL import Image

from ddpm_course.proofs.chapters import is_mathematics

FIGURES = ROOT / "build/figures"
LICENCE = (
    "From ddpm_course, by the ddpm_course authors. "
    "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)
# The same figure gives the same file: no date, and names that do not depend on chance.
SET_UP = f"""\
import matplotlib
matplotlib.rcParams["svg.hashsalt"] = "ddpm_course"
%config InlineBackend.figure_formats = ["svg"]
%config InlineBackend.print_figure_kwargs = {{"metadata": {{"Date": None, "Rights": {LICENCE!r}}}}}
"""


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """The pictures that a cell shows, in all their forms."""
    forms = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [data for data in forms if "image/png" in data or "image/svg+xml" in data]


def drawn(path: Path) -> dict[str, str | bytes]:
    """The figures of a chapter, by the name of the file."""
    stored = nbformat.read(path, as_version=4)
    shown = {cell.id: pictures(cell) for cell in stored.cells if pictures(cell)}
    last = [cell.id for cell in stored.cells].index([*shown][-1])
    run = [cell for cell in stored.cells[: last + 1] if not is_mathematics(cell.source)]
    set_up = nbformat.v4.new_code_cell(SET_UP)
    notebook = nbformat.v4.new_notebook(cells=[set_up, *run], metadata=stored.metadata)
    NotebookClient(notebook, resources={"metadata": {"path": path.parent}}).execute()
    again = {cell.id: pictures(cell) for cell in notebook.cells}
    files, number = {}, 0
    for cell, before in shown.items():
        for was, now in zip(before, again[cell], strict=True):
            number += 1
            name = f"{int(path.stem[:2])}-{number}"
            if "image/svg+xml" in now:
                files[f"{name}.svg"] = now["image/svg+xml"]
            else:
                files |= still_or_moving(name, base64.b64decode(was["image/png"]))
    return files


def still_or_moving(name: str, png: bytes) -> dict[str, bytes]:
    """A picture; one that moves has its still beside it, for paper."""
    picture, still = Image.open(io.BytesIO(png)), io.BytesIO()
    if not getattr(picture, "is_animated", False):
        return {f"{name}.png": png}
    picture.save(still, "PNG")
    return {f"{name}.png": png, f"{name}-still.png": still.getvalue()}


if __name__ == "__main__":
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "LICENCE.txt").write_text(LICENCE + "\n", encoding="utf-8")
    for path in map(Path, sys.argv[1:]):
        for name, content in drawn(path.resolve()).items():
            content = content.encode() if isinstance(content, str) else content
            (FIGURES / name).write_bytes(content)
