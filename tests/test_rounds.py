"""What compares actions: those that take turns, those that fail, and the tables of both."""

import peers
import pytest
import race
import torch
from race import race_cells
from rounds import Spread, ratios, take_turns


def ticking(times: list[float]):
    """An action, and a clock that says that it took these times, one after the other."""
    now, left = [0.0], iter(times)

    def action() -> None:
        now[0] += next(left)

    return action, lambda: now[0]


def test_the_middle_of_the_rounds_stands_between_its_quartiles():
    assert Spread.of([5.0, 1.0, 4.0, 2.0, 3.0]) == (2.0, 3.0, 4.0)
    assert str(Spread(1.234, 2.345, 3.456)) == "2.35 (1.23 to 3.46)"
    assert str(Spread(11.2, 12.3, 13.4)) == "12 (11 to 13)"


def test_the_first_time_warms_up_and_is_not_counted():
    action, clock = ticking([100.0, 1.0, 2.0, 3.0])
    assert take_turns({"it": lambda: action}, 3, clock) == {"it": [1.0, 2.0, 3.0]}


def test_actions_take_turns():
    seen = []
    builders = {name: lambda name=name: lambda: seen.append(name) for name in "ab"}
    take_turns(builders, 2)
    assert seen == ["a", "b"] * 3


def test_who_fails_is_named_and_the_others_go_on():
    def missing():
        raise ImportError("no such library\nsecond line")

    def breaking():
        left = [None, None]
        return left.pop  # fails at the third call

    builders = {"missing": missing, "breaking": breaking, "sound": lambda: lambda: None}
    found = take_turns(builders, 3)
    assert found["missing"] == "ImportError: no such library"
    assert found["breaking"] == "IndexError: pop from empty list"
    assert len(found["sound"]) == 3
    shown = ratios({**found, "sound": [1.0, 2.0, 4.0], "other": [2.0, 4.0, 8.0]}, "sound")
    assert shown["missing"] == found["missing"] and shown["other"] == (2.0, 2.0, 2.0)
    assert "ImportError" in ratios(found, "missing")["sound"]  # nothing to divide by


def test_a_failure_is_a_row_of_the_table(monkeypatch):
    figure = peers.Figure("a walk", "floors", 1.3, dict)
    monkeypatch.setattr(peers, "FIGURES", (figure,))
    once = {"ddpm_course": Spread(1.0, 1.1, 1.2), "other": "ImportError: no | such"}
    *_, ours, theirs = peers.table([[once], [once | {"other": Spread(2.0, 2.0, 2.0)}]])
    assert ours == "| a walk | floors | ddpm_course | " + "1.10 (1.00 to 1.20) | " * 2 + (
        "at most 1.3 |"
    )
    assert theirs == "|  |  | other | ImportError: no / such | 2.00 |  |"


@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_the_contenders_of_the_course_walk(method):
    for name in ("ddpm_course", "ddpm_course, clipped"):
        assert getattr(peers.CONTENDERS[name], method)((2, 3, 4, 4), 3)().shape == (2, 3, 4, 4)


def test_the_last_network_of_a_loop_that_ends_is_measured(monkeypatch):
    loop = [lambda num: torch.zeros(num, 1, 8, 8)] * 3
    monkeypatch.setitem(race.LOOPS, "short", lambda race: iter(loop))
    monkeypatch.setattr(race.time, "process_time", lambda: 1.0)  # long before the first mark
    ((_, floors),) = race.distances("short", "ours", limit=160)
    assert floors > 10


def test_what_a_process_prints_last_is_its_number_and_a_failure_is_told():
    found = peers.told({"sum": ["-c", "print('1 2')"], "none": ["-c", "import nothing_such"]}, 2)
    assert found == {
        "sum": (2.0, 2.0, 2.0),
        "none": "ModuleNotFoundError: No module named 'nothing_such'",
    }


def test_a_goal_counts_when_it_is_first_seen_and_never_before():
    assert race_cells([(10.0, 9.0), (14.1, 1.9), (20.0, 1.4)]) == (
        "14 s | 20 s | 1.4 floors after 20 s"
    )
    assert race_cells([(10.0, 9.0)]) == "not reached | not reached | 9.0 floors after 10 s"
    assert race_cells("ImportError: no") == "ImportError: no | | "
