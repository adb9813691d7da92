"""What runs a submission's notebooks, within the walls: it asks the grader where they ask it.

Here `check_answer` holds no answers. It tells the grader that a function is there, calls it with
what the grader sends, and returns what came out, until the grader has seen enough.
"""

import socket
import sys
from copy import deepcopy
from types import ModuleType
from typing import Any

from ddpm_course.classroom.submission import number_of
from ddpm_course.classroom.wire import Wire, decoded, encoded


def argument(message: Any) -> Any:
    """What a function is called with: a value, a schedule by its betas, or a function by its text."""
    match message:
        case {"betas": betas}:
            from ddpm_course.schedule import NoiseSchedule

            return NoiseSchedule.from_betas(betas)
        case {"whole": numbers}:
            return decoded(numbers).long()
        case {"source": source, "name": name}:
            defined: dict[str, Any] = {}
            exec(f"from __future__ import annotations\n{source}", defined)
            return defined[name]
    return decoded(message)


def outcome(answer: Any, messages: list[Any]) -> dict[str, Any]:
    """Call an answer; what it returns, and which arguments it changed, or the error that it raised."""
    given = [*map(argument, messages)]
    before = deepcopy(given)
    try:
        value = encoded(answer(*given))
    except BaseException as error:  # also an exit, and an interrupt
        return {"error": type(error).__name__, "says": str(error)[:300]}
    pairs = zip(map(encoded, given), map(encoded, before))
    changed = [i for i, (now, then) in enumerate(pairs) if repr(now) != repr(then)]
    return {"value": value, "changed": changed}


def the_workbook(wire: Wire, asked: list[str]) -> ModuleType:
    """A module in the place of the course's workbook, whose check_answer leaves it to the grader."""
    module = ModuleType("ddpm_course.proofs.workbook")

    def check_answer(number: Any, answer: Any = None) -> None:
        if (exercise := number_of(number)) not in asked:
            return
        wire.send({"asks": exercise, "callable": callable(answer)})
        while (message := wire.receive()) is not None:
            wire.send(outcome(answer, message))

    nothing = lambda *_: None
    vars(module).update(check_answer=check_answer, hint=nothing, puzzle=nothing)
    return module


def main() -> None:
    """Run notebooks, each in a namespace of its own; a cell that fails does not stop the others."""
    import torch

    torch.set_num_threads(1)
    wire = Wire(socket.socket(fileno=int(sys.argv[1])))
    wire.send("ready")
    task = wire.receive()
    sys.modules["ddpm_course.proofs.workbook"] = the_workbook(wire, task["asked"])
    for index, cells in task["notebooks"]:
        wire.send({"notebook": index})
        names = {"__name__": "__main__"}
        for place, source in enumerate(cells):
            try:
                exec(compile(source, f"cell {place + 1}", "exec"), names)
            except BaseException as error:
                says = f"{type(error).__name__}: {error}"[:300]
                wire.send({"failed": place, "says": says})
    wire.send("end")


if __name__ == "__main__":
    main()
