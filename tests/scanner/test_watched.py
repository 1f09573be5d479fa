"""One run, looked at by hand."""

import json
import os
import time

import pytest

from argus.rundir import edits, layout
from argus.scanner.watched import Watched
from tests.scanner.conftest import Run
from tests.server.events import event


@pytest.fixture
def watched(run):
    watched = Watched("b", run.path)
    watched.poll(time.time())
    return watched


@pytest.mark.parametrize(
    "described",
    [
        {"status": []},
        {"tags": 5},
        {"tags": [1, "a"]},
        {"pid": "x", "heartbeat_s": 10**400, "events_bytes": True, "attempt": True},
        {"events_bytes": -1, "jobs": [{"job_id": 1}, 2], "n_jobs": "many"},
        {"config": [1], "dropped": {"full": "x"}, "host": 5, "user": {}, "created_at": 5},
        {"config": {"a": [[[float("nan")]], {}], "b": "x" * 10**6, "c": {"d": 1}}},
        {"n_total_jobs": [], "experiment_type": 1e308, "command": ["a"], "project": None},
    ],
)
def test_sidecar_of_any_types_makes_a_row_of_the_right_ones(root, described):
    run = Run(root / "odd", **described)
    run.append(event("batch_start", data={"n_total_jobs": "x", "command": [1]}))
    watched = Watched("odd", run.path)
    assert watched.poll(time.time())
    row = watched.row
    assert (row["state"], row["n_events"]) == ("running", 1)
    assert len(json.dumps(row, allow_nan=False)) < 10_000
    kinds = {"tags": list, "dropped": dict, "n_jobs": int, "batch_id": str}
    assert all(isinstance(row[name], kind) for name, kind in kinds.items())
    for name in ("host", "user", "command", "project", "experiment_type", "started_at"):
        assert row[name] is None or isinstance(row[name], str)
    assert row["attempt"] is None or type(row["attempt"]) is int


def test_two_edits_in_one_tick_of_the_clock_are_both_seen(run, watched):
    edits.change(run.path, lambda _: {"name": "first"})
    before = os.stat(run.path)
    watched.poll(time.time())
    edits.change(run.path, lambda _: {"name": "second"})
    os.utime(run.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a slow clock has it
    watched.poll(time.time())
    assert watched.row["name"] == "second"


def test_file_begun_anew_goes_on_from_what_the_sidecar_says(run, watched):
    """As a writer does that drops what is delivered."""
    run.epochs(0, 50)
    watched.poll(time.time())
    kept = {**watched._sums, "events_bytes": (run.path / layout.EVENTS).stat().st_size}
    run.describe(batch_id="b", **kept)
    (run.path / "fresh").touch()
    os.replace(run.path / "fresh", run.path / layout.EVENTS)
    watched.poll(time.time())
    run.epochs(50, 2)
    watched.poll(time.time())
    assert (watched.row["n_events"], watched.row["n_jobs"]) == (53, 1)
    size = (run.path / layout.EVENTS).stat().st_size
    run.describe(batch_id="b", **{**kept, "n_events": 60, "events_bytes": size})
    watched.poll(time.time())
    assert watched.row["n_events"] == 60


@pytest.mark.parametrize("kind", ["directory", "fifo", "link"])
def test_what_stands_in_place_of_an_event_file_is_not_opened(root, kind):
    run = Run(root / "odd", n_events=7)
    events = run.path / layout.EVENTS
    if kind == "link":
        events.symlink_to("/etc/passwd")
    else:
        os.mkfifo(events) if kind == "fifo" else events.mkdir()
    watched = Watched("odd", run.path)
    watched.poll(time.time())
    assert (watched.row["n_events"], watched.row["events_bytes"]) == (7, 0)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root reads everything")
def test_run_with_a_private_event_file_is_shown_by_its_sidecar(root):
    run = Run(root / "private", n_events=7)
    run.append(event("batch_start"))
    (run.path / layout.EVENTS).chmod(0)
    watched = Watched("private", run.path)
    watched.poll(time.time())
    assert watched.row["n_events"] == 7


def test_clock_that_was_set_back_keeps_no_state_for_hours(run, monkeypatch):
    now = time.time()
    run.describe(batch_id="b", pid=1, host="elsewhere")
    watched = Watched("b", run.path)
    watched.poll(now + 86_400 * 300)
    assert watched.row["state"] == "stalled"
    for name in ("argus.scanner.watched.TICK_NS", "argus.scanner.tree.TICK_NS"):
        monkeypatch.setattr(name, -(10**18))  # as if all were written long ago
    watched.poll(now + 86_400 * 300)
    assert watched.poll(now)
    assert watched.row["state"] == "running"


def test_running_run_in_which_nothing_changes_costs_no_row(run, monkeypatch):
    for name in ("argus.scanner.watched.TICK_NS", "argus.scanner.tree.TICK_NS"):
        monkeypatch.setattr(name, -(10**18))  # as if all were written long ago
    now = time.time()
    watched = Watched("b", run.path)
    assert watched.poll(now)
    made: list[str] = []

    def row_of(run_id, *_):
        made.append(run_id)
        return {}

    monkeypatch.setattr("argus.scanner.watched.row_of", row_of)
    for later in range(3, 60, 3):
        assert not watched.poll(now + later)
    assert made == []
    assert watched.poll(now + 86_400)
    assert made == ["b"]


def test_sidecar_written_while_we_look_counts_nothing_twice(run, monkeypatch):
    """Its writer is ahead of the size that we saw."""
    watched = Watched("b", run.path)
    seen = watched._seen

    def seen_and_then_written():
        marks = seen()
        monkeypatch.setattr(watched, "_seen", seen)
        run.epochs(0, 5)
        size = (run.path / layout.EVENTS).stat().st_size
        run.describe(batch_id="b", n_events=6, n_jobs=1, events_bytes=size)
        return marks

    monkeypatch.setattr(watched, "_seen", seen_and_then_written)
    for _ in range(2):
        watched.poll(time.time())
        assert watched.row["n_events"] == 6
