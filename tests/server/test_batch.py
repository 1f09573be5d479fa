import json
import os

import pytest

from argus.rundir.run import RunDirectory
from argus.server import stop
from argus.server.batch import Batch
from argus.server.index import event_key
from argus.server.ingest import Arrival, Stored
from argus.server.plain import LedElsewhereError
from tests.server.events import event


def arrivals(*events):
    return [Arrival(n, each, json.dumps(each).encode()) for n, each in enumerate(events)]


@pytest.fixture
def batch(tmp_path):
    batch = Batch("bench-1", tmp_path / "run")
    yield batch
    batch.close()


def sidecar(batch):
    return json.loads((batch.path / "run.json").read_text("utf-8"))


def test_events_are_kept_once_and_numbered(batch):
    first, second, third = event(), event(), event()
    assert batch.add(arrivals(first, second, first)) == [
        Stored(1, True),
        Stored(2, True),
        Stored(1, False),
    ]
    assert batch.add(arrivals(second, third)) == [Stored(2, False), Stored(3, True)]
    kept = (batch.path / "events.jsonl").read_bytes()
    assert kept == b"".join(json.dumps(each).encode() + b"\n" for each in (first, second, third))


def test_the_sidecar_follows_the_batch(batch):
    batch.add(arrivals(event("batch_start", data={"n_total_jobs": 2, "command": "train"})))
    assert sidecar(batch)["status"] == "running"
    batch.add(arrivals(event("job_start"), event("job_done"), event("batch_done")))
    described = sidecar(batch)
    assert described["status"] == "done"
    assert (described["n_events"], described["n_done"], described["n_total_jobs"]) == (4, 1, 2)
    assert described["events_bytes"] == (batch.path / "events.jsonl").stat().st_size


def test_a_released_batch_is_taken_up_again_with_all_it_knew(batch):
    first = event("job_start")
    batch.add(arrivals(first))
    batch.release()
    assert not batch.is_open
    assert batch.has_job("job-1")
    assert not batch.is_open
    assert batch.add(arrivals(event(), first)) == [Stored(2, True), Stored(1, False)]


def test_the_directory_is_locked_while_the_batch_is_open(batch):
    batch.add(arrivals(event()))
    assert RunDirectory.recover(batch.path, kept=True) is None
    batch.release()
    run = RunDirectory.recover(batch.path, kept=True)
    assert run is not None
    run.release()


def test_half_a_last_line_does_not_harm_the_next_event(batch):
    first, second = event(), event()
    batch.add(arrivals(first))
    batch.release()
    with open(batch.path / "events.jsonl", "ab") as file:
        file.write(b'{"event_id":"550e')
    assert batch.add(arrivals(second, first)) == [Stored(2, True), Stored(1, False)]
    batch.close()
    lines = (batch.path / "events.jsonl").read_bytes().splitlines()
    assert [event_key(json.loads(line)) for line in lines] == [event_key(first), event_key(second)]


def test_the_summary_of_an_untouched_batch_is_that_of_its_events(batch, tmp_path):
    batch.add(arrivals(event("batch_start"), event("job_failed")))
    known = batch.summary()
    batch.close()
    assert Batch("bench-1", batch.path).summary() == known  # from the sidecar
    with open(batch.path / "events.jsonl", "ab") as file:
        file.write(json.dumps(event("job_done", job_id="other")).encode() + b"\n")
    changed = Batch("bench-1", batch.path).summary()  # the sidecar is older than the file
    assert (changed["n_events"], changed["n_done"], changed["n_failed"]) == (3, 1, 1)
    assert known.keys() == changed.keys()


def test_a_directory_that_cannot_be_written_keeps_nothing(batch, tmp_path):
    (tmp_path / "run").write_bytes(b"a file stands in the way")
    with pytest.raises(OSError):
        batch.add(arrivals(event()))
    os.unlink(tmp_path / "run")
    assert batch.add(arrivals(event())) == [Stored(1, True)]


