"""Columns of runs, asked for in every order."""

import json
import os
from typing import Any

import pytest

from argus.rundir import layout
from argus.scanner import metrics as rooms
from argus.scanner.metrics import Metrics
from tests.scanner.conftest import Run


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def parsed(monkeypatch):
    """Where each piece that is parsed begins, as it happens."""
    starts = []
    read = rooms._read_chunk

    def noted(follower):
        starts.append(follower.offset)
        return read(follower)

    monkeypatch.setattr(rooms, "_read_chunk", noted)
    return starts


def told(stream):
    return [json.loads(line) for line in stream]


def epochs(messages):
    return [x for each in messages if each["type"] == "chunk" for x in each["series"][0]["epoch"]]


def end_of(stream):
    return told(stream)[-1]["offset"]


def test_watching_a_live_run_for_long_costs_those_who_come_later_nothing(
    metrics, run, parsed, monkeypatch
):
    monkeypatch.setattr(rooms, "CHUNK_BYTES", 8_000)
    monkeypatch.setattr(rooms, "_SMALL_BYTES", 500)
    run.epochs(0, 200)
    at = 0
    for number in range(200, 200 + 2 * rooms._MAX_SMALL):
        at = end_of(metrics.stream(run.path, at))
        run.epochs(number, 1)
    before = len(parsed)
    messages = told(metrics.stream(run.path, 0))
    assert epochs(messages) == list(range(200 + 2 * rooms._MAX_SMALL))
    assert len(messages) < 1.5 * rooms._MAX_SMALL
    assert len(parsed) - before <= 1


def test_all_runs_together_keep_no_more_than_there_is_room_for(metrics, root, monkeypatch):
    monkeypatch.setattr(rooms, "KEPT_BYTES", 5_000)
    monkeypatch.setattr(rooms, "CHUNK_BYTES", 1_000)
    runs = [Run(root / f"r{number}") for number in range(5)]
    for run in runs:
        run.epochs(0, 20)
    streams = [metrics.stream(run.path, 0) for run in runs]
    seen: list[list[dict[str, Any]]] = [[] for _ in runs]
    for _ in range(200):
        for stream, lines in zip(streams, seen):
            lines += [json.loads(line) for line in [next(stream, None)] if line]
    assert [epochs(lines) for lines in seen] == [list(range(20))] * 5
    assert sum(each.kept_bytes for each in metrics._runs.values()) < 8_000


def test_offset_of_another_file_begins_anew_even_where_the_new_one_is_longer(metrics, run):
    run.epochs(0, 5)
    at = end_of(metrics.stream(run.path, 0))
    (run.path / layout.EVENTS).unlink()
    run.append({"padding": "x" * 7})
    run.epochs(0, 20)
    messages = told(metrics.stream(run.path, at))
    assert (messages[0], epochs(messages)) == ({"type": "reset"}, list(range(20)))


def test_file_replaced_while_it_is_told_is_begun_anew(metrics, run, monkeypatch):
    monkeypatch.setattr(rooms, "CHUNK_BYTES", 1_000)
    run.epochs(0, 20)
    stream = metrics.stream(run.path, 0)
    next(stream)
    fresh = Run(run.path / "fresh")
    fresh.epochs(100, 10)
    os.replace(fresh.path / layout.EVENTS, run.path / layout.EVENTS)
    messages = told(stream)
    assert (messages[0], epochs(messages)) == ({"type": "reset"}, list(range(100, 110)))


def test_run_without_events_has_no_numbers_yet(metrics, root):
    run = Run(root / "young")
    [done] = told(metrics.stream(run.path, 0))
    assert (done["type"], done["offset"]) == ("done", 0)
    assert json.loads(metrics.whole(run.path))["series"] == []
    run.epochs(0, 2)
    assert len(epochs(told(metrics.stream(run.path, 0)))) == 2
    assert len(json.loads(metrics.whole(run.path))["series"]) == 1


def test_whole_is_encoded_once_and_anew_when_something_came(metrics, run, monkeypatch):
    run.epochs(0, 2)
    first = metrics.whole(run.path)
    assert metrics.whole(run.path) is first
    run.epochs(2, 1)
    assert json.loads(metrics.whole(run.path))["series"][0]["epoch"] == [0, 1, 2]
    (run.path / layout.EVENTS).write_bytes(b"")
    assert json.loads(metrics.whole(run.path))["series"] == []
