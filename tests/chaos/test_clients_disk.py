"""A monitor whose disk is full, cannot be written, or is full of traps: what it has accepted is in
the file, what it could not keep comes again, and nothing goes elsewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.chaos.figures import count
from tests.platform.peers import MonitorProcess
from tests.server.events import Client, event, file_part


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path / "runs") as monitor:
        yield monitor


@pytest.fixture
def client(monitor):
    client = Client(monitor.port)
    yield client
    client.connection.close()


def kept(monitor):
    """The ids of the events of bench-1 on disk, each line of which is whole."""
    files = sorted(Path(monitor.runs).glob("*/*/bench-1/events.jsonl"))
    return [
        json.loads(line)["event_id"] for file in files for line in file.read_bytes().splitlines()
    ]


def limit_file_size(monitor, size):
    """No file of the monitor may grow beyond `size` bytes: as a full disk, but for it alone."""
    import resource

    hard = resource.prlimit(monitor.server.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(monitor.server.pid, resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is of Linux")
def test_a_full_disk_loses_nothing_that_was_accepted_and_keeps_the_rest_when_it_can(
    monitor, client, long
):
    sent = [event("batch_start"), *(event() for _ in range(200))]
    client.send(*sent[:20])
    [events] = Path(monitor.runs).glob("*/*/*/events.jsonl")
    rounds = 200 if long else 8
    accepted = {each["event_id"] for each in sent[:20]}
    for number in range(rounds):
        limit_file_size(monitor, events.stat().st_size + number * 37)
        for some in (sent[20:30], [*sent[:3], *sent[30:]]):
            for each, result in zip(some, client.send(*some)["results"]):
                if result["status"] == "rejected":
                    assert result["error"].startswith("internal: ")
                else:
                    accepted.add(each["event_id"])
        assert set(kept(monitor)) == accepted
        new = client.send(event("batch_start", batch_id=f"new-{number}"))["results"][0]
        assert new["status"] == "accepted" or new["error"].startswith("internal: ")
        upload = client.upload("/api/jobs/job-1/artifacts", file_part("plot.png", b"x" * 100_000))
        assert upload.status in (201, 500)
        count("requests to a monitor on a full disk", 4)
        limit_file_size(monitor, -1)
    assert len(accepted) < len(sent)
    later = client.send(*sent)
    assert later["accepted"] == len(sent)
    assert sorted(kept(monitor)) == sorted(each["event_id"] for each in sent)
    assert client.upload("/api/jobs/job-1/artifacts", file_part("plot.png")).status == 201
    assert list(Path(monitor.runs).rglob(".upload-*")) == []
    assert "Traceback" not in monitor.server.stderr()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_runs_directory_that_cannot_be_written_makes_events_come_again(monitor, client):
    first, second = event(), event(batch_id="other")
    client.send(first)
    Path(monitor.runs).chmod(0o500)
    for directory in Path(monitor.runs).glob("*"):
        if directory.is_dir():
            directory.chmod(0o500)
    for directory in Path(monitor.runs).glob("*/*"):
        directory.chmod(0o500)
    try:
        [result] = client.send(second)["results"]
        assert (result["status"], result["error"][:10]) == ("rejected", "internal: ")
        assert client.send(event())["accepted"] == 1  # its files are open
    finally:
        for directory in (
            Path(monitor.runs),
            *Path(monitor.runs).glob("*"),
            *Path(monitor.runs).glob("*/*"),
        ):
            if directory.is_dir():
                directory.chmod(0o700)
    assert client.send(second)["accepted"] == 1


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_no_link_below_the_runs_directory_leads_a_monitor_outside(monitor, client, tmp_path):
    client.send(event("job_start", batch_id="media"), event("batch_start", batch_id="stop"))
    client.send(event("batch_start", batch_id="whole"))
    monitor.kill()
    outside = tmp_path / "outside"
    (outside / "x" / "y").mkdir(parents=True)
    (outside / "file").write_text('{"requested": true, "requested_by": "theirs"}')
    found = {path.name: path for path in Path(monitor.runs).glob("*/*/*")}
    (found["media"] / "media").symlink_to(outside, target_is_directory=True)
    (found["stop"] / "stop.json").symlink_to(outside / "file")
    found["whole"].rename(outside / "x" / "y" / "whole")
    found["whole"].symlink_to(outside / "x" / "y" / "whole", target_is_directory=True)
    (Path(monitor.runs) / "20990101").symlink_to(outside, target_is_directory=True)
    (outside / "x" / "y" / "whole" / "media").mkdir()
    (outside / "x" / "y" / "whole" / "media" / ".upload-theirs").write_bytes(b"theirs")
    before = {path: path.stat().st_mtime_ns for path in sorted(outside.rglob("*"))}

    monitor.restart()
    client = Client(monitor.port)
    listed = {each["batch_id"] for each in client.ask("GET", "/api/batches").body}
    assert listed == {"media", "stop"}
    asked = client.ask("GET", "/api/batches/stop/stop-requested").body
    assert asked == {"requested": False, "requested_at": None, "requested_by": None}
    assert client.upload("/api/jobs/job-1/artifacts", file_part("plot.png")).status == 500
    assert client.send(event("batch_start", batch_id="whole"))["accepted"] == 1
    client.connection.close()
    assert {path: path.stat().st_mtime_ns for path in sorted(outside.rglob("*"))} == before


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_run_directory_that_becomes_a_link_is_not_written_through(monitor, client, tmp_path):
    client.send(event("batch_start"), event("job_start"))
    [own] = Path(monitor.runs).glob("*/*/*")
    outside = tmp_path / "outside"
    own.rename(outside)
    own.symlink_to(outside, target_is_directory=True)
    before = sorted(path.name for path in outside.iterdir())
    assert client.ask("POST", "/api/batches/bench-1/stop").status == 500
    assert client.upload("/api/batches/bench-1/artifacts", file_part("plot.png")).status == 500
    assert sorted(path.name for path in outside.iterdir()) == before
