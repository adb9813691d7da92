"""Write the pages of the site, in Sphinx's Markdown, from the notebooks as they are stored.

A chapter is its notebook: text, code, outputs. A checked equation is the target of every "(3.4)"
that cites it, in any chapter; a figure's caption is its alternative text as well, and a figure
that moves has its still beside it; source that is collapsed in JupyterLab is folded. The reference
is made from the modules' docstrings, and the list of equations from the facts that their outputs
carry. What was measured comes from bench/. (myst-nb reads notebooks, too, but shows none of this:
marks of equations, links of citations, stills, folds and boxes would still have to be written.)

From the top of the repository: make book
"""

import ast
import base64
import html
import io
import posixpath
import re
import shutil
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from notebooks import (
    NBS,
    ROOT,
    chapters,
    directives,
    first_cell_in_colab,
    in_colab,
    page_of,
    shown_outputs,
    shown_source,
)
from PIL import Image

from ddpm_course.proofs.display import MIME, line
from ddpm_course.proofs.workbook import EXERCISES
from ddpm_course.proofs.workbook.kinds import First, Hole, Line

PAGES = ROOT / "build/pages"
CHAPTERS = chapters()
ABOUT = ["chapters", "how_do_i", "teaching", "checking"]  # pages about them
MARKS = {"definition": "def", "hypothesis": "hyp", "derived": "✓", "numeric": "≈", "cited": "cited"}
FIXED = {  # why an equation cannot be changed on the page
    "definition": "it says what a symbol means, and there is nothing to prove",
    "hypothesis": "it is taken as given, and there is nothing to prove",
    "cited": "it is taken from its source, and not proved here",
}
NUMBER = r"\d+(?:\.\d+)+[a-z]?|H\d+"

TAGGED = re.compile(r"\$\$\n(.*?) \\tag\{.*?\}\n\$\$", re.S)  # the line below it has the tag, too
REMARK = re.compile(r"<small>(.*?)</small>", re.S)
FIGURE = re.compile(r"\*Figure:\*? *(.*?)\*?(?:\n\n|\Z)", re.S)
PICTURE = re.compile(r"^!\[([^]]+)\]\((images/\w+\.png)\)$", re.M)
# Code and formulas, which stay as they are; numbers of equations, linked or not; other links.
TOKEN = re.compile(
    r"(?P<kept>(?P<fence>`{3,}).*?(?P=fence)|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$)"
    rf"|\[\((?P<linked>{NUMBER})\)\]\([^)]*\)|\((?P<cited>{NUMBER})\)"
    r"|\]\((?P<file>(?!https?:|#)[^)]+)\)",
    re.S,
)
# A cell that shows pixels. What is drawn without them is turned to light on dark in a dark scheme.
PIXELS = re.compile(r"\.(?:imshow|contourf)\(")
# The line of a module above what one cell has exported, with the cell's id.
CELL = re.compile(r"# %% \S+ #(\w+)")
# The line that an exercise begins with, in its chapter.
ASKED = re.compile(r"\*\*Exercise ([\d.]+)\*\* \(")
# What closes folded code. The next cell's, if nothing stands between, is folded with it.
END_OF_SOURCE = "</details>"


@dataclass(frozen=True)
class Equation:
    """A checked equation, in the chapter that shows it first."""

    number: str
    latex: str
    verdict: str
    line: str  # the verdict, what it rests on, its reach and its source
    chapter: Path


def checked_equations() -> dict[str, Equation]:
    """All checked equations by number."""
    found = {}
    for path in CHAPTERS:
        for cell in nbformat.read(path, as_version=4).cells:
            for data in (output.data for output in cell.get("outputs", []) if "data" in output):
                if facts := data.get(MIME):
                    found.setdefault(
                        facts["number"],
                        Equation(
                            facts["number"],
                            facts["latex"],
                            facts["verdict"],
                            named(line(facts), facts),
                            path,
                        ),
                    )
    return found


def named(line: str, facts: dict) -> str:
    """The line of an equation, with its hypotheses cited as equations are."""
    for name in facts["assumes"]:
        if re.fullmatch(NUMBER, name):
            line = line.replace(f" · {name}", f" · ({name})")
    return line


EQUATIONS = checked_equations()


def notebook_of(module: Path) -> Path | None:
    """The notebook that exports a module."""
    source = re.search(
        r"File to edit: (?:\.\./)+(nbs/\w+\.ipynb)", module.read_text(encoding="utf-8")
    )
    return ROOT / source[1] if source else None


