"""torchrun, with a loop of PyTorch whose ranks really talk to each other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.chaos.trainings import ROOT
from tests.environment import clean_environment, platform
from tests.launchers.scripts import batches, framework_python, ids_in, starts
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

PYTHON = framework_python("torch")
pytestmark = pytest.mark.skipif(not PYTHON, reason="torch is not installed")

_TRAIN = """
import os, sys
sys.path.insert(0, {root!r})
import torch
import torch.distributed as dist
from argus import Reporter

dist.init_process_group("gloo")
torch.manual_seed(0)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with Reporter("run", source_project="p", stop_polling=False) as r, r.job("j") as j:
    for epoch in range(5):
        x = torch.randn(8, 4)
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        dist.all_reduce(loss)
        j.epoch(epoch, train_loss=loss)
    if epoch == 4 and dist.get_rank() == 1 and FAILS and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        sys.exit(1)
    dist.barrier()
print("batch", r.batch_id, flush=True)
dist.destroy_process_group()
"""


def torchrun(directory: Path, fails: bool = False) -> str:
    script = directory / "train.py"
    script.write_text(_TRAIN.replace("FAILS", str(fails)).format(root=str(ROOT)))
    done = subprocess.run(
        [PYTHON, "-m", "torch.distributed.run", "--nproc-per-node=4", "--max-restarts=1",
         "--monitor-interval=0.1", "--standalone", str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120.0,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_training_on_four_ranks_is_one_batch(platform: StandIn, tmp_path: Path) -> None:
    ids = ids_in(torchrun(tmp_path))

    assert len(ids) == 4
    one = ["batch_start", "job_start", *["job_epoch"] * 5, "job_done", "batch_done"]
    assert batches(platform) == {ids[0]: one}
    assert set(ids) == {ids[0]}
    (start,) = starts(platform)
    assert (start["launcher"], start["world_size"]) == ("torchrun", 4)
    assert [event["data"]["epoch"] for event in platform.events("job_epoch")] == [0, 1, 2, 3, 4]


def test_ranks_that_torchrun_starts_again_continue_the_batch(
    platform: StandIn, tmp_path: Path
) -> None:
    ids = ids_in(torchrun(tmp_path, fails=True))

    assert set(batches(platform)) == {ids[0]} == set(ids)
    assert [(s["attempt"], s["restart_count"]) for s in starts(platform)] == [(1, 0), (2, 1)]
