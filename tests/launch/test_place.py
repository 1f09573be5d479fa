"""The place of a run: what is known at once, and what somebody has to be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argus.delivery.channel import RunFacts
from argus.delivery.notices import Notices
from argus.launch import hearing, place, wanted
from argus.launch.handover import Handover
from argus.launch.job import Job
from argus.launch.key import Key
from argus.launch.place import Place
from argus.launch.rank import Rank
from argus.launch.wanted import Wanted
from argus.launch.word import said_now
from tests.delivery.conftest import settings_for

FIRST = Rank("torchrun", 0, 2, 0, 2)
SECOND = FIRST._replace(number=1, local=1)
UNIQUE, NAMED = Key("batch", "launch"), Key(None, "launch")
PLAIN = Wanted("run", None, "p", None, joins=False, all_speak=False, resumes=False, number=1)


@pytest.fixture(autouse=True)
def _first_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "_numbers", {})


@pytest.fixture
def at(tmp_path: Path) -> Any:
    def make(rank: Any, key: Any, job: Any = None, want: Wanted = PLAIN, parent: int = 0) -> Place:
        return Place(rank, key, job, want, settings_for(None, tmp_path), Notices(), parent)

    return make


def test_ranks_of_a_unique_launch_know_their_batch_at_once(at: Any):
    first, second = at(FIRST, UNIQUE), at(SECOND, UNIQUE)
    assert first.known_id == second.known_id != ""
    assert (first.is_silent, second.is_silent) == (False, True)
    assert (first.joins, second.joins) == (False, True)
    assert at(FIRST, UNIQUE).known_id == at(SECOND, UNIQUE).known_id != first.known_id


@pytest.mark.parametrize("launcher", ["torchrun", "lightning"])
def test_what_a_callback_begins_on_the_first_rank_alone_moves_nothing(at: Any, launcher: str):
    first, second = FIRST._replace(launcher=launcher), SECOND._replace(launcher=launcher)
    of_callback = at(first, UNIQUE, want=PLAIN._replace(series="run-"))
    assert at(first, UNIQUE).known_id == at(second, UNIQUE).known_id != of_callback.known_id


def test_rank_0_of_another_launch_has_an_id_that_no_other_has(at: Any):
    assert at(FIRST, NAMED).known_id not in ("", at(FIRST, NAMED).known_id)


def test_a_rank_that_cannot_know_hears_it(at: Any, tmp_path: Path):
    second = at(SECOND, NAMED)
    assert second.known_id == ""
    assert second.found() is None
    Handover(tmp_path, "launch", "1").say(said_now("run-9", 1, Path("/proc")))
    if not Path("/proc/self/stat").exists():
        pytest.skip("without /proc a word has to be said twice")
    assert second.settled_id() == second.settled_id() == "run-9"
    assert second.joins
    assert not second.is_alone


def test_a_rank_that_hears_nothing_begins_a_batch_of_its_own(
    at: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(place, "ASKED_LIMIT_S", 0.01)
    alone = at(SECOND, NAMED, want=PLAIN._replace(all_speak=True))
    assert alone.settled_id().startswith("run-")
    assert (alone.is_alone, alone.joins) == (True, False)
    assert alone.begun(None) == {"launcher": "torchrun", "world_size": 2, "alone": True}


def test_in_a_requeued_job_the_others_hear_what_rank_0_continues(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = Job("slurm-7", 1)
    Handover(tmp_path, "launch", "1").say(said_now("run-of-before", 1, Path("/proc")))
    assert at(SECOND, UNIQUE, job).settled_id() == "run-of-before"
    monkeypatch.setattr(hearing, "ASKED_LIMIT_S", 0.0)
    unheard = at(SECOND, UNIQUE, job)
    at(FIRST, UNIQUE)
    assert unheard.settled_id() == at(FIRST, UNIQUE).known_id, "what rank 0 derives, most likely"
    assert not unheard.is_alone


def test_a_batch_that_the_user_names_is_that_one_on_all_ranks(at: Any):
    named = PLAIN._replace(batch_id="mine")
    for rank in (FIRST, SECOND):
        assert at(rank, NAMED, Job("slurm-7", 1), named).known_id == "mine"


def test_where_all_speak_each_event_says_its_rank(at: Any):
    facts = RunFacts("b", "p", None)
    at(SECOND, UNIQUE, want=PLAIN._replace(all_speak=True)).prepare(facts)
    assert facts.every_event == {"rank": 1}
    facts = RunFacts("b", "p", None)
    at(FIRST, UNIQUE).prepare(facts)
    assert facts.every_event == {}


def test_a_long_prefix_leaves_an_id_that_fits(at: Any):
    long = PLAIN._replace(batch_prefix="x" * 500)
    for key in (UNIQUE, NAMED):
        assert len(at(FIRST, key, want=long).known_id) == 128
