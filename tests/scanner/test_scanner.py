"""The scanner on real directories. `settle` waits until it has seen what is there."""

import json
import os
import shutil
import time
from typing import Any

import pytest

from argus.rundir import edits, layout
from argus.scanner import RunScanner
from argus.scanner.watched import Watched
from tests.scanner.conftest import Run
from tests.server.events import event

RUN_ID = "20260101/000000/b"


@pytest.fixture
def scanner(root):
    with RunScanner(root, poll_interval=0.02) as scanner:
        yield scanner


def settle(scanner, condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, scanner.rows()
        time.sleep(0.01)


def row_when(scanner, condition):
    settle(scanner, lambda: (row := scanner.row(RUN_ID)) is not None and condition(row))
    return scanner.row(RUN_ID)


def lines(stream):
    return [json.loads(line) for line in stream]


def test_run_is_there_grows_and_goes(root, run, scanner):
    told = scanner.listen(scanner.feed.last_number, 10)
    assert row_when(scanner, lambda row: True)["n_total_jobs"] == 2
    run.epochs(0, 3)
    row = row_when(scanner, lambda row: row["n_events"] == 4)
    assert (row["state"], row["n_running"], row["last"]) == ("running", 1, {"loss": 1 / 3})
    run.append(event("job_done", job_id="j", data={"metrics": {"MSE": 1}}), event("batch_done"))
    assert row_when(scanner, lambda row: row["state"] == "done")["metrics"] == {"MSE": 1}
    shutil.rmtree(run.path)
    settle(scanner, lambda: not scanner.rows())
    kinds = []
    while "gone" not in kinds:
        kinds += [message.kind for message in next(told)]
    assert set(kinds) <= {"run", "gone", "scan"}
    assert scanner.row(RUN_ID) is None


def test_torn_line_waits_for_its_rest(run, scanner):
    whole = json.dumps(event("job_epoch", job_id="j", data={"epoch": 1, "loss": 0.25})).encode()
    with open(run.path / layout.EVENTS, "ab", buffering=0) as file:
        file.write(whole[:100])
        row_when(
            scanner,
            lambda row: row["events_bytes"] == run.path.joinpath(layout.EVENTS).stat().st_size,
        )
        assert scanner.row(RUN_ID)["n_events"] == 1
        file.write(whole[100:] + b"\n")
    assert row_when(scanner, lambda row: row["n_events"] == 2)["last"] == {"loss": 0.25}


def test_directory_that_was_replaced_is_read_anew(root, run, scanner):
    run.epochs(0, 50)
    row_when(scanner, lambda row: row["n_events"] == 51)
    list(scanner.metrics_stream(RUN_ID))
    shutil.rmtree(run.path)
    again = Run(run.path)
    again.epochs(0, 2, job_id="other")
    row = row_when(scanner, lambda row: row["n_events"] == 2)
    assert [job["job_id"] for job in row["jobs"]] == ["other"]
    chunk, _ = lines(scanner.metrics_stream(RUN_ID))
    assert [series["job"] for series in chunk["series"]] == ["other"]
    assert lines(scanner.metrics_stream(RUN_ID, 10**9))[0] == {"type": "reset"}
    assert json.loads(scanner.metrics_json_bytes(RUN_ID))["events"] == {"job_epoch": 2}


def test_viewer_that_has_some_gets_only_the_rest(run, scanner):
    run.epochs(0, 5)
    row_when(scanner, lambda row: row["n_events"] == 6)
    first, done = lines(scanner.metrics_stream(RUN_ID))
    assert (first["type"], done["type"]) == ("chunk", "done")
    run.epochs(5, 2)
    more, done = lines(scanner.metrics_stream(RUN_ID, done["offset"]))
    assert more["series"][0]["epoch"] == [5, 6]
    assert lines(scanner.metrics_stream(RUN_ID, done["offset"])) == [done]
    everything = lines(scanner.metrics_stream(RUN_ID))
    points = [x for chunk in everything[:-1] for x in chunk["series"][0]["epoch"]]
    assert points == list(range(7))
    whole = json.loads(scanner.metrics_json_bytes(RUN_ID))
    assert (whole["series"][0]["epoch"], whole["offset"]) == (list(range(7)), done["offset"])


def test_large_file_is_told_piece_by_piece_and_each_piece_read_once(run, scanner, monkeypatch):
    monkeypatch.setattr("argus.scanner.metrics.CHUNK_BYTES", 1_000)
    run.epochs(0, 60)
    settle(scanner, lambda: scanner.row(RUN_ID))
    once = list(scanner.metrics_stream(RUN_ID))
    assert len(once) > 10
    monkeypatch.setattr("argus.scanner.metrics._read_chunk", lambda follower: None)
    assert list(scanner.metrics_stream(RUN_ID)) == once


def test_run_without_a_sidecar_and_one_with_a_broken_one_are_runs_too(root, scanner):
    plain = root / "old"
    plain.mkdir(parents=True)
    (plain / layout.EVENTS).write_bytes(json.dumps(event("batch_start")).encode() + b"\n")
    (plain / layout.SIDECAR).write_bytes(b"{")
    settle(scanner, lambda: (row := scanner.row("old")) is not None and row["n_events"] == 1)


def test_bare_nan_in_a_sidecar_is_strict_json_in_the_row(run, scanner):
    run.describe(batch_id="b", config={"lr": float("nan")})
    row = row_when(scanner, lambda row: row["config"] is not None)
    assert row["config"] == {"lr": "NaN"}


def test_edits_are_in_the_row_and_in_nobody_elses_file(run, scanner):
    settle(scanner, lambda: scanner.row(RUN_ID))
    before = (run.path / layout.SIDECAR).read_bytes()
    row = scanner.edit(RUN_ID, {"name": "Best", "tags": ["good"], "run_id": "x", "state": "done"})
    assert (row["name"], row["tags"]) == ("Best", ["good"])
    assert scanner.edit(RUN_ID, {"archived": True})["name"] == "Best"
    assert edits.read(run.path).archived
    assert (run.path / layout.SIDECAR).read_bytes() == before
    assert scanner.edit("nobody", {}) is None


def test_unknown_run_is_none(scanner):
    assert scanner.logs_index("x") is None
    assert scanner.log_content("x", "events") is None
    assert scanner.media_json("../..") is None
    assert scanner.media_file_path("x", "media/a.png") is None
    assert scanner.metrics_json_bytes("x") is None
    assert scanner.metrics_stream("x") is None


def test_first_scan_goes_on_in_the_background_and_says_when_it_is_done(root):
    for number in range(300):
        Run(root / f"r{number:03d}")
    began = time.monotonic()
    scanner = RunScanner(root)
    told = scanner.listen(scanner.feed.last_number, 10)
    scanner.start()
    assert time.monotonic() - began < 1.0
    messages: list[Any] = []
    while not messages or not json.loads(messages[-1].data).get("complete"):
        messages += next(told)
    scanner.close()
    assert scanner.status()["runs"] == 300
    assert sum(message.kind == "run" for message in messages) == 300
    assert sum(message.kind == "scan" for message in messages) > 1


def test_idle_runs_are_not_opened(root, monkeypatch):
    for number in range(50):
        Run(root / f"r{number}").append(event("batch_start"), event("batch_done"))
    with RunScanner(root, poll_interval=0.02) as scanner:
        settle(scanner, lambda: len(scanner.rows()) == 50)
        monkeypatch.setattr("argus.scanner.tree.TICK_NS", -(10**18))
        monkeypatch.setattr("argus.scanner.watched.TICK_NS", -(10**18))
        time.sleep(0.2)
        opened = []
        real_open = os.open

        def noted_open(path, *rest, **more):
            opened.append(str(path))
            return real_open(path, *rest, **more)

        monkeypatch.setattr(os, "open", noted_open)
        time.sleep(0.3)
    assert [path for path in opened if str(root) in path] == []


def test_run_that_breaks_its_reader_takes_no_neighbour_along(root, run, monkeypatch, caplog):
    Run(root / "a-first")
    real = Watched.poll

    def poll(watched, wall_now):
        if watched.run_id == "a-first":
            raise RuntimeError("nobody has thought of this")
        return real(watched, wall_now)

    monkeypatch.setattr(Watched, "poll", poll)
    with RunScanner(root, poll_interval=0.01) as scanner:
        assert row_when(scanner, lambda row: row["n_events"] == 1)
        run.epochs(0, 1)
        assert row_when(scanner, lambda row: row["n_events"] == 2)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"{root / 'a-first'} cannot be summed up"
    ]


