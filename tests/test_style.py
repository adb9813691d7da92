"""One style for all code, kept by tools: the layout, a small set of rules, and types."""

import subprocess
import sys
from pathlib import Path

import pytest
from notebooks import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    ["ruff format --check", "ruff check", f"basedpyright --pythonpath {sys.executable}"],
    ids=["layout", "rules", "types"],
)
def test_nothing_is_found(command):
    name, *options = command.split()
    done = subprocess.run([BIN / name, *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