def name_of(module: Path) -> str:
    """A module's name within the package, as proofs.kernel."""
    return ".".join(module.relative_to(PACKAGE).with_suffix("").parts)


# By notebook; the modules that no notebook exports are the last.
PACKAGE = ROOT / "ddpm_course"
MODULES = sorted(
    [path for path in PACKAGE.rglob("[a-z]*.py") if "notebooks" not in path.parts],
    key=lambda path: (str(notebook_of(path)), path),
)


def classes(module: Path) -> list[str]:
    return [
        node.name
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]


# Classes of one name in two modules: what stands in a signature could mean either, so it is no link.
AMBIGUOUS = {
    name
    for name, count in Counter(name for m in MODULES for name in classes(m)).items()
    if count > 1
}


def title(notebook: Path) -> str:
    return nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0].lstrip("# ")


def block(head: str, content: str) -> str:
    """A directive of Sphinx; options stand in the first lines of its content."""
    fence = max([*re.findall("`{3,}", content), "``"], key=len) + "`"
    return f"{fence}{head}\n{content}\n{fence}"


def anchor(number: str) -> str:
    return "eq-" + number.replace(".", "-").lower()


def linked(markdown: str, folder: str = "nbs") -> str:
    """Numbers of equations become links; links to files, relative to folder, lead into the site."""

    def link(token: re.Match) -> str:
        number = token["linked"] or token["cited"]
        if token["kept"]:
            return token["kept"]
        if token["file"]:
            return f"]({place(posixpath.normpath(posixpath.join(folder, token['file'])))})"
        if number not in EQUATIONS:
            raise ValueError(f"({number}) is cited, and no checked equation has this number")
        return f"[({number})](#{anchor(number)})"

    return TOKEN.sub(link, markdown)


def place(path: str) -> str:
    """Where a file of the repository is on the site: some have pages, the others are copied."""
    if re.fullmatch(r"nbs/[\w/]+\.ipynb", path):
        return f"/{page_of(ROOT / path)}.md"
    return "/" + path if re.fullmatch(r"(bench/)?\w+\.md", path) else copy(path)


def copy(path: str) -> str:
    """Put a file of the repository among the pages, for a picture or a download."""
    (PAGES / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / path, PAGES / path)
    return "/" + path


def equation(shown: Equation, first: bool, code: list[str]) -> str:
    """A formula beside its number and its mark; the first of this number is what links lead to.

    The mark opens what the formula rests on, its reach, its source, and how it was proved.
    """
    target = f"({anchor(shown.number)})=\n" * first
    head = (
        f"<details class='mark'><summary aria-label='Equation {shown.number}, {shown.verdict}' "
        f"title='{shown.verdict}'>({shown.number})<sup>{MARKS[shown.verdict]}</sup></summary><div>"
    )
    changed = box(
        equation=shown.number,
        notebook=shown.chapter.stem,
        latex=shown.latex,
        fixed=FIXED.get(shown.verdict, ""),
    )
    end = raw(f"{changed}</div></details>")
    parts = [formula(shown.latex), raw(head), linked(shown.line), *code, end]
    return target + block("{container} equation", "\n\n".join(parts))


def formula(latex: str) -> str:
    """A formula of its own line, without a number of Sphinx's."""
    return block("{math}", f":no-wrap:\n\n\\[{latex}\\]")


def raw(html: str) -> str:
    return block("{raw} html", html)


def box(**about: str) -> str:
    """Where prove.js puts a box to type into, and what it needs to know for that."""
    data = "".join(f' data-{name}="{html.escape(value)}"' for name, value in about.items())
    return f"<div class='prove'{data}></div>"


def remark(text: str) -> str:
    """The small line below a formula or a claim."""
    return block("{container} remark", text)


def figure_number(path: Path, count: int) -> str:
    """ "Figure 3.1." for the first of 03_posterior, "Figure S3.1." in its solutions."""
    if not path.stem[0].isdigit():
        return ""
    chapter = str(int(path.stem[:2]))
    return f"**Figure {'S' * (path.parent != NBS)}{chapter}.{count}.** "


def figure(cell: NotebookNode, data: NotebookNode, number: str, caption: str, folder: str) -> str:
    """A picture; its caption, without TeX's marks, is the alternative text.

    One with sliders is HTML, whose pictures have a text of their own.
    """
    caption = caption[0].upper() + caption[1:]
    words = " ".join(re.sub(r"[$\\{}]", " ", caption).split())
    caption = number + linked(caption, folder)
    kind = "pixels" if PIXELS.search(cell.source) else "lines"
    if "text/html" in data:
        shown = block(f"{{container}} {kind}", block("{raw} html", data["text/html"]))
        return "\n\n".join([shown, block("{container} caption", caption)])
    return picture(base64.b64decode(data["image/png"]), cell.id, words, caption, kind)


