"""Let nbval compare cleaned notebooks, count the cells that it passes over, note the memory."""

import re
from pathlib import Path

import kernels
import nbval.kernel
from notebooks import exempt_and_printing, paths


def pytest_itemcollected(item):
    """nbval takes a cell without execution count for one that never ran; cleaning removes it."""
    if hasattr(item, "cell"):
        item.cell.execution_count = 1


def execute_cell_input(self, cell_input, allow_stdin=None):
    """As nbval's own, but in the history: else a trailing semicolon does not hide a value."""
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


nbval.kernel.RunningKernel.execute_cell_input = execute_cell_input
kernels.fork()


def pytest_runtest_teardown(item):
    """Store the most memory that a notebook has taken so far, where the system says it."""
    if hasattr(item, "cell"):
        status = Path(f"/proc/{item.parent.kernel.km.provisioner.pid}/status")
        if status.exists():
            peak = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
            item.user_properties.append(("peak_kb", peak))


def pytest_terminal_summary(terminalreporter):
    exempt, printing = exempt_and_printing(paths())
    terminalreporter.write_line(
        f"{exempt} of {printing} notebook cells that print are exempt from comparison"
    )
