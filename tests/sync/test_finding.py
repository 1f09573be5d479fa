from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from argus.rundir import layout
from argus.sync.finding import Wanted, default_items, found, stored_position
from tests.sync.runs import a_file, a_run, plain_event, story


def test_a_directory_stands_for_all_runs_below_it(tmp_path: Path):
    paths = [a_run(tmp_path / place, story(place[0])) for place in ("a/b/c", "d", "e/f")]
    a_file(tmp_path / "train.jsonl", {"text": "a data set"})
    items, complaints = found([tmp_path, tmp_path / "d"])
    assert sorted(item.path for item in items) == sorted(paths)
    assert {item.batch_id for item in items} == {"a", "d", "e"}
    assert complaints == []


def test_a_file_is_one_of_events_and_the_event_file_of_a_run_is_that_run(tmp_path: Path):
    file = a_file(tmp_path / "mine.txt", plain_event(1, batch_id="x"))
    run = a_run(tmp_path / "run")
    items, _ = found([file, run / layout.EVENTS])
    assert [(item.path, item.is_run, item.batch_id) for item in items] == [
        (file, False, "x"),
        (run, True, "b"),
    ]


def test_the_leavings_of_argus_reporter_are_found_by_their_directory(tmp_path: Path):
    for name in ("spill-7-1.jsonl", "spill-8-2.jsonl.draining", "other.jsonl"):
        a_file(tmp_path / name, plain_event(1))
    items, _ = found([tmp_path])
    assert [item.path.name for item in items] == ["spill-7-1.jsonl", "spill-8-2.jsonl.draining"]


def test_a_link_that_is_named_is_followed(tmp_path: Path):
    run = a_run(tmp_path / "run")
    (tmp_path / "link").symlink_to(run)
    assert [item.path for item in found([tmp_path / "link"])[0]] == [run.resolve()]


def test_bad_input_is_told_and_the_rest_is_found(tmp_path: Path):
    run = a_run(tmp_path / "run")
    later = a_run(tmp_path / "later")
    document = json.loads((later / layout.SIDECAR).read_text("utf-8"))
    (later / layout.SIDECAR).write_text(json.dumps({**document, "format": 99}), "utf-8")
    (tmp_path / "empty").mkdir()
    items, complaints = found([tmp_path / "gone", tmp_path / "empty", later, run])
    assert [item.path for item in items] == [run]
    assert [(each.path.name, each.text) for each in complaints] == [
        ("gone", "No such file or directory"),
        ("empty", "there is no run in it"),
        ("later", "a later version of argus has written it"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFO")
def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    items, complaints = found([tmp_path / "pipe"])
    assert (items, [each.text for each in complaints]) == ([], ["not a regular file"])


def test_without_a_path_it_is_what_waits_and_what_is_kept_and_nothing_of_a_monitor(tmp_path: Path):
    waiting = a_run(tmp_path / "state" / "spill" / "x.h.1.0a")
    kept = a_run(tmp_path / "runs" / "20260422" / "092306" / "k")
    a_run(tmp_path / "runs" / "20260422" / "092306" / "m", written_by="monitor")
    items = default_items(tmp_path / "state", tmp_path / "runs")
    assert {item.path for item in items} == {waiting, kept}
    assert [item.is_private for item in items if item.path == waiting] == [True]
    assert default_items(None, tmp_path / "nowhere") == []


def test_of_several_attempts_the_last_speaks_for_the_batch(tmp_path: Path):
    for name, began, joins in (("1", "01", False), ("2", "02", False), ("fork", "03", True)):
        a_run(tmp_path / name, created_at=f"2026-04-22T09:23:{began}Z", joins=joins)
    items, _ = found([tmp_path])
    assert [(item.path.name, item.is_latest) for item in items] == [
        ("1", False),
        ("2", True),
        ("fork", True),
    ]


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Wanted(), True),
        (Wanted(("p",)), True),
        (Wanted(("P",)), False),
        (Wanted(("x", "p*")), True),
        (Wanted((), ("bench-?",)), True),
        (Wanted(("p",), ("bench",)), False),
    ],
)
def test_patterns_choose_among_batches(wanted: Wanted, takes: bool):
    assert wanted.takes("p", "bench-7") is takes


def test_a_run_without_a_name_is_only_meant_where_all_are(tmp_path: Path):
    run = a_run(tmp_path / "run", [], batch_id=None, project=None)
    item = found([run])[0][0]
    assert (item.batch_id, item.project) == (None, None)
    assert not Wanted(("p",)).takes(item.project, item.batch_id)


def test_a_position_is_that_of_one_platform(tmp_path: Path):
    run = a_run(tmp_path / "run", url="http://home")
    (run / layout.DELIVERED).write_text("10\n")
    (run / layout.SYNCED).write_text(json.dumps({"positions": {"http://b": 20, "http://c": "x"}}))
    item = found([run])[0][0]
    positions = [stored_position(item, f"http://{name}") for name in ("home", "b", "c", "d")]
    assert positions == [10, 20, 0, 0]


def test_a_file_of_another_encoding_is_refused_with_what_to_do(tmp_path: Path):
    file = tmp_path / "events.jsonl"
    file.write_bytes(json.dumps(plain_event(1)).encode("utf-16"))
    items, [complaint] = found([file])
    assert (items, "iconv" in complaint.text) == ([], True)
