"""A class of ten submissions to the assignment of chapter 01, half of them hostile.

Each fills in cells of the assignment; `bystander` is a file that nobody but the grader may touch.
"""

import json
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ddpm_course.classroom.assignment import notebook

RIGHT = {
    "1.1": r'check_answer("1.1", r"\sqrt{u(1-a^2)}")',
    "1.2": 'check_answer("1.2", "(kappa - 1)*a**(2*t)")',
    "1.3": r'check_answer("1.3", r"1-\alpha^t")',
    "1.4": 'check_answer("1.4", 90)',
    "1.5": """def my_step(x, beta, noise):
    return (1 - beta) ** 0.5 * x + beta**0.5 * noise


check_answer("1.5", my_step)""",
    "1.6": """def my_table(betas):
    return torch.cat([torch.ones(1, dtype=betas.dtype), (1 - betas).cumprod(0)])


check_answer("1.6", my_table)""",
}
FORMULAS = {number: RIGHT[number] for number in ("1.1", "1.2", "1.3", "1.4")}
NEAR = {
    "1.1": r'check_answer("1.1", r"\sqrt{u(1-a)}")',
    "1.2": r'check_answer("1.2", r"(\kappa-1)a^t")',
    "1.3": r'check_answer("1.3", r"(1-\alpha^{2t})")',
    "1.4": 'check_answer("1.4", 89)',
    "1.5": RIGHT["1.5"].replace("beta**0.5 *", "beta *"),
    "1.6": RIGHT["1.6"].replace("torch.ones", "torch.zeros"),
}
FORGED = """
import os, sys
import ddpm_course.checks
from ddpm_course.proofs.workbook import check_answer as told
ddpm_course.checks.visible = lambda text: "right"
for name in [name for name in sys.modules if "workbook" in name]:
    del sys.modules[name]
from ddpm_course.proofs.workbook import kinds
from ddpm_course.proofs.workbook.code import Code
Code.check = kinds.Hole.check = kinds.First.check = lambda *_: (True, "proved")
print("submission-07,1.5,right,proved")
for handle in range(3, 64):
    try:
        os.write(handle, b'{"asks": "1.1", "callable": true}\\n["1.5", "right", "proved"]\\n')
    except OSError:
        pass
def check_answer(number, answer): return told(number, lambda *given: True)
"""
REACHING = """
import os, pathlib, shutil
def my_step(x, beta, noise):
    for path in ("{bystander}", "{folder}", "/usr/bin", "/tmp", os.getcwd()):
        shutil.rmtree(path, ignore_errors=True)
        for act in (os.unlink, lambda p: open(p, "w").write("changed"), os.listdir):
            try:
                act(path)
            except OSError:
                pass
    assert not os.path.exists("{bystander}")
    return (1 - beta) ** 0.5 * x + beta**0.5 * noise
check_answer("1.5", my_step)
"""
LIVING_ON = """
import os, time
def my_step(x, beta, noise, begun=[]):
    if not begun and not (begun.append(1) or os.fork()):
        os.setsid()
        if not os.fork():
            while True:
                time.sleep(1)
        os._exit(0)
    return (1 - beta) ** 0.5 * x + beta**0.5 * noise
check_answer("1.5", my_step)
"""
ENDLESS = """
def my_step(x, beta, noise):
    while True:
        pass
check_answer("1.5", my_step)
"""
LARGE = """
def my_table(betas):
    return bytearray(10 << 30)
check_answer("1.6", my_table)
"""


def filled(answers: dict[str, str]) -> dict[str, Any]:
    """The assignment of chapter 01 with cells filled in, by exercise."""
    made = notebook(1)
    for cell in made["cells"]:
        number = cell["id"].removeprefix("answer-").replace("-", ".")
        cell["source"] = answers.get(number, cell["source"])
    return made


def hand_in(folder: Path, answers: dict[str, str], name: str = "01_assignment.ipynb") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(filled(answers)))


def broken(folder: Path, bystander: Path) -> None:
    """A file that is no notebook, one that is too large, a link, a pipe, and depth without end."""
    hand_in(folder, {"1.1": RIGHT["1.1"]}, "1\x1b[31m.ipynb")
    (folder / "2.ipynb").write_text("no notebook")
    (folder / "3.ipynb").write_text(json.dumps(filled(FORMULAS)) + " " * (9 << 20))
    (folder / "4.ipynb").symlink_to(bystander.parent / "submission-01/01_assignment.ipynb")
    os.mkfifo(folder / "5.ipynb")
    (folder / "6.ipynb").write_text("[" * 100_000)


def endless_formulas(folder: Path, bystander: Path) -> None:
    hand_in(
        folder,
        {
            "1.1": 'check_answer("1.1", "9**9**9**9**9")',
            "1.2": f'check_answer("1.2", "{"(" * 400}a{")" * 400}")',
            "1.3": 'check_answer("1.3", "a)',
            "1.4": f"check_answer('1.4', {'9' * 4000})",
            "1.5": "import os\nos._exit(0)",
            "1.6": 'check_answer("1.6", lambda betas: exit("=1+1"))',
        },
    )


def formatted(text: str) -> Callable[[Path, Path], None]:
    def write(folder: Path, bystander: Path) -> None:
        filled_in = text.replace("{bystander}", str(bystander)).replace("{folder}", str(folder))
        hand_in(folder, RIGHT | {"1.5": filled_in})

    return write


TEN: dict[str, Callable[[Path, Path], None]] = {
    "submission-01": lambda folder, _: hand_in(folder, RIGHT),
    "submission-02": lambda folder, _: hand_in(folder, NEAR),
    "submission-03": lambda folder, _: hand_in(folder, {}),
    "submission-04": lambda folder, _: hand_in(folder, RIGHT | {"1.5": ENDLESS, "1.6": LARGE}),
    "submission-05": formatted(LIVING_ON),
    "submission-06": formatted(REACHING),
    "submission-07": lambda folder, _: hand_in(folder, NEAR | {"1.5": FORGED + NEAR["1.5"]}),
    "submission-08": lambda folder, _: folder.symlink_to("submission-01"),
    "submission-09\x1b[31m": broken,
    "submission-10": endless_formulas,
}


def write_class(folder: Path) -> list[Path]:
    """Write all ten, and the bystander; return their folders."""
    bystander = folder / "bystander"
    bystander.write_text("as it was")
    for name, write in TEN.items():
        write(folder / name, bystander)
    return [folder / name for name in TEN]


def standing_still(connection: Connection, _: Path, numbers: list[str], *__: object) -> None:
    """A check that answers 1.1, and stands still at whatever comes next."""
    if "1.1" in numbers:
        connection.send(("1.1", "right", "proved"))
    connection.send((numbers["1.1" in numbers], "checking", ""))
    time.sleep(60)


def ending(connection: Connection, _: Path, numbers: list[str], *__: object) -> None:
    """A check that answers 1.1, and ends at whatever comes next."""
    if "1.1" in numbers:
        connection.send(("1.1", "right", "proved"))
    connection.send((numbers["1.1" in numbers], "checking", ""))
    os._exit(1)


def not_starting(*_: object) -> None:
    """A check that ends before it has begun."""
    os._exit(1)
