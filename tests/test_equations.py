"""What stands on the page was checked: no formula of the course goes around the checking tool."""

import ast
import re
from itertools import combinations
from typing import NamedTuple

import nbformat
import pytest
from nbformat import NotebookNode

from ddpm_course.algebra import tokens
from notebooks import NBS

CHAPTERS = [*sorted(NBS.glob("[0-9][0-9]_*.ipynb")), *sorted(NBS.glob("solutions/*.ipynb"))]
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

DISPLAY = re.compile(r"\$\$|\\\[|\\begin\{(?:equation|align|gather|multline|eqnarray)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
INLINE = re.compile(r"(?<!\\)\$([^$]+)\$")
CITED = re.compile(r"\((\d+(?:\.\d+)+)\)")

RELATIONS = {"=", ":=", "<", ">", r"\law", r"\approx", r"\propto", r"\sim",
             r"\le", r"\leq", r"\ge", r"\geq"}
SYMBOL = r"[\\A-Za-z{][\\A-Za-z{}_^-]*[0-9]*[A-Za-z_{}]*"
NUMBER = (r"-?(?:\d[\d.,]*(?:/\d+)?|T(?:-1)?|S|\\infty|\\pi|\\frac\{?\d+\}?\{?\d+\}?|\\[lc]?dots|\.\.\.)"
          r"(?:\^\{?-?\d+\}?|\\cdot\d+|\\times\d+)*")
RELATION = r"(?:=|<|>|\\approx|\\leq?|\\geq?)"
VALUE = re.compile(rf"(?:{NUMBER}{RELATION})?{SYMBOL}(?:,{SYMBOL})*"
                   rf"(?:{RELATION}{NUMBER}(?:,{NUMBER})*)+")


class Equation(NamedTuple):
    number: str
    latex: str
    cell: NotebookNode


def cells(path, kind: str) -> list[NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def equations(path) -> list[Equation]:
    """What a notebook's cells define, prove or cite, as it is written there."""
    found = []
    for cell in cells(path, "code"):
        for statement in ast.parse(cell.source).body:
            call = getattr(statement, "value", None)
            name = getattr(getattr(call, "func", None), "id", "")
            if isinstance(statement, ast.Expr) and name in ("eq", "define", "cite"):
                found.append(Equation(*map(ast.literal_eval, call.args[:2]), cell))
    return found


def paragraphs(path) -> list[str]:
    """The prose, without code."""
    return [part for cell in cells(path, "markdown")
            for part in re.split(r"\n\s*\n", CODE.sub("", cell.source))]


def parts(formula: list[str]) -> list[list[str]]:
    """Sides and relation signs, alternately; a sign within braces belongs to its side."""
    result, depth = [[]], 0
    for token in formula:
        depth += {"{": 1, "}": -1}.get(token, 0)
        if token in RELATIONS and not depth:
            result += [[token], []]
        else:
            result[-1].append(token)
    return result


def pieces(latex: str):
    """Every `side relation side ...` within a formula."""
    sides = parts(tokens(latex))
    for start, end in combinations(range(0, len(sides), 2), 2):
        yield tuple(sum(sides[start:end + 1], []))


KNOWN = {equation.number: equation for path in CHAPTERS for equation in equations(path)}
CHECKED = {piece for equation in KNOWN.values() for piece in pieces(equation.latex)}


def is_value(formula: list[str]) -> bool:
    """A symbol and numbers, as T = 1000 or t = 1, ..., T."""
    return bool(VALUE.fullmatch("".join(formula)))


@each_chapter
def test_no_display_is_typed(path):
    assert not [text for text in paragraphs(path) if DISPLAY.search(text)]


@each_chapter
def test_formulas_in_the_prose_are_checked_or_cite(path):
    unchecked = []
    for text in paragraphs(path):
        if any(number in KNOWN for number in CITED.findall(text)):
            continue
        for latex in INLINE.findall(text):
            formula = tokens(latex.rstrip(".,; "))
            if len(parts(formula)) > 1 and not is_value(formula) and tuple(formula) not in CHECKED:
                unchecked.append(" ".join(latex.split()))
    assert not unchecked


@each_chapter
def test_cited_numbers_exist(path):
    cited = {number for text in paragraphs(path) for number in CITED.findall(text)}
    assert cited <= set(KNOWN)


@each_chapter
def test_numbers_are_the_chapters_and_used_once(path):
    numbers = [equation.number for equation in equations(path)]
    assert len(set(numbers)) == len(numbers)
    assert all(number.split(".")[0] == str(int(path.stem[:2])) for number in numbers)


@each_chapter
def test_equations_are_displayed_with_their_verdict(path):
    for number, latex, cell in equations(path):
        shown = [output.data["text/markdown"] for output in cell.outputs if "data" in output]
        assert len(shown) == 1, number
        assert shown[0].startswith(f"$$\n{latex} \\tag{{{number}}}\n$$\n"), number
        assert re.search(rf"\({number}\) \*\*(definition|derived|numeric|cited)\*\*", shown[0]), number


@pytest.mark.parametrize("latex", [
    "T = 1000", r"t = 1, \dots, T", r"1 \le t \le T", r"\bar\alpha_T \approx 4\cdot10^{-5}",
    r"\tilde\beta_1 = 0", r"\alpha = \frac12", "x_0, x_1 = 0"])
def test_values_need_no_proof(latex):
    assert is_value(tokens(latex))


@pytest.mark.parametrize("latex", [
    r"\beta_t = 1-\alpha_t", r"\sigma_t^2 = \beta_t", r"x_t \sim q(x_t\mid x_0)", "a = b", "w = 2a"])
def test_formulas_are_no_values(latex):
    assert not is_value(tokens(latex))


def test_a_piece_of_a_checked_formula_may_be_repeated():
    latex = r"\begin{aligned}a_t &= \sum_{k=0}^{t}b_k \\ &= \left(c+d\right) \le e\end{aligned}"
    found = {"".join(piece) for piece in pieces(latex)}
    assert found == {r"a_t=\sum_{k=0}^{t}b_k", r"\sum_{k=0}^{t}b_k=(c+d)", r"(c+d)\lee",
                     r"a_t=\sum_{k=0}^{t}b_k=(c+d)", r"\sum_{k=0}^{t}b_k=(c+d)\lee",
                     r"a_t=\sum_{k=0}^{t}b_k=(c+d)\lee"}
