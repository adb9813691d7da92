"""What is on the slides and on the cheat sheet: taken from the chapters, with no text of its own.

A deck is a double hour of the plan in nbs/teaching.ipynb. Its slides are the figures, equations,
and exercises of the chapters that the plan names, in their order. The last paragraph above an
equation stands beside it; what else the chapter says goes into the notes of the speaker. The sheet
holds the equations that the chapters cite under "In one page".
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from notebooks import NBS, chapters, code_cells
from pages import ASKED, EQUATIONS, FIGURE, NUMBER, Equation, solved, title

from ddpm_course.proofs.display import MIME
from ddpm_course.proofs.workbook import hint

ON_A_SLIDE = 400  # signs of a text, at least one sentence; each row of a formula takes the place of
A_ROW = 60
BELOW_A_FIGURE = 220
ROWS = 10  # of a table
FOR_HOME = "derive", "extend", "fill in"  # the teaching page says which exercises are

APART = re.compile(r"\n{2,}(?![ \t])")  # between two blocks of a text
FOLDED = re.compile(r"<details><summary>(.*?)</summary>\n*(.*?)\n*</details>", re.S)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z*$`(])")
LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
SUMMARY = "In one page"
COMMAND = re.compile(
    r"[A-Za-z]_\{[A-Za-z]{2,}\}|\\(?:operatorname|math\w+|begin|end)\s*(?:\{\w+\}|\w)|\\[A-Za-z]+"
)
INDEX = re.compile(r"_(?:t|k|\{t,s\})$")  # a letter that has one stands for many


@dataclass
class Slide:
    """One of: an equation, a figure, an exercise, a table, or text alone."""

    chapter: str
    heading: str
    text: str = ""
    equation: Equation | None = None
    figure: str = ""  # its number, as "3.1"
    caption: str = ""
    exercise: str = ""
    reason: str = ""  # by which rules, where the cell names them
    letters: list[tuple[str, str]] = field(default_factory=list)  # shown here for the first time
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deck:
    """The slides of a double hour, by chapter and by section within it."""

    number: int
    plan: str
    stacks: list[list[Slide]]

    @property
    def slides(self) -> list[Slide]:
        return [slide for stack in self.stacks for slide in stack]


def decks() -> list[Deck]:
    """One for each double hour of the longer plan."""
    text = next(
        cell.source
        for cell in nbformat.read(NBS / "teaching.ipynb", as_version=4).cells
        if cell.source.startswith("## A plan")
    )
    found = []
    for number, plan in re.findall(r"^(\d+)\. (.*)$", text, re.M):
        paths = [next(NBS.glob(f"{name}_*.ipynb")) for name in re.findall(r"\b\d\d\b", plan)]
        found.append(Deck(int(number), plan, [stack for path in paths for stack in stacks(path)]))
    return found


def stacks(path: Path) -> list[list[Slide]]:
    """The slides of a chapter, one list for each section; exercises for home are the last."""
    slides = Reading(path).slides
    home = [slide for slide in slides if slide.heading == "For home"]
    found: list[list[Slide]] = []
    for slide in [slide for slide in slides if slide not in home] + home:
        if not found or slide.heading not in ("", found[-1][0].heading):
            found.append([])
        found[-1].append(slide)
    return found


class Reading:
    """Goes through a chapter up to its appendix, and makes its slides."""

    def __init__(self, path: Path):
        self.path, self.name, self.heading = path, title(path), ""
        self.slides: list[Slide] = []
        self.waiting: list[str] = []  # what was said since the last slide
        self.new_section = False  # since the last slide
        self.letters: list[tuple[str, str]] = []  # declared, and not yet seen on a slide
        self.figures = 0
        cells = nbformat.read(path, as_version=4).cells
        self.head(cells[0].source)
        for cell in cells[1:]:
            if cell.cell_type == "code":
                self.code(cell)
            elif re.search(r"^# ", cell.source, re.M):
                break
            elif begins := ASKED.match(cell.source):
                self.exercise(begins[1], cell.source, begins.string[begins.end() :])
            else:
                self.markdown(cell.source)
        self.said()

    def head(self, source: str) -> None:
        parts = [plain(part) for part in APART.split(source)[1:] if not part.startswith(">")]
        aim = next(part for part in parts if "At the end" in part)
        self.slides.append(Slide(self.name, "", aim[aim.index("At the end") :], notes=parts))

    def said(self) -> None:
        """What is said after a slide, and before something else begins, are its notes."""
        self.slides[-1].notes += self.waiting
        self.waiting = []

    def add(self, text: str = "", **parts) -> None:
        if not self.new_section:
            self.said()
        slide = Slide(self.name, self.heading, text, **parts)
        slide.notes[:0] = self.waiting
        self.slides.append(slide)
        self.waiting, self.new_section = [], False

    def markdown(self, source: str) -> None:
        if (shown := FIGURE.match(source)) and self.slides[-1].figure:
            caption = plain(shown[1])
            self.slides[-1].caption = first_sentences(caption[0].upper() + caption[1:])
            self.slides[-1].notes.append(caption)
            source = source[shown.end() :]
        for name, text in FOLDED.findall(source):
            self.slides[-1].notes.append(f"**{plain(name)}** {plain(text)}")
        parts = [part for part in APART.split(FOLDED.sub("", source).strip()) if part]
        for part in parts:
            if not part.startswith("#"):
                self.waiting.append(plain(part))
                continue
            if self.new_section and self.waiting:  # the section before has no slide of its own
                self.waiting.insert(0, f"**{self.heading}.**")
            self.said()
            self.heading, self.new_section = plain(part.lstrip("# ")), True
            if self.heading == SUMMARY:
                self.add(plain("\n\n".join(parts[parts.index(part) + 1 :])))
                break

    def exercise(self, number: str, source: str, kind: str) -> None:
        hints = [str(hint(number, step)) for step in (1, 2, 3)]
        written, reply = solved(number)
        answer = [f"```python\n{cell.source}\n```" for cell in written]
        self.add(plain(source), exercise=number, notes=[*hints, *answer, reply])
        if kind.startswith(FOR_HOME):
            self.slides[-1].heading = "For home"

    def code(self, cell: NotebookNode) -> None:
        self.letters += declared(cell.source)
        asked = self.slides[-1].exercise
        for output in cell.outputs:
            data = output.get("data", {})
            markdown = data.get("text/markdown", "")
            if MIME in data:
                self.equation(EQUATIONS[data[MIME]["number"]], cell.source)
            elif "image/png" in data:
                self.figures += 1
                self.add(figure=f"{int(self.path.stem[:2])}.{self.figures}")
            elif asked and f'puzzle("{asked}")' in cell.source:
                self.slides[-1].text += "\n\n" + re.sub(r"\n\n<small>.*", "", markdown)
            elif markdown.lstrip().startswith("|"):
                for part in APART.split(markdown.strip()):
                    if part.startswith("|") and part.count("\n") <= ROWS + 1:
                        self.add(part)

    def equation(self, shown: Equation, source: str) -> None:
        above = self.waiting.pop() if self.waiting else ""
        room = ON_A_SLIDE - A_ROW * (1 + shown.latex.count(r"\\"))
        text = "" if above.startswith(("-", "|", "`")) else last_sentences(above, room)
        notes = [above] if above != text else []
        new = [(letter, said) for letter, said in self.letters if occurs(letter, shown.latex)]
        self.letters = [pair for pair in self.letters if pair not in new]
        self.add(text, equation=shown, reason=reason(source), letters=new, notes=notes)


def plain(markdown: str) -> str:
    """Links become their texts: a deck is opened without the book."""
    return LINK.sub(r"\1", markdown).strip()


def last_sentences(text: str, room: int) -> str:
    """The end of a paragraph: as many sentences as a slide has room for."""
    parts = SENTENCE.split(text)
    while len(parts) > 1 and len(" ".join(parts)) > room:
        del parts[0]
    return " ".join(parts)


def first_sentences(text: str) -> str:
    """The beginning of a caption, likewise."""
    parts = SENTENCE.split(text)
    while len(parts) > 1 and len(" ".join(parts)) > BELOW_A_FIGURE:
        del parts[-1]
    return " ".join(parts)


def declared(source: str) -> list[tuple[str, str]]:
    """The letters that a cell declares, each with its meaning."""
    found = []
    for part in (
        ast.walk(ast.parse(source)) if re.search("^(notation|process)", source, re.M) else []
    ):
        match part:
            case ast.Call(func=ast.Name("notation" | "process"), args=[letter, _, meaning, *_]):
                found.append((ast.literal_eval(letter), ast.literal_eval(meaning)))
    return found


def occurs(letter: str, latex: str) -> bool:
    """Whether a formula holds a letter, with whatever index and arguments."""
    name = letter.split("(")[0]
    text = latex if "\\" in name else COMMAND.sub(" ", latex)
    before = r"(?<![A-Za-z])" if name.startswith("\\") else ""
    if INDEX.search(name):
        return bool(
            re.search(before + re.escape(INDEX.sub("_", name)) + r"(?!\{[A-Za-z]{2})", text)
        )
    return bool(re.search(before + re.escape(name) + r"(?![A-Za-z_])", text))


def words() -> dict[str, str]:
    """What may stand after `by=`, and what is done then: the table in chapter 00."""
    cells = nbformat.read(chapters()[0], as_version=4).cells
    table = next(cell.source for cell in cells if "| word | what is done |" in cell.source)
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.M)
    return {word: done for named, done in rows for word in re.findall(r"`(\w+)`", named)}


WORDS = words()


def reason(source: str) -> str:
    """How an equation was proved, in the words that its cell chose."""
    by = [
        keyword.value
        for part in ast.walk(ast.parse(source))
        if isinstance(part, ast.Call)
        for keyword in part.keywords
        if keyword.arg == "by"
    ]
    names = [part.id for way in by for part in ast.walk(way) if isinstance(part, ast.Name)]
    chosen = dict.fromkeys(name for name in names if name in WORDS)
    return "; ".join(f"*{name}*: {WORDS[name]}" for name in chosen)


@dataclass(frozen=True)
class Group:
    """A chapter's part of the sheet: its name, and what it says of which equations."""

    chapter: str
    lines: list[tuple[str, list[Equation]]]


