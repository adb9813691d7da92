"""What runs elsewhere: the workflows name the commands that are here, and the form asks what helps."""

import re
import tomllib

import pytest
import yaml
from notebooks import ROOT

WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def steps(name: str) -> list[dict]:
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job.get("steps", ())]


def commands(name: str) -> list[str]:
    return [line for step in steps(name) for line in step.get("run", "").splitlines()]


def test_there_are_three():
    assert list(WORKFLOWS) == ["release", "site", "test"]
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_called_is_in_the_makefile(name):
    for target in re.findall(r"^make ([\w-]+)$", "\n".join(commands(name)), re.M):
        assert re.search(rf"^{target}:.*## ", MAKEFILE, re.M)


def test_the_commands_of_the_readme_are_run_on_the_systems_that_it_names():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.findall(r"^(make \w+) +# ", text, re.M)
    assert said and [line for line in commands("test") if line.startswith("make ")] == said
    matrix = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]
    assert f"You need Python {matrix['python'][0]} or later and `make`, on Linux or macOS" in text
    assert [system.partition("-")[0] for system in matrix["system"]] == ["ubuntu", "macos"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    minors = [int(version.removeprefix("3.")) for version in matrix["python"]]
    assert minors == [*range(11, 15)]


def test_the_site_that_is_shown_is_the_one_that_is_built():
    (shown,) = (step for step in steps("site") if "upload-pages" in step.get("uses", ""))
    assert "make book" in commands("site") and f"site in {shown['with']['path']} " in MAKEFILE


def test_a_release_is_tested_and_carries_the_notebooks():
    jobs = WORKFLOWS["release"]["jobs"]
    assert jobs["publish"]["needs"] == ["test", "build"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in WORKFLOWS["test"][True]  # YAML takes the word on for a truth value
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    text = "\n".join(commands("release"))
    assert "ddpm_course/notebooks/" in text and f"dist/{PROJECT['name']}-" in text


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_of_strangers_runs_and_no_address_is_named(name):
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used and all(re.match(r"(actions|pypa)/[\w-]+@", action) for action in used)
    assert "://" not in (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")


def test_a_report_on_the_mathematics_has_a_number_and_a_counterexample():
    path = ROOT / ".github/ISSUE_TEMPLATE/mathematics.yml"
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    needed = {each["id"] for each in form["body"] if each["validations"]["required"]}
    assert needed == {"equation", "counterexample"} and form["name"] and form["description"]
    assert "://" not in path.read_text(encoding="utf-8")