def picture(png: bytes, name: str, words: str, caption: str = "", kind: str = "pixels") -> str:
    """A picture with its alternative text; one that moves has its still beside it."""
    options = f":alt: {words}\n:class: {kind}"
    path, opened = f"images/{name}.png", Image.open(io.BytesIO(png))
    (PAGES / path).write_bytes(png)
    if not getattr(opened, "is_animated", False):
        return block(f"{{figure}} /{path}", f"{options}\n\n{caption}")
    still = f"images/{name}-still.png"
    opened.save(PAGES / still)
    return block(
        "{container} moving",
        "\n\n".join(
            [
                block(f"{{image}} /{path}", options),
                raw("<label><input type='checkbox'> show the last picture only</label>"),
                block(f"{{figure}} /{still}", f"{options}\n\n{caption}"),
            ]
        ),
    )


def with_pictures(markdown: str) -> str:
    """The pictures of nbs/images that a text shows, each a line of its own, as `picture`."""
    return PICTURE.sub(
        lambda shown: picture((NBS / shown[2]).read_bytes(), Path(shown[2]).stem, shown[1]),
        markdown,
    )


def source(cell: NotebookNode) -> str:
    """The source of a cell; what it exports is linked to from the reference."""
    label = f"(cell-{cell.id})=\n" * bool({"export", "exporti"} & directives(cell))
    return label + block("{code-block} python", shown_source(cell))


def exercise(number: str) -> str:
    """A box for what can be typed; then the hints and the answer, each folded, and shown after the last."""
    kind, hints = EXERCISES[number].kind, EXERCISES[number].hints
    parts = [
        f"<details class='source'>\n<summary>hint {step} to {number}</summary>\n\n{linked(hint)}\n\n</details>"
        for step, hint in enumerate(hints, 1)
    ]
    folded = block("{container} hints", "\n\n".join([*parts, answer(number)]))
    if not isinstance(kind, Hole | Line | First):
        return folded
    example = str(ast.literal_eval(kind.example))
    return f"{raw(box(exercise=number, example=example))}\n\n{folded}"


def solved(number: str) -> tuple[list[NotebookNode], str]:
    """The cells that give the right answer, from the solutions, and what is said to it."""
    path = NBS / f"solutions/{solutions_of(number)}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    heading = f"## Exercise {number}"
    begin = next(i for i, cell in enumerate(cells) if heading in cell.source.splitlines()[:1])
    asked = re.compile(rf'check_answer\(\s*"{number}"')
    last = next(i for i in range(begin, len(cells)) if asked.match(cells[i].source))
    written = [
        cell for cell in cells[last - 1 : last + 1] if cell.source.startswith(("def ", "check"))
    ]
    reply = next(output for output in cells[last].outputs if "data" in output)
    return written, reply.data["text/markdown"]


def solutions_of(number: str) -> str:
    """The notebook that solves an exercise."""
    return f"{int(number.split('.')[0]):02}_solutions"


def answer(number: str) -> str:
    """The right answer and what is said to it, folded; it leads to the way there."""
    written, reply = solved(number)
    parts = [
        f"<details class='source'>\n<summary>answer to {number}</summary>",
        *map(source, written),
        f"{linked(reply)} · [worked out](/solutions/{solutions_of(number)}.md)",
        "</details>",
    ]
    return "\n\n".join(parts)


