"""A Reporter may be copied and pickled like anything that a training hands around."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import argus
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

TOKEN = "em_live_never-shown_7f3a"
PACKAGES = Path(argus.__file__).resolve().parent.parent


@pytest.mark.parametrize("opened", [True, False])
def test_copy_in_this_process_is_the_reporter_itself(platform: StandIn, opened: bool) -> None:
    r = quiet()
    j = r.job("j")
    if opened:
        with r, j:
            assert copy.copy(r) is r
            assert pickle.loads(pickle.dumps({"trainer": [r, j]})) == {"trainer": [r, j]}
    assert copy.copy(r) is r
    assert copy.deepcopy({"trainer": [r, j]}) == {"trainer": [r, j]}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_holds_no_token(platform: StandIn, protocol: int) -> None:
    with quiet(token=TOKEN) as r, r.job("j") as j:
        data = pickle.dumps((r, j), protocol)

    assert TOKEN.encode() not in data
    assert r.batch_id.encode() in data


SPAWNED = """
import pickle, sys
r, j = pickle.load(sys.stdin.buffer)
r.emit("too early")
j.epoch(0)
j.metrics({"a": 1})
print(r.batch_id, j.job_id, j.stopped)
with r:
    r.emit("joined", job_id="j")
    j.epoch(7)
"""


def test_reporter_in_a_spawned_process_reports_nothing_until_it_joins(platform: StandIn) -> None:
    with quiet(batch_id="b", token=TOKEN) as r, r.job("j") as j:
        environ = {**os.environ, "PYTHONPATH": str(PACKAGES), "ARGUS_TOKEN": TOKEN}
        done = subprocess.run(
            [sys.executable, "-c", SPAWNED],
            input=pickle.dumps((r, j)),
            env=environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"b j False\n", b"")

    told = [(e["event_type"], e["data"].get("line"), e["batch_id"]) for e in platform.events()]
    kinds = [kind for kind, _, _ in told if kind != "resource_snapshot"]
    assert sorted(kinds) == sorted(
        ["batch_start", "job_start", "log_line", "job_epoch", "job_done", "batch_done"]
    )
    assert ("log_line", "joined", "b") in told
    assert {batch for _, _, batch in told} == {"b"}


def _report(r: Any, j: Any, number: int) -> int:
    j.epoch(number)
    r.emit(f"worker {number}")
    return number


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_reporter_that_a_forked_worker_is_handed_reports_into_the_batch(
    platform: StandIn,
) -> None:
    fork = multiprocessing.get_context("fork")
    with quiet(batch_id="b") as r, r.job("j") as j, fork.Pool(2) as pool:
        assert pool.starmap(_report, [(r, j, 0), (r, j, 1)]) == [0, 1]
        pool.close()
        pool.join()

    assert sorted(e["data"]["epoch"] for e in platform.events("job_epoch")) == [0, 1]
    assert sorted(e["data"]["line"] for e in platform.events("log_line")) == [
        "worker 0",
        "worker 1",
    ]
    assert len(platform.events("batch_done")) == 1
