"""The statements of the course, each with the book before it, so that it can be said otherwise there."""

import ast
import contextlib
import copy
import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ddpm_course.proofs
from ddpm_course.proofs import Unreadable
from ddpm_course.proofs.book import Book, in_book
from ddpm_course.proofs.chapters import WORDS, chapters, is_mathematics
from ddpm_course.proofs.reader import read_relations

STATED = {"eq", "define", "assume"}  # words whose second argument is a formula

Sides = tuple[tuple, tuple]  # the trees of a formula's sides, and of the signs between them


@dataclass(frozen=True, eq=False)
class Statement:
    """One call in a chapter, such as eq(..) or process(..), with the books before and after it."""

    call: ast.Call
    before: Book
    chapter: str
    after: Book | None = None

    @property
    def book(self) -> Book:
        """The book after it, of a statement that was accepted."""
        assert self.after is not None
        return self.after

    @property
    def kind(self) -> str:
        return getattr(self.call.func, "id", "")

    @property
    def number(self) -> str:
        """Of a formula; the name of a hypothesis; empty for a notation or a process."""
        return ast.literal_eval(self.call.args[0]) if self.kind in STATED else ""

    @property
    def latex(self) -> str:
        return ast.literal_eval(self.call.args[1 if self.kind in STATED else 0])

    @property
    def start(self) -> int:
        given = {word.arg: word.value for word in self.call.keywords}
        return ast.literal_eval(given["start"]) if "start" in given else 1

    @property
    def extends(self) -> bool:
        """Whether it gives a noise its meaning: before, nobody can say if it is true."""
        return (
            self.kind == "eq" and self.book.declarations.noises != self.before.declarations.noises
        )

    def saying(self, latex: str) -> "Statement":
        """The same with another formula."""
        arguments = list(self.call.args)
        arguments[1 if self.kind in STATED else 0] = ast.Constant(latex)
        return self.calling(args=arguments)

    def calling(self, **fields) -> "Statement":
        """The same with another call, given by what changes in its tree."""
        call = copy.copy(self.call)
        vars(call).update(fields)
        return replace(self, call=call)

    def run(self, trusting: bool = False) -> Book:
        """Execute it on a copy of the book, and return that; unless trusting, prove it at once."""
        book = self.before.copy()
        book.recalling = trusting
        code = ast.fix_missing_locations(ast.Expression(self.call))
        with in_book(book):
            eval(compile(code, f"({self.number})", "eval"), dict(vars(ddpm_course.proofs)))
        return book

    def read(self, latex: str) -> Sides | None:
        """A formula in the notation of its place; None if it is unreadable."""
        with contextlib.suppress(Unreadable):
            return read_relations(latex, self.before.declarations.notation)


def calls(path: Path) -> Iterator[ast.Call]:
    """The calls in a notebook that declare, define or prove, in order."""
    text = path.read_text(encoding="utf-8")
    for cell in json.loads(text)["cells"] if "from ddpm_course.proofs import" in text else ():
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and is_mathematics(source):
            for line in ast.parse(source).body:
                call = getattr(line, "value", None)
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in WORDS:
                    yield call


def stands_on(path: Path) -> str | None:
    """The chapter that a notebook recalls at its beginning, if any."""
    sources = (
        "".join(cell["source"])
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    return next(
        (
            ast.literal_eval(call.args[0])
            for source in sources
            for call in ast.walk(ast.parse(source))
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "after"
        ),
        None,
    )


def follow(found: Iterable[ast.Call], book: Book, chapter: str) -> tuple[list[Statement], Book]:
    """The statements that these calls make after a book, and the book after them."""
    statements = []
    for call in found:
        statement = Statement(call, book, chapter)
        book = statement.run(trusting=True)
        book.recalling = False
        statements.append(replace(statement, after=book))
    return statements, book


@functools.cache
def notebooks() -> dict[str, Path]:
    """The chapters, then the solutions, by name."""
    found = chapters()
    return {
        path.stem: path for path in [*found, *sorted(found[0].parent.glob("solutions/*.ipynb"))]
    }


@functools.cache
def stated(notebook: str | None) -> tuple[list[Statement], Book]:
    """The statements of a notebook, after those that it stands on; and the book after them."""
    if notebook is None:
        return [], Book()
    path = notebooks()[notebook]
    return follow(calls(path), stated(stands_on(path))[1], notebook)


@functools.cache
def course() -> tuple[Statement, ...]:
    """What the chapters and the solutions declare, define and prove, each with the book before it."""
    found = (one for notebook in notebooks() for one in stated(notebook)[0])
    return tuple(one for one in found if one.kind != "cite")


@functools.cache
def by_number() -> dict[str, int]:
    """The place of every numbered statement of the course."""
    return {one.number: place for place, one in enumerate(course()) if one.number}
