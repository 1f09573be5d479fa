"""Artifacts against a real platform process."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from pathlib import Path

import pytest

from argus.delivery.channel import Channel
from argus.delivery.upload_request import BATCH_LABEL, UploadRequest
from tests.delivery.conftest import runs_in
from tests.platform.peers import StandIn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def figures(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG + name.encode())
    return directory


def start_job(channel: Channel, job_id: str = "j") -> None:
    channel.put(("batch_start", time.time(), None, {}, None), urgent=True)
    channel.put(("job_start", time.time(), job_id, {}, None), urgent=True)


def upload(
    channel: Channel, path: Path, job_id: str | None = "j", label: str | None = None
) -> UploadRequest:
    request = UploadRequest(str(path), "**/*", "b", job_id, label)
    channel.put(request, urgent=True)
    return request


def test_files_arrive_whole_after_the_events_of_their_job(
    stand_in: StandIn, open_channel, tmp_path: Path, state: Path
):
    directory = figures(tmp_path / "out", "a.png", "deep/ü b.svg", "c.txt", "d.JPG")
    channel = open_channel(stand_in.url)
    start_job(channel)
    request = upload(channel, directory)
    assert request.done.wait(10.0)
    assert request.uploaded == 3
    channel.close("done")
    sent = {one["filename"]: one for one in stand_in.uploads()}
    assert sorted(sent) == ["a.png", "d.JPG", "ü b.svg"]
    assert sent["a.png"]["sha256"] == hashlib.sha256(PNG + b"a.png").hexdigest()
    assert (sent["a.png"]["job_id"], sent["a.png"]["content_type"]) == ("j", "image/png")
    first = [request["path"] for request in stand_in.requests()]
    assert first[0] == "/api/events/batch"
    assert channel.uploaded == 3
    assert runs_in(state) == []


def test_a_batch_without_artifacts_of_its_own_has_its_latest_job_take_them(
    stand_in: StandIn, open_channel, tmp_path: Path
):
    channel = open_channel(stand_in.url)
    start_job(channel)
    request = upload(channel, figures(tmp_path, "a.png"), label=BATCH_LABEL)
    assert request.done.wait(10.0)
    assert request.uploaded == 1
    (sent,) = stand_in.uploads()
    assert (sent["job_id"], sent["label"]) == ("j", "batch")
    assert [r["status"] for r in stand_in.requests("/artifacts")] == [404, 201]


def test_what_the_platform_refuses_is_told_once_and_holds_nothing_up(
    stand_in: StandIn, open_channel, tmp_path: Path, state: Path, caplog
):
    channel = open_channel(stand_in.url)
    start_job(channel)
    stand_in.wait_for(2)
    stand_in.mode("too_large:100", path="/artifacts", times=2)
    request = upload(channel, figures(tmp_path / "out", "a.png", "b.png", "c.png"))
    assert request.done.wait(10.0)
    assert request.uploaded == 1
    channel.close("done")
    assert [one["filename"] for one in stand_in.uploads()] == ["c.png"]
    assert [r.getMessage().split(":")[0] for r in caplog.records if r.levelname == "WARNING"] == [
        f"{tmp_path / 'out' / 'a.png'} was not uploaded"
    ]
    assert runs_in(state) == []


def test_an_upload_that_fails_for_now_is_tried_again(
    stand_in: StandIn, open_channel, tmp_path: Path
):
    channel = open_channel(stand_in.url)
    start_job(channel)
    stand_in.wait_for(2)
    stand_in.mode("status:500", path="/artifacts", times=1)
    upload(channel, figures(tmp_path, "a.png"))
    stand_in.wait_for(uploads=1)


def test_files_are_remembered_while_the_platform_is_away_and_sent_by_the_next_run(
    stand_in: StandIn, open_channel, tmp_path: Path, state: Path
):
    stand_in.kill()
    channel = open_channel(stand_in.url)
    start_job(channel)
    request = upload(channel, figures(tmp_path / "out", "a.png", "b.png"))
    assert request.done.wait(10.0), "a caller waits for a platform that is away"
    assert request.uploaded == 0
    channel.close("done")
    (kept,) = runs_in(state)
    assert (kept / "media.jsonl").read_bytes().count(b'"pending"') == 2

    stand_in.restart()
    after = open_channel(stand_in.url, "after")
    start_job(after, "other")
    after.close("done")
    assert sorted(one["filename"] for one in stand_in.uploads()) == ["a.png", "b.png"]
    assert runs_in(state) == []


def test_a_file_that_is_gone_by_then_is_given_up(
    stand_in: StandIn, open_channel, tmp_path: Path, state: Path
):
    stand_in.kill()
    channel = open_channel(stand_in.url)
    start_job(channel)
    upload(channel, figures(tmp_path / "out", "a.png")).done.wait(10.0)
    channel.close("done")
    (tmp_path / "out" / "a.png").unlink()
    stand_in.restart()
    after = open_channel(stand_in.url, "after")
    start_job(after, "other")
    after.close("done")
    assert stand_in.uploads() == []
    assert runs_in(state) == []


def test_an_upload_that_hangs_does_not_hold_the_exit(
    stand_in: StandIn, open_channel, tmp_path: Path, state: Path
):
    channel = open_channel(stand_in.url, ARGUS_EXIT_TIMEOUT="0.6")
    start_job(channel)
    stand_in.wait_for(2)
    stand_in.mode("hang", path="/artifacts")
    upload(channel, figures(tmp_path / "out", "a.png"))
    stand_in.wait_for(lambda platform: platform.requests("/artifacts"))
    before = time.monotonic()
    channel.close("done")
    assert time.monotonic() - before < 1.2
    assert len(runs_in(state)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads ru_maxrss in kilobytes")
def test_a_large_file_costs_no_memory(stand_in: StandIn, open_channel, tmp_path: Path):
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(300_000_000)  # sparse
    stand_in.mode("too_large:1000000000")
    channel = open_channel(stand_in.url)
    start_job(channel)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    request = upload(channel, large)
    assert request.done.wait(30.0)
    assert request.uploaded == 1
    assert stand_in.uploads()[0]["size"] == 300_000_000
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 40_000
