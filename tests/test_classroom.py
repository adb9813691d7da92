"""Assignments, and the table of what came back: right answers, near misses, and hostile code."""

import csv
import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import sympy as sp
from notebooks import NBS, ROOT
from refusals import refused
from submissions import (
    FORGED,
    NEAR,
    RIGHT,
    ending,
    filled,
    hand_in,
    not_starting,
    standing_still,
    write_class,
)
from test_exercises import ANSWERS

from ddpm_course.checks import BadInput
from ddpm_course.classroom import grading
from ddpm_course.classroom.assignment import chapter_of, notebook, write_assignment
from ddpm_course.classroom.checker import is_function
from ddpm_course.classroom.grading import Grade, grade, summary, table, warm_context, write_table
from ddpm_course.classroom.remote import Limits, plan, why_no_walls
from ddpm_course.classroom.submission import calls, read_submission
from ddpm_course.classroom.wire import Stopped, decoded, encoded
from ddpm_course.cli import main, parse
from ddpm_course.proofs.workbook import EXERCISES

TABLE = ROOT / "bench/class.csv"
behind_walls = pytest.mark.skipif(bool(why_no_walls()), reason=f"no walls: {why_no_walls()}")


# --- What is handed out --------------------------------------------------------------------------


def test_an_assignment_has_all_exercises_of_its_chapters_and_no_answer(tmp_path, capsys):
    assert main(["assignment", str(tmp_path / "new"), "--chapters", "3", "1"]) == 0
    written = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in written] == ["01_assignment.ipynb", "03_assignment.ipynb"]
    for path in written:
        nbformat.validate(nbformat.read(path, as_version=4))
    assert main(["assignment", str(tmp_path / "new")]) == 2
    assert "exists" in capsys.readouterr().err and sorted((tmp_path / "new").iterdir()) == written


def test_every_exercise_can_be_filled_in():
    chapters = {*map(chapter_of, EXERCISES)}
    text = "\n".join(cell["source"] for n in chapters for cell in notebook(n)["cells"])
    for number in EXERCISES:
        assert text.count(f"**Exercise {number}** (") == 1
        (found,) = (calls(source["source"], 0, 0) for source in cells(number))
        assert set(found) == ({number} if is_function(number) else set())
    for answer in {x for right, _ in ANSWERS.values() for x in right if isinstance(x, str)}:
        assert f'"{answer}"' not in text


def cells(number: str) -> list[dict]:
    made = notebook(int(number.partition(".")[0]))["cells"]
    return [cell for cell in made if cell["id"] == f"answer-{number.replace('.', '-')}"]


@pytest.mark.parametrize("chapters", [[0], [8], [1, 23], ["1"], [1.5], [True]])
def test_chapters_without_exercises_are_refused(chapters, tmp_path):
    with pytest.raises(BadInput):
        write_assignment(tmp_path / "new", chapters)
    with pytest.raises(BadInput):
        next(grade([tmp_path], chapters))
    assert not list(tmp_path.iterdir())


# --- What is read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, value",
    [
        (r'check_answer("1.1", r"\sqrt u")', r"\sqrt u"),
        ("print(check_answer('1.1', 'a'  'b').why)", "ab"),
        ("check_answer(1.1, -3)", -3),
        ('workbook.check_answer("Exercise 1.1", 0.5)', 0.5),
        ('check_answer("1.1", "a"); check_answer("1.1", "b")', "b"),
        ('check_answer("1.1", "a")\ncheck_answer("1.1", ...)', "a"),
        ('check_answer("1.1", answer="b")', "b"),
        ('check_answer(answer="b", number=1.1)', "b"),
        ('check_answer("1.1", a)', None),
        ('check_answer("1.1", open("x").read())', None),
        ('check_answer("1.1", f"{a}")', None),
        ('check_answer("1.1", b"a")', None),
    ],
)
def test_an_answer_is_read_and_not_run(source, value):
    assert calls(source, 2, 3)["1.1"].value == value


@pytest.mark.parametrize(
    "source", ["", "check_answer", 'check_answer("1.1", ...)', "check_answer()"]
)
def test_no_answer_is_none(source):
    assert calls(source, 0, 0) == {}


def test_what_is_no_python_says_so():
    assert calls('check_answer("1.1", "a', 0, 0)["1.1"].why == "its cell is no Python"


def test_the_last_notebook_counts_and_lines_for_jupyter_are_left_out(tmp_path):
    hand_in(
        tmp_path, {"1.4": "%matplotlib inline\nif 1:\n    !ls\ncheck_answer('1.4', 1)"}, "a.ipynb"
    )
    hand_in(tmp_path, {"1.4": "check_answer('1.4', 2)"}, "b.ipynb")
    read = read_submission(tmp_path)
    assert read.answers["1.4"].value == 2 and not read.faults
    assert any("pass\nif 1:\n    pass\n" in cell for cell in read.notebooks[0])


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {},
        {"shape": [2], "numbers": [1]},
        {"shape": [-1, -1], "numbers": [1]},
        {"shape": [1], "numbers": ["1"]},
        {"shape": [True], "numbers": [1]},
        [1],
        10**400,
        {"shape": [10**99, 0], "numbers": []},
        {"betas": [0.1]},
        {"source": "", "name": ""},
    ],
)
def test_a_message_without_a_meaning_ends_it(value):
    with pytest.raises(Stopped):
        decoded(value)