def test_name_that_is_no_text_can_be_asked_for(root, scanner):
    name = os.fsdecode(b"odd\xff\n%41")
    try:
        Run(root / name).epochs(0, 1)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    settle(scanner, scanner.rows)
    [row] = scanner.rows()
    assert row["run_id"] == "odd\\xff\n%41"
    sent = json.loads(scanner.listing()[1])["runs"][0]["run_id"]
    assert len(list(scanner.metrics_stream(sent))) == 2


def test_run_removed_and_made_again_between_two_looks_is_there(root, run):
    scanner = RunScanner(root)
    scanner._look_at_all()
    shutil.rmtree(run.path)
    [watched] = scanner._all()
    scanner._look_at(watched)
    assert scanner.rows() == []
    Run(run.path)
    scanner._look_at_all()
    assert [row["run_id"] for row in scanner.rows()] == [RUN_ID]


def test_list_is_made_once_for_all_who_ask(root, run, scanner):
    settle(scanner, lambda: scanner.row(RUN_ID))
    settle(scanner, lambda: scanner.status()["complete"])
    number, listed = scanner.listing()
    assert scanner.listing()[1] is listed
    scanner.edit(RUN_ID, {"name": "N"})
    again, changed = scanner.listing()
    assert again > number
    assert json.loads(changed)["runs"][0]["name"] == "N"


def test_root_that_goes_and_comes_back_has_its_runs_again(root, run, tmp_path):
    scanner = RunScanner(root)

    def seen():
        scanner._look_at_all()
        return [row["run_id"] for row in scanner.rows()]

    assert seen() == [RUN_ID]
    root.rename(tmp_path / "away")
    assert seen() == []
    root.write_text("a file")
    assert seen() == []
    root.unlink()
    (tmp_path / "away").rename(root)
    assert seen() == [RUN_ID]
