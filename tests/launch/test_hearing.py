"""How a rank learns its batch from rank 0, and what it takes where it hears nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from argus.launch import hearing, parent
from argus.launch.handover import Handover
from argus.launch.hearing import Hearing
from argus.launch.key import Key
from argus.launch.word import said_now
from tests.delivery.conftest import settings_for
from tests.launch.test_place import NAMED, SECOND, UNIQUE


def ear(state: Path, key: Key, started_by: int = 0) -> Hearing:
    return Hearing(SECOND, key, "1", started_by, "fresh", settings_for(None, state), Notices())


def test_who_needs_to_hear():
    here = Path()
    assert not ear(here, UNIQUE).is_needed
    assert ear(here, NAMED).is_needed
    assert ear(here, UNIQUE, started_by=7).is_needed


def test_what_rank_0_says_is_heard(tmp_path: Path):
    Handover(tmp_path, UNIQUE.launch, "1").say(said_now("run-1", 1, Path("/proc")))
    answer = ear(tmp_path, UNIQUE).ask(Latch())
    assert answer is not None
    assert (answer.batch_id, answer.is_alone) == ("run-1", False)


def test_what_its_parent_had_begun_counts_where_it_has_not_said_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun = {7: "run-of-its-parent"}
    monkeypatch.setattr(parent, "batch_begun_by", lambda pid, *_: begun.get(pid))
    answer = ear(tmp_path, UNIQUE, started_by=7).ask(Latch())
    assert answer is not None
    assert answer.batch_id == "run-of-its-parent"


def test_silence_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hearing, "ASKED_LIMIT_S", 0.0)
    monkeypatch.setattr(hearing, "SPOKEN_LIMIT_S", 0.0)
    assert ear(tmp_path, UNIQUE).ask(Latch()) is None
    assert ear(tmp_path, NAMED).ask(Latch()) is None


def test_who_hears_nothing_derives_its_batch_or_is_alone_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    derived = ear(tmp_path, UNIQUE).otherwise("silence")
    assert (derived.batch_id, derived.is_alone) == ("fresh", False)
    assert caplog.messages == []
    alone = ear(tmp_path, NAMED).otherwise("silence")
    assert (alone.batch_id, alone.is_alone) == ("fresh", True)
    (message,) = caplog.messages
    assert message.startswith(
        "this is rank 1 of 2, and rank 0 has not said which batch it is (silence)"
    )
    assert "ARGUS_BATCH_ID" in message
