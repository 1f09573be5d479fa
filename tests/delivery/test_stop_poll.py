from __future__ import annotations

from pathlib import Path

import pytest

from argus.core.intervals import Intervals
from argus.core.verdicts import NetworkFailure, Reply
from argus.delivery.daemons import Daemons
from argus.delivery.notices import Notices
from argus.delivery.stop_poll import StopPoll, is_requested, longer_pause_s
from tests.delivery.conftest import settings_for
from tests.platform.peers import StandIn


@pytest.mark.parametrize(
    ("answer", "stop"),
    [
        (Reply(200, b'{"requested": true}'), True),
        (Reply(200, b'{"stop_requested": true}'), True),
        (Reply(200, b'{"requested": false, "requested_at": null}'), False),
        (Reply(200, b'{"requested": "true"}'), False),
        (Reply(200, b'{"requested": 1}'), False),
        (Reply(200, b"<html>"), False),
        (Reply(200, b"[]"), False),
        (Reply(404, b'{"requested": true}'), False),
        (NetworkFailure("refused"), False),
    ],
)
def test_only_a_real_true_stops_a_training(answer, stop: bool):
    assert is_requested(answer) is stop


@pytest.mark.parametrize(
    ("answer", "pause_s"),
    [
        (Reply(200, b"{}"), None),
        (Reply(404), None),
        (Reply(429, retry_after="42"), 42.0),
        (Reply(429), None),
        (Reply(401), 60.0),
        (NetworkFailure("refused"), None),
    ],
)
def test_a_platform_that_wants_fewer_questions_gets_fewer(answer, pause_s):
    assert longer_pause_s(answer, 0.0) == pause_s


def test_the_button_of_the_batch_is_asked_for_by_its_encoded_id(stand_in: StandIn, tmp_path: Path):
    stand_in.stop_requested(True)
    settings = settings_for(stand_in.url, tmp_path, ARGUS_TOKEN="em_live_x")
    poll = StopPoll("a batch?", settings, Notices())
    poll.ask()
    poll.close()
    (request,) = stand_in.requests()
    assert request["path"] == "/api/batches/a%20batch%3F/stop-requested"
    assert request["headers"]["authorization"] == "Bearer em_live_x"


@pytest.mark.parametrize("retry_after", ["0", "0.001"])
def test_a_platform_that_is_asked_too_often_is_never_asked_more_often(
    stand_in: StandIn, open_channel, retry_after: str
):
    stand_in.mode("status:429", path="stop-requested", retry_after=retry_after)
    daemons = Daemons(
        open_channel(stand_in.url), Intervals(None, 0.2, None), lambda: "b", lambda: None
    )
    daemons.start()
    stand_in.wait_for(requests=3)
    daemons.stop()
    first, _, third = [request["at"] for request in stand_in.requests()[:3]]
    assert third - first > 0.35
