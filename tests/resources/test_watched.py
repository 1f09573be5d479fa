from __future__ import annotations

from typing import Any

import pytest

from argus.resources.watched import Answer, Clocks, Direct, Missing, Watched


class Scripted:
    """A source that gives its answers in turn, the last of them for ever."""

    name = "fan"

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked = 0

    def ask(self, now: float) -> Answer:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def says(cpu_s: float = 0.0, wall_s: float = 0.0, **values: Any) -> Answer:
    return Answer(values, None, cpu_s, wall_s)


def fails(error: Exception) -> Answer:
    return Answer(None, error, 0.0, 0.0)


def watched(*answers: Answer) -> tuple[Scripted, Watched, list[str]]:
    source, told = Scripted(*answers), []  # type: ignore[var-annotated]
    return source, Watched(source, told.append), told


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError


def test_three_failures_in_a_row_are_the_end_and_one_is_told():
    source, probe, told = watched(fails(OSError("no such file")))
    assert [probe.read(0.0) for _ in range(5)] == [{}] * 5
    assert told == ["fan: cannot be read, its values are left out (OSError: no such file)"]
    assert (source.asked, probe.failures, probe.is_off) == (3, 3, True)


def test_one_that_recovers_stays_on():
    error = fails(OSError("busy"))
    _, probe, told = watched(error, error, says(x=1), error, error, says(x=2))
    assert [probe.read(0.0) for _ in range(6)] == [{}, {}, {"x": 1}, {}, {}, {"x": 2}]
    assert (len(told), probe.failures, probe.is_off) == (1, 4, False)


def test_an_error_that_cannot_be_printed_is_told_about_too():
    _, probe, told = watched(fails(UnspeakableError()))
    probe.read(0.0)
    assert "UnspeakableError" in told[0]


@pytest.mark.parametrize("cost", [{"cpu_s": 1.1}, {"wall_s": 10.1}])
def test_one_that_costs_too_much_is_not_asked_again(cost):
    source, probe, told = watched(says(x=1, **cost))
    assert [probe.read(0.0), probe.read(1.0)] == [{}, {}]
    assert (source.asked, len(told)) == (1, 1)
    assert "not asked again" in told[0]


def test_one_that_is_slow_on_a_busy_machine_stays_on():
    source, probe, told = watched(says(x=1, cpu_s=0.9, wall_s=9.9))
    assert [probe.read(now) for now in range(5)] == [{"x": 1}] * 5
    assert (source.asked, told) == (5, [])


def test_no_answer_yet_is_no_failure():
    _, probe, told = watched(Answer(None, None, 0.0, 9.0), says(x=1))
    assert [probe.read(0.0), probe.read(1.0)] == [{}, {"x": 1}]
    assert (told, probe.failures) == ([], 0)


def test_a_lie_is_left_out_and_a_habit_of_lying_is_the_end():
    source, probe, told = watched(says(ram_mb=-1.0, load_1m=0.5))
    assert [probe.read(0.0) for _ in range(4)] == [{"load_1m": 0.5}] * 3 + [{}]
    assert told == ["fan: says what cannot be of ram_mb: left out"]
    assert source.asked == 3


def test_a_direct_probe_is_timed_by_both_clocks_whether_it_fails_or_not():
    now = {"wall": 0.0, "cpu": 0.0}

    class Probe:
        name = "fan"

        def read(self, at: float) -> dict[str, float]:
            now["wall"] += 3.0
            now["cpu"] += 2.0
            if at:
                raise OSError("gone")
            return {"x": at}

    source = Direct(Probe(), Clocks(lambda: now["wall"], lambda: now["cpu"]))
    assert source.ask(0.0) == Answer({"x": 0.0}, None, 2.0, 3.0)
    failed = source.ask(1.0)
    assert (repr(failed.error), failed.cpu_s, failed.wall_s) == ("OSError('gone')", 2.0, 3.0)


def test_a_missing_source_says_why():
    told: list[str] = []
    probe = Watched(Missing("sources of plan9", ImportError("no ctypes")), told.append)
    assert probe.read(0.0) == {}
    assert "sources of plan9" in told[0]
    assert "no ctypes" in told[0]
