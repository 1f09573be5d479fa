"""How long a rank listens, and to whom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argus.delivery.latch import Latch
from argus.launch.handover import Handover, Word
from argus.launch.word import awaited, said_now

PROC = Path("/proc")


def heard(handover: Handover, is_unique: bool = True, limit_s: float = 30.0, elsewhere=None):
    find = elsewhere or (lambda: None)
    return awaited(handover, is_unique, PROC, os.getpid(), Latch(), limit_s, find)


@pytest.fixture
def handover(tmp_path: Path) -> Handover:
    return Handover(tmp_path, "launch", "1")


def test_of_a_launch_that_no_other_is_taken_for_every_word_counts(handover: Handover):
    handover.say(said_now("run-1", 1, PROC)._replace(said_at=0.0, boot_id="another"))
    assert heard(handover) == "run-1"


def test_a_word_of_earlier_does_not_count_where_another_launch_may_have_said_it(handover: Handover):
    handover.say(said_now("run-1", 1, PROC)._replace(said_at=0.0))
    assert heard(handover, is_unique=False, limit_s=0.0) is None


@pytest.mark.skipif(not PROC.joinpath("self/stat").exists(), reason="there is no /proc here")
def test_a_word_of_now_on_this_machine_counts_at_once(handover: Handover):
    handover.say(said_now("run-1", 1, PROC))
    assert heard(handover, is_unique=False, limit_s=0.0) == "run-1"


def test_a_word_that_is_said_again_counts(handover: Handover, monkeypatch: pytest.MonkeyPatch):
    old = said_now("run-1", 1, PROC)._replace(said_at=0.0)
    handover.say(old)
    hear = handover.heard

    def heard_and_said_again() -> Word | None:
        word = hear()
        handover.say(old._replace(beat="2"))
        return word

    monkeypatch.setattr(handover, "heard", heard_and_said_again)
    assert heard(handover, is_unique=False) == "run-1"


def test_without_a_word_it_is_looked_for_elsewhere(handover: Handover):
    assert heard(handover, elsewhere=lambda: "run-2") == "run-2"
    handover.say(said_now("run-1", 1, PROC))
    assert heard(handover, elsewhere=lambda: "run-2") == "run-1"


def test_nobody_listens_for_whom_nobody_waits(handover: Handover):
    leaving = Latch()
    leaving.set()
    assert awaited(handover, True, PROC, os.getpid(), leaving, 3_600.0, lambda: None) is None
