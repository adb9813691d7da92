"""Run pytest with the arguments given, and store what came of it in bench/check_all.md.

From the top of the repository: make check-all
"""

import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

from notebooks import NBS, ROOT, exempt_and_printing

LIBRARIES = "torch", "sympy", "nbval", "pytest", "diffusers", "sphinx"


def part_of(case: ElementTree.Element) -> str:
    """The part of the project that a test belongs to."""
    name = case.get("classname", "")
    return next(
        (part for part in ("nbs", "tests.parity", "tests.book") if name.startswith(part)), "tests"
    )


def result_of(case: ElementTree.Element) -> str:
    return next(
        (child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed"
    )


def notebook_rows(cases: list[ElementTree.Element]) -> list[str]:
    """Time, memory and exempt cells of each notebook that ran, as rows of a table."""
    seconds: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for case in cases:
        if part_of(case) == "nbs":
            stem = case.attrib["classname"].removeprefix("nbs.").removesuffix(".ipynb")
            name = stem.replace(".", "/")
            seconds[name] += float(case.get("time", 0))
            for note in case.iter("property"):
                memory[name] = max(memory[name], int(note.attrib["value"]))
    rows = []
    for name in sorted(seconds):
        exempt, printing = exempt_and_printing([NBS / f"{name}.ipynb"])
        peak = f"{memory[name] / 1e6:.2f} GB" if memory[name] else "unknown"
        rows.append(f"| {name} | {seconds[name]:.0f} | {peak} | {exempt} of {printing} |")
    return rows


def report(cases: list[ElementTree.Element], minutes: float) -> str:
    """The result as Markdown."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    for case in cases:
        counts[part_of(case)][result_of(case)] += 1
        seconds[part_of(case)] += float(case.get("time", 0))
    results = "passed", "failure", "error", "skipped"
    lines = [
        "# Everything, slow tests too",
        "",
        "## Result",
        "",
        "| part | passed | failed | errors | skipped | seconds |",
        "|---" * 6 + "|",
    ]
    for part in counts:
        numbers = " | ".join(str(counts[part][result]) for result in results)
        lines.append(f"| {part.replace('.', '/')} | {numbers} | {seconds[part]:.0f} |")
    lines += [
        f"\nFailed: {case.get('classname')}::{case.get('name')}"
        for case in cases
        if result_of(case) in ("failure", "error")
    ]
    lines += [
        "",
        "## Notebooks",
        "",
        "| notebook | seconds | peak memory | exempt cells |",
        "|---" * 4 + "|",
        *notebook_rows(cases),
    ]
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True
    ).stdout.strip()
    lines += [
        "",
        f"{time.strftime('%Y-%m-%d')}, {minutes:.1f} minutes with two workers on "
        f"{platform.machine()}, commit {commit or 'unknown'}; Python "
        f"{platform.python_version()}, {libraries}.",
        "",
        "## Command",
        "",
        "`make check-all`",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as room:
        found = Path(room) / "result.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", f"--junitxml={found}", *sys.argv[1:]], cwd=ROOT
        )
        cases = list(ElementTree.parse(found).iter("testcase")) if found.exists() else []
    text = report(cases, (time.perf_counter() - start) / 60)
    (ROOT / "bench/check_all.md").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(done.returncode)