def chapter(path: Path) -> str:
    """A notebook as a page. A second title begins an appendix, a level deeper."""
    cells = nbformat.read(path, as_version=4).cells
    waiting = {number for number, shown in EQUATIONS.items() if shown.chapter == path}
    parts, appendix, drawn, figures, asked = [], False, False, 0, ""
    folder = path.parent.relative_to(ROOT).as_posix()

    def checked(number: str, code: list[str]) -> str:
        first = number in waiting
        waiting.discard(number)
        return equation(EQUATIONS[number], first, code)

    for cell, following in zip(cells, [*cells[1:], None]):
        if asked and f'"{asked}"' not in cell.source:
            parts.append(exercise(asked))
            asked = ""
        if cell.cell_type == "markdown":
            if begins := ASKED.match(cell.source):
                asked = begins[1]
            text = shown_source(cell)
            text = with_pictures(FIGURE.sub("", text) if drawn else text)
            text = linked(text, folder)
            drawn = False
            appendix = appendix or bool(parts and re.search(r"^# ", text, re.M))
            parts.append(re.sub(r"^#", "##", text, flags=re.M) if appendix else text)
            continue
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        code = [source(cell)] if shown_source(cell) else []
        if not folded:
            parts += code
        for output in shown_outputs(cell):
            data = output.get("data", {})
            if "image/png" in data:
                figures += 1
                caption = FIGURE.match(following.source if following else "")
                assert caption, f"{path.name}: a figure has no caption below it"
                number = figure_number(path, figures)
                parts.append(figure(cell, data, number, caption[1], folder))
                drawn = True
            elif MIME in data:
                parts.append(checked(data[MIME]["number"], code if folded else []))
                code = code if not folded else []
            elif "text/markdown" in data:
                text = data["text/markdown"]
                text = TAGGED.sub(lambda shown: formula(shown[1]), text)
                parts.append(linked(REMARK.sub(lambda line: remark(linked(line[1])), text), folder))
            else:
                text = output.get("text") or data["text/plain"]
                parts.append(block("{code-block} text", f":class: output\n\n{text.rstrip()}"))
        if folded and code:
            if parts[-1] != END_OF_SOURCE:
                parts += ["<details class='source'>\n<summary>source</summary>", END_OF_SOURCE]
            parts[-1:-1] = code
    heading, _, text = parts[0].partition("\n")
    module = next((name_of(m) for m in MODULES if notebook_of(m) == path), None)
    links = [f"[Download this notebook]({copy(path.relative_to(ROOT).as_posix())})"]
    links += [f"[Reference of `{module}`](/api/{module}.md)"] if module else []
    if path in CHAPTERS and in_colab(path):
        links += [f"[Open in Colab]({in_colab(path)})", first_cell_in_colab()]
    parts[0] = f"{heading}\n\n{block('{container} links', ' · '.join(links))}\n{text}"
    return "\n\n".join(parts) + "\n"


def described(docstring: str) -> str:
    """A docstring as Markdown: plain text but for its `names`, and numbers of equations."""
    parts = re.split(r"(`[^`]*`)", docstring)
    parts[::2] = [re.sub(r"([\\*_\[\]<>$|{}])", r"\\\1", part) for part in parts[::2]]
    return linked("".join(parts))


def listed_values(node: ast.stmt) -> tuple[str, str] | None:
    """What a statement calls the values that an argument may have, as in WEIGHTINGS; and these."""
    match node:
        case ast.Assign(targets=[ast.Name(name)], value=ast.Tuple(parts) as values):
            if name.isupper() and name[0] != "_":
                if all(isinstance(part, ast.Constant) for part in parts):
                    return name, ast.unparse(values)
    return None


class Reference:
    """One page of the reference: what a module says of its public functions and classes."""

    def __init__(self, module: Path):
        self.module, self.notebook = name_of(module), notebook_of(module)
        self.lines = module.read_text(encoding="utf-8").splitlines()
        self.tree = ast.parse("\n".join(self.lines))

    def page(self) -> str:
        origin = (
            f"[Chapter {title(self.notebook)}](/{self.notebook.stem}.md) makes this module."
            if self.notebook
            else "Written by hand, for all chapters."
        )
        parts = [f"# {self.module}", origin]
        if docstring := ast.get_docstring(self.tree):
            parts.append(described(docstring))
        return "\n\n".join([*parts, *self.entries(self.tree, "")]) + "\n"

    def entries(self, tree: ast.Module | ast.ClassDef, owner: str) -> list[str]:
        found = []
        for node in tree.body:
            if not owner and (listed := listed_values(node)):
                name, values = listed
                found.append(
                    block(
                        f"{{py:data}} {name}",
                        "\n".join(
                            [
                                f":module: ddpm_course.{self.module}",
                                f":value: {values}",
                            ]
                        ),
                    )
                )
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if about := ast.get_docstring(node):
                found.append(self.entry(node, about, owner))
                if isinstance(node, ast.ClassDef):
                    found += self.entries(node, f"{node.name}.")
        return found

    def entry(self, node: ast.FunctionDef | ast.ClassDef, about: str, owner: str) -> str:
        """Signature, docstring, fields of a class, and a link to the cell in the chapter."""
        marks = {ast.unparse(mark) for mark in node.decorator_list}
        options = [f":module: ddpm_course.{self.module}"]
        content = [described(about)]
        if isinstance(node, ast.ClassDef):
            kind, signature = "class", ""
            options += [":no-index:"] * (node.name in AMBIGUOUS)
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    signature = f"({arguments(method, bound=True)})"
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
            if fields:
                shown = "\n".join(self.lines[fields[0].lineno - 1 : fields[-1].end_lineno])
                content.append(f"```python\n{textwrap.dedent(shown)}\n```")
        elif marks & {"property", "cached_property"}:
            kind, signature = "property", ""
        else:
            kind = "method" if owner else "function"
            bound = bool(owner) and "staticmethod" not in marks
            signature = f"({arguments(node, bound)})"
            if node.returns:
                signature += " -> " + ast.unparse(node.returns).strip("'")
            options += [f":{mark}:" for mark in marks & {"classmethod", "staticmethod"}]
        if self.notebook:
            cells = [match[1] for line in self.lines[: node.lineno] if (match := CELL.match(line))]
            content.append(remark(f"[In chapter {self.notebook.stem[:2]}](#cell-{cells[-1]})"))
        body = "\n\n".join(["\n".join(options), *content])
        return block(f"{{py:{kind}}} {owner}{node.name}{signature}", body)


