"""The decks and the cheat sheet hold what the chapters hold, to the letter."""

import ast
import re
from functools import cache

import decks
import nbformat
import pytest
from notebooks import NBS, chapters
from pages import ASKED

from ddpm_course.proofs.display import MIME

DECKS, SHEET = decks.decks(), decks.sheet()


@cache
def cells(path):
    return nbformat.read(path, as_version=4).cells


def equations(cells):
    """The number and the LaTeX of what the cells show."""
    outputs = (output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
    return [(data[MIME]["number"], data[MIME]["latex"]) for data in outputs if MIME in data]


def before_the_appendix(path):
    first, *others = cells(path)
    end = [i for i, cell in enumerate(others) if re.search("^# [A-Z]", cell.source, re.M)]
    ends = [i for i in end if others[i].cell_type == "markdown"]
    return [first, *others[: min(ends, default=len(others))]]


def paths(deck):
    return [next(NBS.glob(f"{name}_*")) for name in re.findall(r"\b\d\d\b", deck.plan)]


def test_each_double_hour_of_the_plan_has_a_deck():
    plan = next(c.source for c in cells(NBS / "teaching.ipynb") if "## A plan" in c.source)
    hours = re.findall(r"^\d+\. (.*)$", plan, re.M)
    assert [deck.plan for deck in DECKS] == hours and len(hours) == 8
    assert [deck.number for deck in DECKS] == [*range(1, 9)]


@pytest.mark.parametrize("number", [f"{number:02}" for number in range(8)])
def test_a_chapter_begins_with_the_figure_to_remember(number):
    head, figure, *_ = decks.Reading(next(NBS.glob(f"{number}_*"))).slides
    assert head.text.startswith("At the end") and figure.figure == f"{int(number)}.1"


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.number)
def test_a_deck_holds_the_equations_figures_and_exercises_of_its_chapters(deck):
    shown = [(s.equation.number, s.equation.latex) for s in deck.slides if s.equation]
    read = [cell for path in paths(deck) for cell in before_the_appendix(path)]
    assert shown == equations(read)
    pictures = sum("image/png" in o.get("data", {}) for c in read for o in c.get("outputs", []))
    assert len([s for s in deck.slides if s.figure and s.caption]) == pictures > 0
    asked = [match[1] for cell in read if (match := ASKED.match(cell.source))]
    exercises = {s.exercise: s for s in deck.slides if s.exercise}
    assert sorted(exercises) == sorted(asked)
    for slide in exercises.values():
        notes = "\n".join(slide.notes)
        assert all(f"Hint {step} ·" in notes for step in (1, 2, 3)) and "**right**" in notes


def test_each_choice_of_a_proof_is_said_on_the_slide():
    reasons = {s.equation.number: s.reason for deck in DECKS for s in deck.slides if s.equation}
    for path in {path for deck in DECKS for path in paths(deck)}:
        for cell in before_the_appendix(path):
            for number, _ in equations([cell]):
                calls = [
                    part for part in ast.walk(ast.parse(cell.source)) if isinstance(part, ast.Call)
                ]
                chosen = any(keyword.arg == "by" for call in calls for keyword in call.keywords)
                assert bool(reasons[number]) == chosen, number


def test_the_sheet_holds_what_the_chapters_name_in_one_page():
    listed = [e for group in SHEET for _, shown in group.lines for e in shown]
    book = {number: latex for path in chapters() for number, latex in equations(cells(path))}
    assert len({e.number for e in listed}) == len(listed) > 50
    for path in chapters():
        own = {number for number, _ in equations(cells(path))}
        for cell in cells(path):
            if path.stem < "30" and "## In one page" in cell.source:
                named = re.findall(r"\((\d+\.\d+[a-z]?)\)", cell.source.split("In one page")[1])
                assert own & set(named) <= {e.number for e in listed}
    assert {e.number: e.latex for e in listed}.items() <= book.items()


@pytest.mark.parametrize(
    ("letter", "latex", "there"),
    [
        ("x_t", r"\sqrt{\alpha_t}\,x_{t-1}", True),
        ("x_t", r"a^tx_0", True),
        ("x", r"x_{t-1}", False),
        (r"\alpha_t", r"\bar\alpha_t", False),
        (r"\bar\alpha_t", r"1-\bar\alpha_{t-1}", True),
        (r"\mu", r"\mu_1", False),
        ("v", r"\operatorname{Cov}[w_t]", False),
        (r"p_\theta", r"p_\theta(x_{0:T})", True),
        ("L", r"D_{KL}(q\|p)", False),
        ("L_t", r"L_{simple}(\theta)", False),
        (r"\tilde\mu_t(x_t,x_0)", r"\tilde\mu_t(x_t,x_0)-h", True),
    ],
)
def test_which_letters_stand_in_a_formula(letter, latex, there):
    assert decks.occurs(letter, latex) == there
