"""The shapes in the annotations are those that the functions take and give.

Users pay nothing for them. Here a process of its own imports the package with every annotation
checked, and calls the public functions as they should be called: bad input, which has errors of its
own, is left to the other tests.
"""

import subprocess
import sys

import pytest
from notebooks import ROOT

CHECKED = """
import sys, tempfile
from pathlib import Path

from jaxtyping import install_import_hook

sys.path.insert(0, {tests!r})
with install_import_hook("ddpm_course", "beartype.beartype"):
    import shapes

{before}
with tempfile.TemporaryDirectory() as folder:
    shapes.call_all(Path(folder))
"""


def checked(before: str = "") -> str:
    """The last line of what Python says of the calls; nothing, when all shapes fit."""
    program = CHECKED.format(tests=str(ROOT / "tests"), before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert bool(done.returncode) == ("Error" in done.stderr)
    return done.stderr[-3000:] if done.returncode else ""


def test_all_shapes_fit():
    assert checked() == ""
