"""What the tools and tests ask of the notebooks."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
IGNORE = "# NBVAL_IGNORE_OUTPUT"


def chapters() -> list[Path]:
    """The chapters and their solutions, in reading order: what a reader takes away."""
    return sorted([*NBS.glob("[0-9]*.ipynb"), *NBS.glob("solutions/*.ipynb")])


def paths() -> list[Path]:
    """All notebooks: the chapters, and then the pages about them, which read what they hold."""
    return [*chapters(), *sorted(NBS.glob("[!0-9]*.ipynb"))]


def repository() -> str:
    """The address that pyproject.toml gives the repository under [project.urls]; "" without one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "")


def in_colab(path: Path) -> str:
    """The address that opens a notebook in Colab; "" where the repository is not on GitHub."""
    github = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)/?", repository())
    name = path.relative_to(ROOT).as_posix()
    return (
        f"https://colab.research.google.com/github/{github[1]}/blob/main/{name}" if github else ""
    )


def first_cell_in_colab() -> str:
    """What Colab, which opens one notebook alone, is to be told: get the package, and the others."""
    return f"In Colab, first run `%pip install git+{repository()}` and `!ddpm-course notebooks .`"


def page_of(path: Path) -> str:
    """The name of a notebook's page on the site, as solutions/03_solutions."""
    return path.relative_to(NBS).with_suffix("").as_posix()


def directives(cell: NotebookNode) -> set[str]:
    """What nbdev is told about a cell, for example {"export", "hide_input"}."""
    return {line[2:].strip() for line in cell.source.splitlines() if line.startswith("#|")}


def shown_source(cell: NotebookNode) -> str:
    """A cell's lines for the reader: none of a hidden cell, and no directives."""
    lines = [line for line in cell.source.splitlines() if not line.startswith(("#|", IGNORE))]
    return "" if directives(cell) & {"hide", "hide_input"} else "\n".join(lines).strip()


def shown_outputs(cell: NotebookNode) -> list[NotebookNode]:
    return [] if "hide" in directives(cell) else cell.outputs


def code_cells(notebooks: list[Path]) -> Iterator[NotebookNode]:
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield cell


def exempt_and_printing(notebooks: list[Path]) -> tuple[int, int]:
    """Count the cells of notebooks whose output is not compared, and all cells that print.

    A picture alone is no print: the comparison passes over pictures anyway.
    """
    exempt = printing = 0
    for cell in code_cells(notebooks):
        ignored = IGNORE in cell.source or "nbval-ignore-output" in cell.metadata.get("tags", [])
        prints = any("image/png" not in output.get("data", {}) for output in cell.outputs)
        exempt += ignored
        printing += ignored or prints
    return exempt, printing
