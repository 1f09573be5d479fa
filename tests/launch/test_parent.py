"""What rank 0 had begun before it was one, found by a rank that it has started."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from argus.core.settings import Settings
from argus.launch.parent import batch_begun_by
from tests.delivery.conftest import settings_for
from tests.environment import clean_environment, quiet

__all__ = ["clean_environment"]


LATER = time.time() + 1e6


def kept(tmp_path: Path) -> Settings:
    runs = str(tmp_path / "runs")
    return settings_for(None, tmp_path / "state", ARGUS_MODE="backup", ARGUS_RUNS_DIR=runs)


def test_its_batches_in_the_order_in_which_it_began_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARGUS_MODE", "backup")
    with quiet("z") as first, quiet("a") as second:
        pass
    monkeypatch.setenv("ARGUS_BATCH_ID", "theirs")
    with quiet():
        pass

    found = [batch_begun_by(os.getpid(), kept(tmp_path), position, LATER) for position in (1, 2, 3)]
    assert found == [first.batch_id, second.batch_id, None]


def test_the_run_of_another_process_is_not_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARGUS_MODE", "backup")
    with quiet():
        pass

    (described,) = (tmp_path / "runs").glob("*/*/*/run.json")
    assert batch_begun_by(os.getpid() + 1, kept(tmp_path), 1, LATER) is None
    described.write_text(json.dumps({**json.loads(described.read_text()), "boot_id": "earlier"}))
    assert batch_begun_by(os.getpid(), kept(tmp_path), 1, LATER) is None


def test_what_it_begins_as_rank_0_is_none_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARGUS_MODE", "backup")
    began_at = time.time()
    with quiet() as begun:
        pass

    assert batch_begun_by(os.getpid(), kept(tmp_path), 1, began_at) is None
    assert batch_begun_by(os.getpid(), kept(tmp_path), 1, time.time()) == begun.batch_id


def test_without_any_run_there_is_none(tmp_path: Path):
    assert batch_begun_by(os.getpid(), kept(tmp_path), 1, LATER) is None
    assert batch_begun_by(os.getpid(), settings_for(None, tmp_path / "state"), 1, LATER) is None
