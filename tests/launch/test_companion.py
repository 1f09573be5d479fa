"""What ranks do for each other beside the training."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from argus.core.intervals import Intervals
from argus.delivery.notices import Notices
from argus.launch import companion, wanted
from argus.launch.companion import Companion
from argus.launch.handover import Handover
from argus.launch.key import Key
from argus.launch.place import Place
from argus.launch.rank import Rank
from tests.delivery.conftest import settings_for
from tests.environment import clean_environment, quiet
from tests.launch.test_place import PLAIN
from tests.platform.peers import StandIn

__all__ = ["clean_environment"]

LIMIT_S = 30.0
KEY = Key("batch", "launch")
FIRST = Rank("srun", 0, 4, 0, None, 0)


class Training:
    """One rank of a training, as far as its companion sees it."""

    def __init__(self, state: Path, rank: Rank, url: str | None = None, **intervals: Any) -> None:
        self.stopped = threading.Event()
        self.batch_id = ""
        self.is_known = threading.Event()
        self.place = Place(rank, KEY, None, PLAIN, settings_for(url, state), Notices())
        told = Intervals(None, intervals.get("stop_poll_s", 0.05), intervals.get("snapshot_s"))
        self.companion = Companion(
            self.place, told, self.stopped.is_set, self.stopped.set, self._known
        )

    def _known(self, batch_id: str) -> None:
        self.batch_id = batch_id
        self.is_known.set()

    def __enter__(self) -> Training:
        self.companion.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.companion.stop()


@pytest.fixture(autouse=True)
def _each_the_first_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "_numbers", {})


def rank(number: int, local: int, node: int = 0) -> Rank:
    return FIRST._replace(number=number, local=local, node=node)


def test_a_stop_reaches_the_others_also_from_one_that_leaves_at_once(tmp_path: Path):
    with Training(tmp_path, rank(1, 1)) as other, Training(tmp_path, rank(2, 0, 1)) as third:
        with Training(tmp_path, FIRST) as first:
            first.stopped.set()
        assert other.stopped.wait(LIMIT_S)
        assert third.stopped.wait(LIMIT_S)


def test_a_stop_reaches_the_others_also_where_no_word_can_be_written(tmp_path: Path):
    first = Training(tmp_path, FIRST)
    handover = Handover(tmp_path, KEY.launch, "1")
    (handover.directory / "batch-1.json").mkdir(parents=True)
    with Training(tmp_path, rank(1, 1)) as other, first:
        first.stopped.set()
        assert other.stopped.wait(LIMIT_S)


def test_rank_0_says_which_batch_it_is(tmp_path: Path):
    with Training(tmp_path, FIRST) as first:
        handover, pause = Handover(tmp_path, KEY.launch, "1"), threading.Event()
        for _ in range(600):
            if handover.heard() is not None:
                break
            pause.wait(0.05)
        word = handover.heard()
    assert word is not None
    assert word.batch_id == first.place.known_id


def test_the_first_rank_of_another_node_reports_what_that_node_does(
    tmp_path: Path, stand_in: StandIn
):
    first_there = Training(tmp_path, rank(2, 0, 1), stand_in.url, snapshot_s=0.05)
    second_there = Training(tmp_path, rank(3, 1, 1), stand_in.url, snapshot_s=0.05)
    with first_there, second_there:
        assert first_there.is_known.wait(LIMIT_S)
        assert second_there.is_known.wait(LIMIT_S)
        stand_in.wait_for(lambda s: s.events("resource_snapshot"), timeout=LIMIT_S)

    assert {event["event_type"] for event in stand_in.events()} == {"resource_snapshot"}
    assert {event["batch_id"] for event in stand_in.events()} == {first_there.batch_id}
    assert first_there.batch_id == second_there.batch_id == first_there.place.known_id
    assert stand_in.requests("stop-requested") == []


def test_where_rank_0_cannot_be_seen_the_first_of_the_node_asks_for_all(
    tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(companion, "_OTHERS_ARE_SILENT_AFTER_S", 0.0)
    stand_in.stop_requested()
    asks = Training(tmp_path, rank(2, 0, 1), stand_in.url)
    follows = Training(tmp_path, rank(3, 1, 1), stand_in.url)
    with quiet(batch_id=asks.place.known_id, monitor_url=stand_in.url):  # on a node of its own
        stand_in.wait_for(1, timeout=LIMIT_S)
        with asks, follows:
            assert asks.stopped.wait(LIMIT_S)
            assert follows.stopped.wait(LIMIT_S)

    assert len({request["connection"] for request in stand_in.requests("stop-requested")}) == 1


def test_whoever_does_not_want_to_be_stopped_does_not_look(tmp_path: Path):
    with Training(tmp_path, rank(1, 1), stop_poll_s=None) as training:
        assert training.is_known.wait(LIMIT_S)
        training.companion._thread.join(LIMIT_S)
        assert not training.companion._thread._thread.is_alive()