def test_what_a_function_returns_is_numbers_or_a_name():
    torch = pytest.importorskip("torch")
    assert decoded(encoded(torch.eye(2))).tolist() == [[1, 0], [0, 1]]
    assert decoded(encoded([1, 2])).tolist() == [1, 2] and decoded(encoded(10**400)) == float("inf")
    for value, name in (("a", "str"), (print, "builtin_function_or_method"), (1j, "ComplexTensor")):
        assert type(decoded(encoded(value))).__name__ == name


def test_a_spreadsheet_computes_nothing_of_a_table():
    lines = table([Grade("=1+1", "1.1", "not yet", "-2\n+3"), Grade("a,b", "1.2", "right", "")])
    read = list(csv.reader(io.StringIO(lines.decode(), newline="")))
    assert read == [
        ["who", "exercise", "verdict", "why"],
        ["'=1+1", "1.1", "not yet", "'-2\n+3"],
        ["a,b", "1.2", "right", ""],
    ]


# --- What is run ---------------------------------------------------------------------------------

TRIED = """import os, signal, socket, sys
def tried(act):
    try:
        act()
    except OSError:
        return
    sys.exit("done: " + act.__name__)
def write_outside(): open(sys.argv[1], "a")
def read_outside(): os.listdir(os.path.dirname(sys.argv[1]))
def write_a_package(): open(os.__file__, "a")
def fill_the_disk(): open("x", "w").write("x" * (70 << 20))
def reach_the_network(): socket.create_connection(("127.0.0.1", int(sys.argv[2])), 1)
def end_the_grader(): os.kill(int(sys.argv[3]), 0)
def fork_without_end():
    for _ in range(9):
        if not os.fork(): signal.pause()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for name in [name for name in vars() if "_" in name[1:-1] and name[0] != "_"]:
    tried(globals()[name])
print("all refused", len([n for n in vars() if "_" in n[1:-1] and n[0] != "_"]))
"""


@behind_walls
def test_the_walls_hold(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = [str(tmp_path / "new"), str(server.getsockname()[1]), str(os.getpid())]
        command = plan([f"exec({TRIED!r})", *told], Limits())
        (tmp_path / "here").mkdir()
        done = subprocess.run(command, cwd=tmp_path / "here", capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("all refused 7\n", "") and done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["here"] and not list(
        (tmp_path / "here").iterdir()
    )


@behind_walls
def test_what_is_shown_behind_the_walls_may_lie_in_tmp(tmp_path):
    """As a clone of the course may, whose package the submissions import."""
    seen = Path(os.path.realpath(tmp_path)) / "seen"
    seen.mkdir()
    (seen / "file").write_text("here")
    *words, plan_of_all = plan([f"print(open({str(seen / 'file')!r}).read())"], Limits())
    facts = json.loads(plan_of_all)
    facts["visible"].append(str(seen))
    (tmp_path / "work").mkdir()
    command = [*words, json.dumps(facts)]
    done = subprocess.run(command, cwd=tmp_path / "work", capture_output=True, text=True)
    assert done.stdout == "here\n", done.stderr


@behind_walls
def test_a_submission_changes_no_verdict_and_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "right", RIGHT)
    hand_in(tmp_path / "torch", NEAR | {"1.5": FORGED + NEAR["1.5"]})
    (tmp_path / "torch/__init__.py").write_text("raise SystemExit")
    words = "grade right torch --chapters 1 --out new.csv --seconds 60".split()
    assert main(words) == 0
    assert capsys.readouterr().out == "right: 6 of 6 right\ntorch: 0 of 6 right\ntable: new.csv\n"
    assert {path.name for path in tmp_path.iterdir()} == {"right", "torch", "new.csv"}
    rows = [*csv.reader(open("new.csv", newline=""))]
    assert len(rows) == 13 and {row[2] for row in rows[7:]} == {"not yet"}
    assert main(words) == 2 and "new.csv, which exists" in capsys.readouterr().err


def test_no_folder_is_taken_for_an_option(tmp_path, monkeypatch, capsys):
    """As where a shell makes names of grade *, and a submission is called --no-walls."""
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "--no-walls", RIGHT)
    assert main(["grade", "--no-walls"]) == 2 and "./--no-walls" in capsys.readouterr().err
    with pytest.raises(BadInput):
        parse(["grade", "other", "--no-walls"])
    assert parse(["grade", "./--no-walls"]).no_walls is False