def arguments(function: ast.FunctionDef, bound: bool) -> str:
    """The arguments as written; a bound method's without the first."""
    if bound:
        del function.args.args[0]
    return ast.unparse(function.args)


def listed(shown: Equation) -> str:
    """A formula above its line, whose number leads into the chapter."""
    return f"{formula(shown.latex)}\n\n{remark(linked(f'({shown.number}) {shown.line}'))}"


def equations_page() -> str:
    """Every checked equation by chapter, below a table of verdicts."""
    chapters = {path: [e for e in EQUATIONS.values() if e.chapter == path] for path in CHAPTERS}
    chapters = {path: shown for path, shown in chapters.items() if shown}
    rows = []
    for path, shown in chapters.items():
        counts = Counter(e.verdict for e in shown)
        numbers = " | ".join(str(counts[verdict]) for verdict in MARKS)
        rows.append(f"| [{title(path)}](/{page_of(path)}.md) | {numbers} |")
    parts = [
        "# Every checked equation",
        "The number below a formula leads to its place in the chapter. After the verdict stand "
        "the equations that it rests on, its reach, and its source.",
        "\n".join([f"| chapter | {' | '.join(MARKS)} |", "|---" * (1 + len(MARKS)) + "|", *rows]),
    ]
    for path, shown in chapters.items():
        parts += [f"## {title(path)}", *map(listed, shown)]
    return "\n\n".join(parts) + "\n"


def contents(caption: str, names: list[str]) -> str:
    return block("{toctree}", "\n".join([":hidden:", f":caption: {caption}", "", *names]))


def write(name: str, text: str) -> None:
    path = PAGES / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    shutil.rmtree(PAGES, ignore_errors=True)
    (PAGES / "images").mkdir(parents=True)
    for path in CHAPTERS:
        write(page_of(path), chapter(path))
    for module in MODULES:
        write(f"api/{name_of(module)}", Reference(module).page())
    reports = sorted((ROOT / "bench").glob("*.md"))
    for report in reports:
        write(f"bench/{report.stem}", linked(report.read_text(encoding="utf-8"), "bench"))
    others = [f"bench/{report.stem}" for report in reports if report.stem != "check_all"]
    write("CONTRIBUTING", linked((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), ""))
    parts = ["exact_world", *(["network"] if (ROOT / "build/network").exists() else [])]
    texts = [(ROOT / f"book/{part}.md").read_text(encoding="utf-8") for part in parts]
    write("playground", "\n".join(["# Playground\n", *texts]))
    write("equations", equations_page())
    # What proves and checks comes last: whoever trains a model has no use for it.
    names = sorted(map(name_of, MODULES), key=lambda name: name.startswith("proofs"))
    write(
        "api",
        "# Reference\n\nWhat the modules export, in reading order; what proves formulas "
        "and checks exercises comes last.\n\n"
        + block("{toctree}", "\n".join(f"api/{name}" for name in names)),
    )
    for name in ABOUT:
        write(name, chapter(NBS / f"{name}.ipynb"))
    front = chapter(NBS / "index.ipynb")
    write(
        "index",
        "\n\n".join(
            [
                front,
                contents("Start", ABOUT),
                contents("Chapters", [path.stem for path in CHAPTERS if path.parent == NBS]),
                contents("Solutions", [page_of(path) for path in CHAPTERS if path.parent != NBS]),
                contents("Look up", ["playground", "equations", "api", "CONTRIBUTING"]),
                contents("Measured", ["Status: the last full run <bench/check_all>", *others]),
            ]
        )
        + "\n",
    )
