"""Every slip of the lecture notes is there, refuted, with the right formula and links that exist."""

import re

import nbformat
import pytest

from ddpm_course import algebra
from notebooks import NBS

CELLS = nbformat.read(NBS / "90_errata.ipynb", as_version=4).cells


def shown(cell) -> str:
    """What a cell displays as text."""
    return "\n".join(output.data["text/markdown"] for output in cell.get("outputs", [])
                     if "text/markdown" in output.get("data", {}))


def items(heading: str) -> dict[int, str]:
    """What is displayed from each numbered heading of this kind to the next heading."""
    found, number = {}, None
    for cell in CELLS:
        for line in re.findall("^#.*", cell.source, re.M) if cell.cell_type == "markdown" else []:
            numbered = re.match(heading, line)
            number = numbered and int(numbered[1])
        if number:
            found[number] = found.get(number, "") + shown(cell) + "\n"
    return found


SLIPS, OMISSIONS = items(r"### (\d+) ·"), items(r"### Missing (\d+) ·")
TEXT = "\n".join(shown(cell) + (cell.source if cell.cell_type == "markdown" else "")
                 for cell in CELLS)


def test_all_items_are_there():
    assert list(SLIPS) == list(range(1, 24))
    assert list(OMISSIONS) == list(range(1, 13))


@pytest.mark.parametrize("number", SLIPS)
def test_a_slip_is_refuted_and_the_right_formula_proved(number):
    assert re.search(rf"(printed|claim) {number}\b.* \*\*wrong\*\* · \S", SLIPS[number])
    assert re.search(r"\(\d+\.\d+\) \*\*derived\*\*", SLIPS[number])


@pytest.mark.parametrize("number", OMISSIONS)
def test_an_omission_is_filled_by_an_equation(number):
    assert re.search(r"\(\d+\.\d+\) \*\*(definition|derived|numeric)\*\*", OMISSIONS[number])


@pytest.fixture(scope="module")
def helpers():
    """The names of the notebook, up to its first item, on a book of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(algebra, "book", algebra.Book())
        known = {"__name__": "errata"}
        for cell in CELLS:
            if cell.source.startswith("claimed("):
                break
            if cell.cell_type == "code":
                exec(cell.source, known)
        yield known


def test_links_and_cited_equations_exist(helpers):
    links = re.findall(r"\]\(([^):]+)\)", TEXT)
    assert links and [link for link in links if not (NBS / link).exists()] == []
    algebra.after("90_errata")
    assert set(re.findall(r"\((\d+\.\d+)\)", TEXT)) <= set(algebra.book.equations)


WRONG, RIGHT = r"\bar\alpha_t = \bar\alpha_{t-1}", r"\bar\alpha_t = \alpha_t\,\bar\alpha_{t-1}"


@pytest.mark.parametrize("latex, wrong, right, why", [
    (RIGHT, r"\alpha_t\,", "", "was not refuted"),
    (WRONG, r"= \bar", r"= 2\bar", "wrong elsewhere"),
    (r"\bar\alpha_t = y", "y", "x", "was not refuted: undeclared"),
    (WRONG, r"\bar\alpha", r"\alpha", "does not stand there once"),
])
def test_what_is_not_refuted_is_not_shown(helpers, latex, wrong, right, why):
    equations = dict(algebra.book.equations)
    with pytest.raises(AssertionError, match=why):
        helpers["printed"]("1", latex, wrong, right)
    assert algebra.book.equations == equations


def test_a_formula_without_a_proof_is_not_refuted(helpers):
    markov = r"q(x_t\mid x_{t-1},x_0) = q(x_t\mid x_{t-1})"
    with pytest.raises(AssertionError, match="was not refuted.*was not proved"):
        helpers["printed"]("1", markov, by=algebra.using())


def test_what_is_refuted_and_mended_is_shown(helpers):
    slip = helpers["printed"]("1", WRONG, r"= \bar\alpha_{t-1}", r"= \alpha_t\,\bar\alpha_{t-1}")
    assert r"\tag{printed 1}" in slip._repr_markdown_() and "differ by" in slip.line


@pytest.mark.parametrize("found", [(), (("a fact", True), ("no fact", False))])
def test_a_claim_needs_facts_that_hold(helpers, found):
    with pytest.raises(AssertionError):
        helpers["claimed"](1, "words", *found)
