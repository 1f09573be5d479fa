"""What is around a process, as far as it makes it one of several or an attempt of a job."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from argus.delivery.notices import Notices
from argus.launch import placing
from argus.launch.place import Place
from argus.launch.placing import place_of
from argus.launch.wanted import Wanted
from tests.chaos.trainings import ROOT
from tests.delivery.conftest import settings_for
from tests.launch.test_place import PLAIN


def placed(environ: dict[str, str], want: Wanted = PLAIN) -> Place | None:
    return place_of(environ, want, settings_for(None, Path("state")), Notices())


def test_nothing_to_tell_is_no_place():
    assert placed({}) is None
    assert placed({"RANK": "1"}) is None
    assert placed({}, PLAIN._replace(resumes=True)) is not None


def _rank_in_a_worker(queue: Any) -> None:
    os.environ.setdefault("RANK", "1")  # what a script sets for its own processes
    os.environ.setdefault("WORLD_SIZE", "2")
    found = placed(dict(os.environ))
    queue.put(None if found is None or found.rank is None else found.rank.number)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc here")
@pytest.mark.parametrize(
    ("inherited", "number"), [({"RANK": "0", "WORLD_SIZE": "2"}, None), ({}, 1)]
)
def test_a_worker_is_a_rank_only_where_it_was_made_one(
    inherited: dict[str, str], number: int | None, monkeypatch: pytest.MonkeyPatch
):
    for name, value in inherited.items():
        monkeypatch.setenv(name, value)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    worker = context.Process(target=_rank_in_a_worker, args=(queue,))
    worker.start()
    worker.join(60.0)
    assert worker.exitcode == 0
    assert queue.get() == number


def test_a_rank_that_was_launched_by_this_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    found = placed({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"})
    assert found is not None
    assert found.key is not None
    assert found.key.batch is None, "set in this process: nobody is known to have launched it"


def test_a_rank_of_lightning_stays_one_after_a_fit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(placing, "_world_size", "")
    after = {"LOCAL_RANK": "1", "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "5"}
    assert placed(after) is None, "it stands in a shell, as far as anybody knows"
    during = placed({**after, "WORLD_SIZE": "2"})
    left = placed(after)
    assert during is not None
    assert left is not None
    assert (left.rank, left.key, left.is_silent) == (during.rank, during.key, True)


_AFTER_A_FIT = """
import os
os.environ.pop("WORLD_SIZE")
from argus import Reporter
print(Reporter()._is_silent)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc here")
def test_one_that_opens_its_first_run_after_a_fit_was_started_as_one(tmp_path: Path):
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "ARGUS_STATE_DIR": str(tmp_path)}
    environ.update(LOCAL_RANK="1", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="5")
    told = subprocess.check_output([sys.executable, "-c", _AFTER_A_FIT], env=environ, text=True)
    assert told == "True\n"


def test_a_working_directory_that_is_gone_is_none(monkeypatch: pytest.MonkeyPatch):
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", gone)
    assert placed({}, PLAIN._replace(resumes=True)) is not None
