"""Which earlier run a new one continues, from records alone."""

from __future__ import annotations

from typing import Any

import pytest

from argus.launch.resume import (
    AmbiguousError,
    Attempt,
    Seat,
    attempt_of,
    attempts_of,
    continued,
    crashed,
    numbered,
)


def seat(restart: int, position: int = 1, **other: Any) -> Seat:
    return Seat("p", "train.py", "train.py", restart, position, position)._replace(**other)


def attempt(batch_id: str, number: int, at: Seat, **other: Any) -> Attempt:
    return Attempt(batch_id, number, at, None, {}, False, None)._replace(**other)


def found(attempts: list[Attempt], at: Seat) -> str | None:
    before = continued(attempts, at)
    return None if before is None else before.batch_id


def test_the_same_position_continues_after_a_requeue():
    attempts = [attempt("a", 1, seat(0, 1)), attempt("b", 1, seat(0, 2))]
    assert [found(attempts, seat(1, n)) for n in (1, 2, 3)] == ["a", "b", None]


def test_every_attempt_is_looked_at_not_only_the_last():
    attempts = [
        attempt("a", 1, seat(0, 1)),
        attempt("b", 1, seat(0, 2)),
        attempt("a", 2, seat(1, 1)),
    ]
    assert [found(attempts, seat(2, n)) for n in (1, 2)] == ["a", "b"]
    assert (numbered(attempts, "a"), numbered(attempts, "b"), numbered(attempts, "c")) == (3, 2, 1)


def test_preempted_before_anything_was_written_is_a_fresh_run():
    assert found([], seat(1)) is None


def test_what_this_start_of_the_job_has_begun_is_not_before_it():
    assert found([attempt("a", 1, seat(1))], seat(1)) is None


@pytest.mark.parametrize("other", [{"project": "q"}, {"script": "eval.py"}])
def test_another_project_or_script_is_another_run(other: dict[str, Any]):
    assert found([attempt("a", 1, seat(0))], seat(1, **other)) is None


def test_a_command_that_now_names_its_checkpoint_is_still_the_same_run():
    assert found([attempt("a", 1, seat(0))], seat(1, command="train.py --resume ckpt")) == "a"


def test_a_command_that_names_its_checkpoint_goes_by_the_order():
    attempts = [attempt("a", 1, seat(0, 1)), attempt("b", 1, seat(0, 2))]
    later = {"command": "train.py --resume ckpt"}
    assert [found(attempts, seat(1, n, **later)) for n in (1, 2, 3)] == ["a", "b", None]


def test_a_loop_that_leaves_out_what_it_has_done_continues_the_right_one():
    attempts = [
        attempt("a", 1, seat(0, 1, command="train.py --seed 1", repeat=1), ended="done"),
        attempt("b", 1, seat(0, 2, command="train.py --seed 2", repeat=1)),
    ]
    assert found(attempts, seat(1, 1, command="train.py --seed 2", repeat=1)) == "b"


def test_the_same_command_once_more_is_not_the_first_again():
    assert found([attempt("a", 1, seat(0, 1))], seat(1, 2)) is None


def test_runs_side_by_side_are_told_by_their_commands():
    attempts = [
        attempt("a", 1, seat(0, 1, command="train.py --seed 1", repeat=1)),
        attempt("b", 1, seat(0, 2, command="train.py --seed 2", repeat=1), overlaps=True),
    ]
    assert found(attempts, seat(1, 1, command="train.py --seed 2", repeat=1)) == "b"
    assert found(attempts, seat(1, 2, command="train.py --seed 1", repeat=1)) == "a"
    with pytest.raises(AmbiguousError):
        continued(attempts, seat(1, 1, command="train.py --seed 3", repeat=1))


def test_runs_side_by_side_that_nothing_tells_apart_are_not_mixed_up():
    attempts = [attempt("a", 1, seat(0, 1)), attempt("b", 1, seat(0, 2), overlaps=True)]
    with pytest.raises(AmbiguousError):
        continued(attempts, seat(1, 1))


def test_two_runs_at_one_position_are_not_mixed_up():
    attempts = [attempt("a", 1, seat(0, 1)), attempt("b", 1, seat(0, 1))]
    with pytest.raises(AmbiguousError):
        continued(attempts, seat(1, 1))


@pytest.mark.parametrize(
    ("ended", "writer_has_ended", "batch_id"),
    [(None, True, "a"), ("failed", True, "a"), ("done", True, None), (None, False, None)],
)
def test_what_has_crashed_and_is_not_done_is_continued(ended, writer_has_ended, batch_id):
    attempts = [attempt("old", 1, seat(0)), attempt("a", 1, seat(0), ended=ended)]
    before = crashed(attempts, 1, {0: True, 1: writer_has_ended})
    assert (before and before.batch_id) == batch_id
    assert crashed(attempts, 2, {0: True, 1: True}) is None


LINE = {
    "batch_id": "a",
    "attempt": 1,
    "project": "p",
    "script": "s",
    "command": "c",
    "restart_count": 0,
    "position": 1,
    "repeat": 1,
    "directory": "/runs/a",
    "overlaps": True,
    "pid": 7,
}


def test_a_record_and_its_end():
    end = {"batch_id": "a", "attempt": 1, "ended": "failed"}
    (told,), is_whole = attempts_of([LINE, end])
    assert is_whole
    assert told == Attempt("a", 1, Seat("p", "s", "c", 0, 1, 1), "/runs/a", LINE, True, "failed")


def test_an_attempt_of_which_more_is_told_is_one():
    first = {**LINE, "directory": None}
    attempts, is_whole = attempts_of([first, {**LINE, "attempt": 2}, LINE, {**LINE, "pid": 8}])
    told = [(a.number, a.directory, a.process["pid"]) for a in attempts]
    assert told == [(1, "/runs/a", 7), (2, "/runs/a", 7), (1, "/runs/a", 8)]
    assert is_whole


def test_the_end_of_no_attempt_is_passed_over():
    end = {"batch_id": "a", "attempt": [1], "ended": "failed"}
    assert [told.ended for told in attempts_of([LINE, end])[0]] == [None]


@pytest.mark.parametrize(
    "line",
    [
        None,
        {},
        {**LINE, "batch_id": ""},
        {**LINE, "batch_id": "x" * 129},
        {**LINE, "position": "1"},
        {**LINE, "attempt": True},
        {**LINE, "restart_count": -1},
        {**LINE, "project": None},
    ],
)
def test_a_line_that_is_cut_short_or_anothers_takes_no_other_with_it(line):
    attempts, is_whole = attempts_of([LINE, line, {**LINE, "attempt": 2}])
    assert [told.number for told in attempts] == [1, 2]
    assert not is_whole
    assert line is None or attempt_of(line) is None
