"""The bug museum: each defect that chapter 91 shows is put into our code, and its test fails."""

import re
import tomllib

import nbformat
import pytest
from code_mutants import Mutant, tried
from notebooks import NBS, ROOT

EXHIBITS = tomllib.loads((ROOT / "tests/museum.toml").read_text(encoding="utf-8"))["exhibit"]
CAUGHT = re.compile(r"Caught here by `([^`]+)`\.$", re.MULTILINE)


each_exhibit = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit["name"])


def source(module: str) -> str:
    return (ROOT / f"ddpm_course/{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def rooms() -> dict[str, str]:
    """What the chapter says about each exhibit."""
    cells = nbformat.read(NBS / "91_bug_museum.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    parts = (part.split("\n", 1) for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:])
    return {name: re.split(r"^## ", rest, flags=re.MULTILINE)[0] for name, rest in parts}


@pytest.fixture(scope="module")
def outcomes():
    """What the named tests say of the package as it is, under None, and with each defect."""
    tests = tuple(exhibit["test"] for exhibit in EXHIBITS)
    mutants = {None: Mutant("schedule", 0, "", "", source("schedule"), tests)}
    for exhibit in EXHIBITS:
        module, before, after = (exhibit[key] for key in ("module", "before", "after"))
        broken = source(module).replace(before, after)
        mutants[exhibit["name"]] = Mutant(module, 0, before, after, broken, (exhibit["test"],))
    found = tried([*mutants.values()])
    return {name: found[mutant] for name, mutant in mutants.items()}


def test_the_chapter_shows_what_is_listed():
    assert list(rooms()) == [exhibit["name"] for exhibit in EXHIBITS]


@each_exhibit
def test_the_defect_has_its_place(exhibit):
    assert source(exhibit["module"]).count(exhibit["before"]) == 1
    assert CAUGHT.findall(rooms()[exhibit["name"]]) == [exhibit["test"]]


@pytest.mark.slow
def test_unbroken_code_passes(outcomes):
    assert outcomes[None] == "survived"


@pytest.mark.slow
@each_exhibit
def test_the_named_test_catches_it(exhibit, outcomes):
    assert outcomes[exhibit["name"]] == "killed"
