from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argus.core.jsonl import parsed_object
from argus.core.summary import Summary
from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices
from argus.delivery.outbox import Outbox
from argus.delivery.recorder import Recorder
from argus.delivery.upload_request import UploadRequest
from argus.rundir.journal import Journal
from tests.delivery.conftest import NOWHERE, epoch, settings_for


class Desk:
    """A recorder with what it works between."""

    def __init__(self, state: Path, max_bytes: int = 1_000_000) -> None:
        state.mkdir()
        self.file = state / "events.jsonl"
        self.channel = Channel(RunFacts("b", "p", None), settings_for(NOWHERE, state), Notices())
        self.outbox = Outbox(Journal(state, private=True), max_bytes, False, True, self._fail)
        self.passed_on: list[tuple[UploadRequest, int]] = []
        self.recorder = Recorder(
            self.channel,
            self.outbox,
            {"project": "p"},
            lambda request, mark: self.passed_on.append((request, mark)),
            Summary(),
        )

    def _fail(self, error: OSError) -> None:
        raise AssertionError(error)

    def written(self) -> list[Any]:
        events = [parsed_object(line) or {} for line in self.file.read_bytes().splitlines()]
        return [event["data"].get("epoch", event["event_type"]) for event in events]


@pytest.fixture
def desk(state: Path) -> Desk:
    return Desk(state)


def test_one_turn_writes_down_no_more_than_fills_a_request(desk: Desk):
    for number in range(1_100):
        desk.channel.buffer.put(epoch(number))
    assert desk.recorder.record()
    assert desk.written() == list(range(500))
    desk.recorder.record_all()
    assert desk.written() == list(range(1_100))
    assert (desk.recorder.recorded, desk.recorder.waiting) == (1_100, 0)


def test_an_event_that_cannot_be_encoded_takes_no_other_with_it(desk: Desk):
    for data in ({"epoch": 1}, lambda: 1 // 0, {"epoch": object()}, {"epoch": 2}):
        desk.channel.buffer.put(("job_epoch", 0.0, "j", data, None))
    desk.recorder.record()
    assert desk.written() == [1, 2]
    assert desk.channel.notices.counts == {"invalid": 2}


def test_an_upload_is_passed_on_with_the_bytes_that_go_before_it(desk: Desk):
    request = UploadRequest("a.png", "*", "b", "j", None)
    desk.channel.buffer.put(epoch(1))
    desk.channel.buffer.put(request)
    desk.channel.buffer.put(epoch(2))
    desk.recorder.record()
    first_line = desk.file.read_bytes().splitlines(keepends=True)[0]
    assert desk.passed_on == [(request, len(first_line))]
    backlog = desk.outbox.backlog()
    assert backlog is not None
    assert backlog.urgent, "who uploads does not linger"


def test_at_its_greatest_size_the_file_takes_lifecycle_events_alone(state: Path):
    desk = Desk(state, max_bytes=1)
    desk.channel.buffer.put(epoch(1))
    desk.recorder.record()
    desk.channel.buffer.put(epoch(2))
    desk.channel.buffer.put(("job_done", 0.0, "j", {}, None))
    desk.recorder.record()
    assert desk.written() == [1, "job_done"]
    assert desk.channel.notices.counts == {"journal_full": 1}
