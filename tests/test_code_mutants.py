"""The tool that breaks the code: what it changes, what it leaves alone, and what it reports."""

import ast

import pytest

from code_mutants import TESTS, Mutant, changed, fingerprint, mutants, tried
from notebooks import ROOT


@pytest.mark.parametrize("before, after", [
    ("a + b", {"a - b"}), ("a ** b", {"a * b"}), ("a < b", {"a <= b"}), ("a == b", {"a != b"}),
    ("-a", {"a"}), ("not a", {"a"}), ("a and b", {"a or b"}), ("True", {"False"}), ("2", {"3"}),
    ("0.5", {"1.5"}), ("a if b else c", {"a", "c"}), ("'text'", set()), ("None", set())])
def test_small_changes(before, after):
    node = ast.parse(before, mode="eval").body
    assert {ast.unparse(new) for new in changed(node)} == after


@pytest.mark.parametrize("before, after", [
    ("check(a)", "pass"), ("if a:\n    b()", "if False:\n    b()"), ("return a.sum(1)", "return a")])
def test_changed_statements(before, after):
    node, = ast.parse(before).body
    assert after in {ast.unparse(new) for new in changed(node)}


def promises(source: str) -> list[str | None]:
    """The signatures and docstrings of a module's functions."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    annotations = [argument.annotation for node in functions for argument in node.args.args]
    return [ast.unparse(annotation) for annotation in annotations if annotation] + [
        ast.get_docstring(node) for node in functions]


@pytest.mark.parametrize("module", TESTS)
def test_every_mutant_is_another_module_with_the_same_promises(module):
    original = ast.unparse(ast.parse((ROOT / f"ddpm_course/{module}.py").read_text()))
    found = mutants(module)
    assert len(found) > 10 and mutants(module) == found
    assert original not in {mutant.source for mutant in found}
    assert all(promises(mutant.source) == promises(original) for mutant in found)


@pytest.mark.slow
def test_what_is_broken_is_killed_and_what_is_right_survives():
    source = (ROOT / "ddpm_course/forward.py").read_text(encoding="utf-8")

    def mutant(source):
        return Mutant("forward", 0, "", "", source, ("tests/test_forward.py",))

    right, wrong = mutant(source), mutant(source.replace("sqrt()", "abs()"))
    unreadable = mutant(source.replace("def q_sample", "def another"))
    assert tried([right, wrong, unreadable]) == {
        right: "survived", wrong: "killed", unreadable: "not collected"}


@pytest.mark.slow
def test_the_stored_result_is_of_the_modules_as_they_are():
    assert fingerprint() in (ROOT / "bench/code_mutants.md").read_text(), "run make mutants"