def test_a_closed_batch_keeps_nothing_more(batch):
    batch.add(arrivals(event()))
    batch.close()
    with pytest.raises(OSError, match="closing"):
        batch.add(arrivals(event()))


def test_a_batch_that_is_started_anew_is_not_told_to_stop(batch):
    start = event("batch_start")
    batch.add(arrivals(start))
    batch.request_stop("2026-04-23T09:23:06Z", "ann")
    batch.add(arrivals(start, event()))  # sent again, or simply going on: the flag stays
    assert batch.stop_state()["requested"]
    batch.release()
    batch.add(arrivals(event("batch_start")))
    assert not batch.stop_state()["requested"]


def test_a_stop_that_is_asked_for_before_the_first_start_stays(batch):
    batch.add(arrivals(event()))  # of another process, which was faster
    batch.request_stop("2026-04-23T09:23:06Z", "ann")
    batch.add(arrivals(event("batch_start"), event()))
    assert batch.stop_state()["requested"]


def test_a_restart_that_cannot_be_written_comes_again_and_is_one_then(batch, monkeypatch):
    batch.add(arrivals(event("batch_start")))
    batch.request_stop("2026-04-23T09:23:06Z", "ann")
    start = arrivals(event("batch_start"))
    with monkeypatch.context() as patch:
        patch.setattr("argus.rundir.journal.Journal.append", full)
        with pytest.raises(OSError):
            batch.add(start)
    assert batch.add(start) == [Stored(2, True)]
    assert not batch.stop_state()["requested"]


def full(*_, **__):
    raise OSError(28, "No space left on device")


def test_what_was_written_but_not_noted_is_known_when_it_comes_again(batch, monkeypatch):
    first = event("job_start")
    with monkeypatch.context() as patch:
        patch.setattr("argus.server.lookup.Lookup.update", full)
        with pytest.raises(OSError):
            batch.add(arrivals(first))
    assert batch.add(arrivals(event(), first)) == [Stored(2, True), Stored(1, False)]
    assert len((batch.path / "events.jsonl").read_bytes().splitlines()) == 2


def test_a_batch_whose_sidecar_cannot_be_written_keeps_nothing(batch, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("argus.rundir.sidecar.write", full)
        with pytest.raises(OSError):
            batch.add(arrivals(event()))
    assert not batch.is_open
    assert batch.add(arrivals(event())) == [Stored(1, True)]


@pytest.mark.parametrize("name", ["run", "run/events.jsonl", "run/lock"])
def test_nothing_is_written_through_a_link(batch, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"theirs")
    if name == "run":
        (tmp_path / name).symlink_to(outside, target_is_directory=True)
    else:
        (tmp_path / "run").mkdir()
        (tmp_path / name).symlink_to(outside / "file")
    with pytest.raises(OSError):
        batch.add(arrivals(event("batch_start")))
    if name != "run/lock":
        with pytest.raises(LedElsewhereError):
            batch.has_job("job-1")
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == b"theirs"


def test_a_stop_flag_that_leads_elsewhere_requests_nothing_and_is_replaced(batch, tmp_path):
    batch.add(arrivals(event()))
    (tmp_path / "theirs").write_text('{"requested": true, "requested_by": "secret"}')
    (batch.path / stop.STOP).symlink_to(tmp_path / "theirs")
    assert batch.stop_state() == {"requested": False, "requested_at": None, "requested_by": None}
    assert batch.request_stop("now", "ann")["requested_by"] == "ann"
    assert "secret" in (tmp_path / "theirs").read_text()


def test_the_jobs_of_a_released_batch_are_known_without_its_index(batch):
    batch.add(arrivals(*(event("job_start", job_id=f"job-{n}") for n in range(500))))
    batch.release()
    asked = ("job-0", "job-499", "job-500", "")
    assert [batch.has_job(job_id) for job_id in asked] == [True, True, False, False]
    assert [Batch("x", batch.path).has_job(job_id) for job_id in asked] == [
        True,
        True,
        False,
        False,
    ]
