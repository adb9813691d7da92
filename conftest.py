"""Let nbval compare cleaned notebooks, and count the cells that it passes over."""

import nbval.kernel
from notebooks import exempt_and_printing


def pytest_itemcollected(item):
    """nbval takes a cell without execution count for one that never ran; cleaning removes it."""
    if hasattr(item, "cell"):
        item.cell.execution_count = 1


def execute_cell_input(self, cell_input, allow_stdin=None):
    """As nbval's own, but in the history: else a trailing semicolon does not hide a value."""
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


nbval.kernel.RunningKernel.execute_cell_input = execute_cell_input


def pytest_terminal_summary(terminalreporter):
    exempt, printing = exempt_and_printing()
    terminalreporter.write_line(
        f"{exempt} of {printing} notebook cells that print are exempt from comparison")
