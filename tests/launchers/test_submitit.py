"""submitit's LocalExecutor: tasks of one job, and a job that is started again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.environment import clean_environment, platform
from tests.launchers.scripts import ONE, batches, framework_python, starts, training
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

PYTHON = framework_python("submitit")
pytestmark = pytest.mark.skipif(not PYTHON, reason="submitit is not installed")

_SUBMIT = """
import os, signal, sys
import submitit
sys.path.insert(0, os.getcwd())

class Training:
    def __init__(self, attempt=0):
        self.attempt = attempt

    def __call__(self):
        from train import train
        return train(hold_s=0.0 if self.attempt else HOLD_S)

    def checkpoint(self):
        return submitit.helpers.DelayedSubmission(Training(self.attempt + 1))

if __name__ == "__main__":
    executor = submitit.LocalExecutor(folder="jobs")
    executor.update_parameters(tasks_per_node=TASKS, timeout_min=1)
    job = executor.submit(Training())
    if HOLD_S:
        print("waiting", flush=True)
        sys.stdin.readline()
        # What the controller does when the time is nearly up.
        with open(f"/proc/{job.job_id}/task/{job.job_id}/children") as children:
            for pid in children.read().split():
                os.kill(int(pid), signal.SIGUSR2)
    print("batches", *job.results(), flush=True)
"""


def submit(directory: Path, tasks: int, hold_s: float = 0.0) -> subprocess.Popen[str]:
    training(directory)
    script = directory / "submit.py"
    script.write_text(_SUBMIT.replace("TASKS", str(tasks)).replace("HOLD_S", str(hold_s)))
    return subprocess.Popen(
        [PYTHON, str(script)],
        env={**os.environ, "PYTHONPATH": str(directory)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(process: subprocess.Popen[str]) -> list[str]:
    try:
        stdout, stderr = process.communicate("go\n", timeout=60.0)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    return stdout.splitlines()[-1].split()[1:]


def test_the_tasks_of_a_job_are_one_batch(platform: StandIn, tmp_path: Path) -> None:
    ids = results(submit(tmp_path, tasks=2))

    assert len(ids) == 2
    assert batches(platform) == {ids[0]: ONE}
    assert set(ids) == {ids[0]}
    (start,) = starts(platform)
    assert (start["launcher"], start["world_size"]) == ("submitit", 2)


def test_a_job_that_is_requeued_continues_its_batch(platform: StandIn, tmp_path: Path) -> None:
    process = submit(tmp_path, tasks=1, hold_s=60.0)
    platform.wait_for(lambda s: len(s.events("job_epoch")) == 3, timeout=60.0)
    (batch_id,) = results(process)

    assert set(batches(platform)) == {batch_id}
    assert [(s["attempt"], s["restart_count"]) for s in starts(platform)] == [(1, 0), (2, 1)]
    assert batches(platform)[batch_id][-len(ONE) :] == ONE
