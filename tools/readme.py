"""Make README.md from nbs/index.ipynb, CITATION.cff, and nbs/llms.txt from the modules' docstrings.

Of the index come markdown, code, and text or markdown outputs. `#| hide` leaves a cell out, `#| hide_input` shows its outputs only. Once pyproject.toml gives the
repository an address, the map opens its chapters in Colab, and CITATION.cff holds the address.
"""

import ast
import posixpath
import re
import tomllib

import nbformat
from nbformat import NotebookNode
from notebooks import (
    NBS,
    ROOT,
    first_cell_in_colab,
    in_colab,
    repository,
    shown_outputs,
    shown_source,
)

from ddpm_course import __version__

LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)]+)(\))")
ROW = re.compile(r"^\| \[[^]]+\]\((nbs/\w+\.ipynb)\)", re.M)
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"


def from_root(markdown: str) -> str:
    """Rewrite relative links and pictures, which start in nbs/, to start at the top level."""
    return LINK.sub(lambda m: m[1] + posixpath.normpath(f"nbs/{m[2]}") + m[3], markdown)


def with_badges(markdown: str) -> str:
    """Behind each chapter of the map what opens it in Colab, and below the map its first cell."""
    if not (in_colab(NBS) and ROW.search(markdown)):
        return markdown
    rows = ROW.sub(
        lambda row: f"{row[0]} [![Open in Colab]({BADGE})]({in_colab(ROOT / row[1])})", markdown
    )
    return f"{rows}\n\n{first_cell_in_colab()}"


def fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def shown_output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return fenced(output.text, "text")
    if "text/markdown" in output.data:
        return from_root(output.data["text/markdown"])
    if "text/plain" in output.data and "image/png" not in output.data:
        return fenced(output.data["text/plain"], "text")
    raise ValueError(f"nbs/index.ipynb: README.md shows text and markdown, got {list(output.data)}")


def shown_cell(cell: NotebookNode) -> list[str]:
    source = shown_source(cell)
    if cell.cell_type == "markdown":
        return [with_badges(from_root(source))]
    code = [fenced(source, "python")] if source else []
    return code + [shown_output(output) for output in shown_outputs(cell)]


def readme() -> str:
    cells = nbformat.read(NBS / "index.ipynb", as_version=4).cells
    return "\n\n".join(part for cell in cells for part in shown_cell(cell)) + "\n"


def citation() -> str:
    """CITATION.cff as it stands, but for the version and the address of the repository."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    text = re.sub(r"^version: .*$", f"version: {__version__}", text, flags=re.M)
    others = re.sub(r"^repository-code: .*\n", "", text, flags=re.M)
    line = f'repository-code: "{repository()}"\n' if repository() else ""
    return re.sub(r"^license: .*\n", lambda licence: licence[0] + line, others, flags=re.M)


def llms() -> str:
    """Every module of the package with its docstring's first paragraph, and where its chapters are.

    nbdev leaves the file as it is, since it lacks nbdev's mark; nbdev's own lists a few modules only.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = []
    for path in sorted((ROOT / "ddpm_course").rglob("*.py")):
        if "notebooks" in path.parts or path.name.startswith("_"):
            continue
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        lines.append(f"- `{name}`: {' '.join(about.partition(chr(10) * 2)[0].split())}")
    head = f"# {project['name']}\n\n> {project['description']}\n\n## Modules\n\n"
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
    (ROOT / "CITATION.cff").write_text(citation(), encoding="utf-8")
    (NBS / "llms.txt").write_text(llms(), encoding="utf-8")
