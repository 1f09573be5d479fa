"""Ray on this machine: tasks that report into one batch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.chaos.trainings import ROOT
from tests.environment import clean_environment, platform
from tests.launchers.scripts import batches, framework_python, ids_in
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

PYTHON = framework_python("ray")
pytestmark = pytest.mark.skipif(not PYTHON, reason="ray is not installed")

_TUNE = """
import os, sys
sys.path.insert(0, {root!r})
import ray
from argus import Reporter

@ray.remote(num_cpus=0)
def trial(number):
    sys.path.insert(0, {root!r})
    from argus import Reporter
    with Reporter(source_project="p", stop_polling=False) as r, r.job(f"trial-{{number}}") as j:
        j.epoch(0, train_loss=float(number))
    return r.batch_id

with Reporter("sweep", source_project="p", stop_polling=False) as r:
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={{"env_vars": {{"ARGUS_BATCH_ID": r.batch_id}}}},
    )
    for batch_id in ray.get([trial.remote(number) for number in range(4)]):
        sys.stdout.write("batch " + batch_id + os.linesep)  # at once: ranks share it
    ray.shutdown()
"""


def test_four_tasks_report_into_the_batch_of_their_driver(
    platform: StandIn, tmp_path: Path
) -> None:
    script = tmp_path / "tune.py"
    script.write_text(_TUNE.format(root=str(ROOT)))
    done = subprocess.run(
        [PYTHON, str(script)],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120.0,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    ids = ids_in(done.stdout)

    assert len(ids) == 4
    assert set(batches(platform)) == set(ids)
    types = batches(platform)[ids[0]]
    assert sorted(types[1:-1]) == sorted(["job_start", "job_epoch", "job_done"] * 4)
    assert (types[0], types[-1]) == ("batch_start", "batch_done")
