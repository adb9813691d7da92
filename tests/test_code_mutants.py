"""The tool that breaks the code: what it changes, what it leaves alone, and what it reports."""

import ast
import subprocess
import sys

import pytest
from code_mutants import (
    PROOFS,
    RUNS,
    TESTS,
    Mutant,
    another_output,
    changed,
    control,
    fingerprint,
    mutants,
    source,
    tried,
    with_proofs,
)
from notebooks import ROOT
from test_repository import CHAPTERS


@pytest.mark.parametrize(
    "before, after",
    [
        ("a + b", {"a - b"}),
        ("a ** b", {"a * b"}),
        ("a < b", {"a <= b"}),
        ("a == b", {"a != b"}),
        ("-a", {"a"}),
        ("not a", {"a"}),
        ("a and b", {"a or b"}),
        ("True", {"False"}),
        ("2", {"3"}),
        ("0.5", {"1.5"}),
        ("a if b else c", {"a", "c"}),
        ("'text'", set()),
        ("None", set()),
    ],
)
def test_small_changes(before, after):
    node = ast.parse(before, mode="eval").body
    assert {ast.unparse(new) for new in changed(node)} == after


@pytest.mark.parametrize(
    "before, after",
    [
        ("check(a)", "pass"),
        ("if a:\n    b()", "if False:\n    b()"),
        ("return a.sum(1)", "return a"),
    ],
)
def test_changed_statements(before, after):
    (node,) = ast.parse(before).body
    assert after in {ast.unparse(new) for new in changed(node)}


def promises(source: str) -> list[str | None]:
    """The signatures and docstrings of a module's functions."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    annotations = [argument.annotation for node in functions for argument in node.args.args]
    return [ast.unparse(annotation) for annotation in annotations if annotation] + [
        ast.get_docstring(node) for node in functions
    ]


@pytest.mark.parametrize(
    "module, size",
    [(module, 8) for module in (*TESTS, "proofs.kernel")]
    + [pytest.param(module, None, marks=pytest.mark.slow) for module in TESTS],
)
def test_a_mutant_is_another_module_with_the_same_promises(module, size):
    original = ast.unparse(ast.parse(source(module)))
    found = mutants(module, size)
    assert len(found) >= 8 and mutants(module, size) == found
    assert original not in {mutant.source for mutant in found}
    assert all(promises(mutant.source) == promises(original) for mutant in found)
    assert all(mutant.before != mutant.after and mutant.tests for mutant in found)


def test_the_derivation_is_broken_in_all_its_chapters():
    assert TESTS.keys() == {*CHAPTERS}


def test_the_prover_is_broken_in_all_its_modules():
    there = {f"proofs.{path.stem}" for path in (ROOT / "ddpm_course/proofs").glob("*.py")}
    assert PROOFS.keys() == there - {"proofs.__init__"}
    assert all(mutants(module, 1) for module in PROOFS)


@pytest.mark.slow
def test_what_is_broken_is_killed_and_what_is_right_survives():
    def mutant(source):
        return Mutant("forward", 0, "", "", source, ("tests/test_forward.py",))

    text = source("forward")
    right, wrong = mutant(text), mutant(text.replace("sqrt()", "abs()"))
    unreadable = mutant(text.replace("def q_sample", "def another"))
    unfinished = mutant(text + "\nnobody_knows_this\n")
    assert tried([right, wrong, unreadable, unfinished]) == {
        right: "survived",
        wrong: "killed",
        unreadable: "not collected",
        unfinished: "does not import",
    }
    assert control(["forward"]) == {"forward": "survived"}


@pytest.mark.slow
def test_the_command_writes_its_table():
    command = [sys.executable, "tools/code_mutants.py", "forward"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| forward |" in done.stdout and "Unchanged, all pass." in done.stdout


@pytest.mark.slow
def test_a_wrong_kernel_is_noticed():
    text = source("proofs.gaussians")
    wrong = Mutant(
        "proofs.gaussians",
        0,
        "",
        "",
        text.replace("A**2 * p.variance", "A * p.variance"),
        ("tests/test_proofs.py",),
    )
    assert wrong.source != text and tried([wrong]) == {wrong: "killed"}


@pytest.mark.slow
def test_a_notebook_notices_a_wrong_kernel_and_agrees_with_the_right_one():
    (notebook,) = (path for path in with_proofs() if path.stem == "02_closed_form")
    text = source("proofs.gaussians")
    wrong = text.replace("A**2 * p.variance", "A * p.variance")
    noticed = {
        there: another_output(Mutant("proofs.gaussians", 0, "", "", there, ()), [notebook])
        for there in (text, wrong)
    }
    assert noticed == {text: False, wrong: True}


@pytest.mark.slow
def test_the_stored_result_is_of_the_modules_as_they_are():
    stored = (ROOT / "bench/code_mutants.md").read_text()
    for part in TESTS, RUNS, PROOFS:
        assert fingerprint(part) in stored, "run make mutants"
