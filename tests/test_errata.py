"""Every slip of the lecture notes is there, refuted, with the right formula and links that exist."""

import re

import nbformat
import pytest
from notebooks import NBS

from ddpm_course.proofs import NotProved, Refuted, Undefined, Unreadable, WrongRule, mix, using
from ddpm_course.proofs.book import Book, book, in_book

CELLS = nbformat.read(NBS / "90_errata.ipynb", as_version=4).cells


def shown(cell) -> str:
    """What a cell displays as text."""
    return "\n".join(
        output.data["text/markdown"]
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    )


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
TEXT = "\n".join(
    shown(cell) + (cell.source if cell.cell_type == "markdown" else "") for cell in CELLS
)

DERIVED = re.compile(
    r"\\tag\{\d+\.\d+\}\n\$\$\n\n<details>.*\n\n\*\*(?:derived\*\*|definition\*\* of a noise)"
)


def test_all_items_are_there():
    assert list(SLIPS) == list(range(1, 27))
    assert list(OMISSIONS) == list(range(1, 13))


@pytest.mark.parametrize("number", SLIPS)
def test_a_slip_is_refuted_and_the_right_formula_proved(number):
    assert re.search(rf"(printed|claim) {number}\b.* \*\*wrong\*\* · \S", SLIPS[number])
    assert DERIVED.search(SLIPS[number])


@pytest.mark.parametrize("number", OMISSIONS)
def test_an_omission_is_filled_by_an_equation(number):
    assert DERIVED.search(OMISSIONS[number])


@pytest.fixture(scope="module")
def helpers():
    """The names of the notebook, up to its first item, on a book of their own."""
    with in_book(Book()):
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
    sources = "\n".join(cell.source for cell in CELLS if cell.cell_type == "code")
    own = re.findall(r'^(?:eq|define)\(\s*"(90\.\d+)"', sources, re.M)
    assert own == ["90.1", "90.2", "90.3", "90.4"]
    assert set(re.findall(r"\((\d+\.\d+[a-z]?)\)", TEXT)) <= {*book().equations, *own}


ALPHA = r"\alpha_1"
WRONG, RIGHT = r"\bar\alpha_t = \bar\alpha_{t-1}", r"\bar\alpha_t = \alpha_t\,\bar\alpha_{t-1}"
CLOSED = r"q(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)"


@pytest.mark.parametrize(
    "latex, wrong, right, why",
    [
        (RIGHT, r"\alpha_t\,", "", "was not refuted: None"),
        (WRONG, r"= \bar", r"= 2\bar", "wrong elsewhere"),
        (r"\bar\alpha_t = y", "y", "x", "was not refuted: Unreadable"),
        (WRONG, r"\bar\alpha", r"\alpha", "does not stand there once"),
    ],
)
def test_what_is_not_refuted_is_not_shown(helpers, latex, wrong, right, why):
    equations, slips = dict(book().equations), dict(helpers["slips"])
    with pytest.raises(AssertionError, match=why):
        helpers["printed"]("1", latex, wrong, right)
    assert book().equations == equations and helpers["slips"] == slips


@pytest.mark.parametrize(
    "latex, by, error",
    [
        (r"\sum_{k=0}^{t-1}a^{2k} = \frac{1-a^{2t}}{1-a^2}", using(), NotProved),
        (CLOSED, mix("1.1", "1.1"), WrongRule),
        (r"\bar\alpha_t = y", None, Unreadable),
    ],
)
def test_a_formula_without_a_proof_is_not_refuted(helpers, latex, by, error):
    assert isinstance(helpers["attempt"](latex, by=by), error)
    for said in (error, Refuted):
        with pytest.raises(AssertionError, match=f"was not refuted: {error.__name__}"):
            helpers["printed"]("1", latex, by=by, error=said)


@pytest.mark.parametrize(
    "latex",
    [r"\bar\alpha_t^2 = \bar\alpha_t", r"\frac1{1-\bar\alpha_{t-1}} = 1", r"x_t\,x_0 = x_0"],
)
def test_an_error_of_another_kind_is_not_what_was_said(helpers, latex):
    found = type(helpers["attempt"](latex))
    for kind in {Refuted, Undefined, WrongRule} - {found}:
        with pytest.raises(AssertionError, match=f"was not refuted: {found.__name__}"):
            helpers["printed"]("1", latex, error=kind)


def test_what_is_refuted_and_mended_is_shown(helpers):
    slip = helpers["printed"]("1", WRONG, r"= \bar\alpha_{t-1}", r"= \alpha_t\,\bar\alpha_{t-1}")
    error = helpers["attempt"](WRONG)
    assert r"\tag{printed 1}" in slip._repr_markdown_()
    assert f"the sides are ${float(error.left):.4g}$ and ${float(error.right):.4g}$" in slip.line
    assert f"$\\alpha_1 = {float(error.point[ALPHA]):.4g}$" in slip.line


def test_what_has_no_value_at_the_start_is_mended_by_a_later_start(helpers):
    latex = r"\frac{1-\alpha_t}{1-\bar\alpha_{t-1}}(1-\bar\alpha_{t-1}) = 1-\alpha_t"
    slip = helpers["printed"]("1", latex, mended_start=2, error=Undefined)
    assert "is not defined at t = 1" in slip.line and "from $t = 2$ on" in slip.line


@pytest.mark.parametrize("found", [(), (("a fact", True), ("no fact", False))])
def test_a_claim_needs_facts_that_hold(helpers, found):
    with pytest.raises(AssertionError):
        helpers["claimed"](1, "words", *found)