@pytest.mark.parametrize(
    "worker, why",
    [(standing_still, "more than 0.3 seconds"), (ending, "what it holds ended the check")],
)
def test_a_check_that_stands_still_or_ends_costs_one_exercise(worker, why, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "work", worker)
    found = grading.checked(warm_context(), tmp_path, ["1.1", "1.2", "1.3"], Limits(0.3), "")
    assert found["1.1"] == ("right", "proved")
    assert found["1.2"][0] == found["1.3"][0] == "unread" and why in found["1.2"][1]


def test_a_process_that_never_begins_is_not_the_submission_s_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "work", not_starting)
    with refused(BadInput, where="grade", what="a process to check in"):
        grading.checked(warm_context(), tmp_path, ["1.1"], Limits(0.3), "")


def test_a_script_without_a_guard_grades(tmp_path, monkeypatch):
    """A new process would begin with the script, and here die of it."""
    (tmp_path / "script.py").write_text("raise SystemExit")
    script = ModuleType("__main__")
    script.__file__ = str(tmp_path / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", script)
    hand_in(tmp_path / "one", {"1.4": "check_answer('1.4', 1)"})
    for number, verdict in ("1.4", "not yet"), ("1.1", "no answer"):
        found = grading.checked(warm_context(), tmp_path / "one", [number], Limits(60), "")
        assert found[number][0] == verdict
    assert sys.modules["__main__"] is script


def test_without_walls_functions_are_not_run(tmp_path, monkeypatch):
    hand_in(tmp_path / "right", RIGHT)
    monkeypatch.setattr("ddpm_course.classroom.grading.why_no_walls", lambda: "none here")
    (grades,) = grade([tmp_path / "right"], [1], Limits(60))
    assert [each.verdict for each in grades] == ["right"] * 4 + ["not run"] * 2
    assert "none here" in summary(grades)


# --- All exercises, and a class ------------------------------------------------------------------


def as_code(number: str, answer: object) -> str:
    if isinstance(answer, sp.Expr):
        answer = sp.latex(answer)
    return f'check_answer("{number}", {answer!r})'


def one_notebook(folder: Path, sources: list[str]) -> Path:
    made = filled({}) | {"cells": []}
    for place, source in enumerate(sources):
        made["cells"].append({**filled({})["cells"][1], "id": f"cell-{place}", "source": source})
    folder.mkdir()
    (folder / "all.ipynb").write_text(json.dumps(made))
    return folder


START = "import math, torch\nfrom ddpm_course.proofs.workbook import check_answer"


@pytest.mark.slow
@behind_walls
def test_every_right_answer_is_taken(tmp_path):
    """The functions are those of the solutions; formulas are tried in their first two spellings."""
    functions = [
        cell.source
        for path in sorted((NBS / "solutions").glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and ("def " in cell.source or "check_answer" in cell.source)
    ]
    for place in (0, 1):
        formulas = [
            as_code(number, right[place])
            for number, (right, _) in ANSWERS.items()
            if not is_function(number)
        ]
        folder = one_notebook(tmp_path / str(place), [START, *functions, *formulas])
        (grades,) = grade([folder], None, Limits(120))
        assert {each.exercise for each in grades if each.verdict == "right"} == {*EXERCISES}


@pytest.mark.slow
@behind_walls
def test_no_near_miss_is_taken(tmp_path):
    """Wrong answers that readers could give, and functions with a known slip."""
    slips = """import sys
sys.modules.pop("ddpm_course.proofs.workbook")
from ddpm_course.proofs.workbook.checking import EXERCISES"""
    wrong = {number: [as_code(number, x) for x in wrong] for number, (_, wrong) in ANSWERS.items()}
    for number, exercise in EXERCISES.items():
        if is_function(number):
            known = range(len(getattr(exercise.kind, "slips", ())))
            wrong[number] = [
                f'check_answer("{number}", [*EXERCISES["{number}"].kind.slips.values()][{n}])'
                for n in known
            ]
    found = []
    for place in range(max(map(len, wrong.values()))):
        sources = [each[place] for each in wrong.values() if len(each) > place]
        folder = one_notebook(tmp_path / str(place), [f"{START}\n{slips}", *sources])
        (grades,) = grade([folder], None, Limits(120))
        found += [each for each in grades if each.verdict != "no answer"]
    assert len(found) > 150 and {each.verdict for each in found} == {"not yet"}


@pytest.mark.slow
@behind_walls
def test_a_class_of_ten_gets_the_table_that_is_kept(tmp_path, monkeypatch):
    folders = write_class(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    for _ in write_table([Path(f.name) for f in folders], tmp_path / "new.csv", [1], Limits(20)):
        pass
    # where numbers refute a formula, those of the day are as good
    without = lambda path: re.sub(r"\$[^$]*\$", "$", path.read_text(encoding="utf-8"))
    assert without(tmp_path / "new.csv") == without(TABLE)
    assert (tmp_path / "bystander").read_text() == "as it was"
    assert sorted(path for path in tmp_path.rglob("*")) == sorted([*before, tmp_path / "new.csv"])
