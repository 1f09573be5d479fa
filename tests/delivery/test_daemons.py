from __future__ import annotations

import threading

from argus.core.intervals import Intervals
from argus.delivery.daemons import Daemons
from tests.platform.peers import StandIn


def test_each_daemon_says_what_it_has_to_say(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.put(("batch_start", 0.0, None, {}, None), urgent=True)
    stand_in.wait_for(1)
    stand_in.stop_requested(True)
    stopped = threading.Event()
    daemons = Daemons(channel, Intervals(0.05, 0.05, 0.05), lambda: "job 1", stopped.set)
    daemons.start()
    assert stopped.wait(10.0)
    stand_in.wait_for(lambda platform: platform.events("resource_snapshot"))
    daemons.stop()
    heartbeat = stand_in.wait_for(lambda platform: platform.events("log_line"))[0]
    assert (heartbeat["job_id"], heartbeat["data"]) == (
        "job 1",
        {"line": "heartbeat", "level": "debug"},
    )


def test_heartbeats_tell_what_was_dropped(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.notices.dropped("buffer_full", 3)
    daemons = Daemons(channel, Intervals(0.05, None, None), lambda: "b", lambda: None)
    daemons.start()
    heartbeat = stand_in.wait_for(lambda platform: platform.events("log_line"))[0]
    daemons.stop()
    assert heartbeat["data"]["dropped"] == {"buffer_full": 3}


def test_what_is_off_has_no_thread(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    before = threading.active_count()
    daemons = Daemons(channel, Intervals(None, None, None), lambda: "b", lambda: None)
    daemons.start()
    assert threading.active_count() == before


def test_a_batch_whose_id_cannot_be_polled_is_said_so(stand_in: StandIn, open_channel, caplog):
    channel = open_channel(stand_in.url, "a/b")
    daemons = Daemons(channel, Intervals(None, 0.05, None), lambda: "b", lambda: None)
    daemons.start()
    assert "stop button cannot reach this batch" in caplog.text
