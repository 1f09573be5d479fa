"""A real SLURM of one machine: steps, arrays, requeues."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import clean_environment, platform
from tests.launchers import slurm
from tests.launchers.scripts import ONE, batches, ids_in, starts, training
from tests.launchers.slurm import Slurm
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

pytestmark = pytest.mark.skipif(bool(slurm.missing()), reason=f"no SLURM: {slurm.missing()}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    with slurm.running() as running:
        yield running


@pytest.fixture
def command(tmp_path: Path) -> str:
    return f"{sys.executable} {training(tmp_path)}"


def test_the_tasks_of_a_step_are_one_batch(cluster: Slurm, platform: StandIn, command: str) -> None:
    ids = ids_in(cluster.run("srun", "-n4", *command.split()))

    assert len(ids) == 4
    assert batches(platform) == {ids[0]: ONE}
    assert set(ids) == {ids[0]}
    (start,) = starts(platform)
    assert (start["launcher"], start["world_size"], start["attempt"]) == ("srun", 4, 1)


def test_one_command_after_the_other_in_a_step_is_one_batch_each(
    cluster: Slurm, platform: StandIn, command: str
) -> None:
    ids = ids_in(
        cluster.run("srun", "-n2", "bash", "-c", f"{command} --seed 1; {command} --seed 2")
    )

    assert len(ids) == 4
    assert len(set(ids)) == 2
    assert batches(platform) == dict.fromkeys(ids, ONE)


def test_the_script_of_a_job_that_could_start_more_is_on_its_own(
    cluster: Slurm, platform: StandIn, command: str
) -> None:
    job = cluster.submit(f"{command}; {command}", "-n4")
    cluster.wait_for_state(job, "COMPLETED")

    ids = ids_in(cluster.output(job))
    assert len(set(ids)) == 2
    assert batches(platform) == dict.fromkeys(ids, ONE)


def test_the_tasks_of_an_array_are_batches_of_their_own(
    cluster: Slurm, platform: StandIn, command: str
) -> None:
    job = cluster.submit(command, "--array=1-3", "-n1")
    cluster.wait_for_state(job, "COMPLETED")

    assert (
        list(batches(platform).values()) == [ONE] * 3
        or sorted(map(sorted, batches(platform).values())) == [sorted(ONE)] * 3
    )
    assert [start["attempt"] for start in starts(platform)] == [1, 1, 1]


def test_a_job_that_is_requeued_continues_its_batches(
    cluster: Slurm, platform: StandIn, command: str
) -> None:
    alone = cluster.submit(f"HOLD_S=60 {command}; {command}", "--requeue", "-n1")
    ranks = cluster.submit(f"HOLD_S=60 srun {command}", "--requeue", "-n2")
    platform.wait_for(lambda s: len(s.events("job_epoch")) == 6, timeout=slurm.LIMIT_S)
    for job in (alone, ranks):
        cluster.requeue(job)
    for job in (alone, ranks):
        cluster.wait_for_state(job, "COMPLETED")

    first, second = ids_in(cluster.output(alone))
    both = ids_in(cluster.output(ranks))
    assert len(both) == 2
    assert both[0] == both[1]
    # SIGTERM comes first: the run says that it is preempted, and how far it came.
    cut_short = [*ONE[:-2], "log_line", "job_failed", "batch_failed"]
    assert batches(platform) == {
        first: [*cut_short, *ONE],
        both[0]: [*cut_short, *ONE],
        second: ONE,  # it was not reached before
    }
    ended = [event["data"]["reason"] for event in platform.events("batch_failed")]
    assert ended == ["preempted", "preempted"]
    told = {(e["batch_id"], e["data"]["attempt"], e["data"]["restart_count"])
            for e in platform.events("batch_start")}  # fmt: skip
    attempts = {(batch_id, n + 1, n) for batch_id in (first, both[0]) for n in (0, 1)}
    assert told == attempts | {(second, 1, 1)}


def test_scancel_with_a_signal_ends_the_run_as_preempted(
    cluster: Slurm, platform: StandIn, command: str
) -> None:
    job = cluster.submit(f"HOLD_S=60 srun {command}", "-n2")
    platform.wait_for(lambda s: len(s.events("job_epoch")) == 3, timeout=slurm.LIMIT_S)
    cluster.run("scancel", "--signal=TERM", job)
    cluster.wait_for_state(job, "FAILED", "CANCELLED")

    [types] = batches(platform).values()
    assert types == [*ONE[:-2], "log_line", "job_failed", "batch_failed"]
    assert platform.events("log_line")[0]["data"]["preempting"] is True
    assert platform.events("batch_failed")[0]["data"]["reason"] == "preempted"
