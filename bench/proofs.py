"""How long the proofs take: all of them afresh, a chapter recalled, and an answer that is checked.

Each line in a process of its own. From the top of the repository:
python bench/proofs.py > bench/proofs.md
"""

import platform
import statistics
import subprocess
import sys
from importlib.metadata import version

from rounds import hardware

ROUNDS = 3
TIMED = """
import time
from ddpm_course.proofs import after
from ddpm_course.proofs.book import Book, in_book
from ddpm_course.proofs.workbook import check_answer
{before}
start = time.process_time()
with in_book(Book()) as book:
    {action}
print(time.process_time() - start)
"""
PROVED = 'after("{}"); [equation.links for equation in [*book.equations.values()]]'
ANSWER = r'check_answer("2.3", r"\frac{\alpha_t(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}")'
FIGURES = (  # what, before the clock, on the clock, at most
    ("chapters 00 to 07 read and proved afresh", "", PROVED.format("07_ddim"), "30"),
    ("all chapters to 22, the same", "", PROVED.format("22_flow_matching"), ""),
    ('`after("07_ddim")`', "", 'after("07_ddim")', "2"),
    ('`after("22_flow_matching")`', "", 'after("22_flow_matching")', ""),
    ("the first answer of all, with its import of chapters", "", ANSWER, ""),
    ("an answer after that", ANSWER, ANSWER, "1"),
)


def seconds(before: str, action: str) -> list[float]:
    program = TIMED.format(before=before, action=action)
    return [
        float(subprocess.check_output([sys.executable, "-c", program], text=True).split()[-1])
        for _ in range(ROUNDS)
    ]


if __name__ == "__main__":
    print(
        "# Time of the proofs\n\n| what | seconds | least and most | at most |\n|---|---|---|---|"
    )
    for what, before, action, goal in FIGURES:
        found = seconds(before, action)
        middle, low, high = statistics.median(found), min(found), max(found)
        print(f"| {what} | {middle:.2f} | {low:.2f} to {high:.2f} | {goal} |", flush=True)
    print(
        f"\nProcessor seconds, the median of {ROUNDS} processes. The second opinion in numbers, which "
        "every notebook asks for as well, is not counted in the first two lines.\n\nOn "
        f"{hardware()}; SymPy {version('sympy')}, lark {version('lark')}, Python "
        f"{platform.python_version()}.\n\n## Command\n\n"
        "`python bench/proofs.py > bench/proofs.md`"
    )