def sheet() -> list[Group]:
    """The chapters' own equations, as cited under "In one page"."""
    found = []
    for path in chapters():
        own = [equation for equation in EQUATIONS.values() if equation.chapter == path]
        page = [text for text in texts(path) if f"## {SUMMARY}\n" in text]
        lines, listed = [], set()
        for line in (
            re.findall(r"^- (.*)$", page[0].split(f"## {SUMMARY}\n")[1], re.M) if page else []
        ):
            shown = [e for e in cited(line, own) if e.number not in listed]
            listed |= {e.number for e in shown}
            if shown:
                lines.append((up_to_the_last_number(plain(line)), shown))
        if lines:
            found.append(Group(title(path), lines))
    return found


def up_to_the_last_number(line: str) -> str:
    """A line without the sentences that come after its last equation, on figures and functions."""
    parts = SENTENCE.split(line)
    while not re.search(rf"\({NUMBER}\)", parts[-1]):
        del parts[-1]
    return " ".join(parts)


def texts(path: Path) -> list[str]:
    return [
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]


def cited(line: str, own: list[Equation]) -> list[Equation]:
    """The equations that a line cites; of "(21.10) to (21.12)" those between them, too."""
    numbers = [e.number for e in own]
    found = []
    for first, last in re.findall(rf"\(({NUMBER})\)(?: to \(({NUMBER})\))?", line):
        if first in numbers:
            end = numbers.index(last or first)
            found += own[numbers.index(first) : end + 1]
    return found


def letters_of(groups: list[Group]) -> dict[str, str]:
    """The letters that stand on the sheet, with their meanings."""
    shown = [e.latex for group in groups for _, listed in group.lines for e in listed]
    sources = [cell.source for cell in code_cells(chapters())]
    letters = {letter: said for source in sources for letter, said in declared(source)}
    return {
        letter: said
        for letter, said in letters.items()
        if any(occurs(letter, latex) for latex in shown)
    }
