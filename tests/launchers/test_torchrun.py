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
    dist.barrier()
sys.stdout.write("batch " + r.batch_id + os.linesep)  # at once: ranks share it
dist.destroy_process_group()
"""


_FALL = """
import os, sys, threading, time
sys.path.insert(0, {root!r})
from argus import Reporter

with Reporter("run", source_project="p", stop_polling=False) as r, r.job("j") as j:
    j.epoch(0, train_loss=1.0)
    until = time.monotonic() + 60
    while os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and time.monotonic() < until:
        if os.environ["RANK"] == "1" and os.path.exists("may-fall"):
            sys.exit(1)
        threading.Event().wait(0.05)
sys.stdout.write("batch " + r.batch_id + os.linesep)  # at once: ranks share it
"""


def torchrun(code: str, directory: Path, ranks: int) -> subprocess.Popen[str]:
    script = directory / "train.py"
    script.write_text(code.format(root=str(ROOT)))
    return subprocess.Popen(
        [PYTHON, "-m", "torch.distributed.run", f"--nproc-per-node={ranks}", "--max-restarts=1",
         "--monitor-interval=0.1", "--standalone", str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> list[str]:
    """The batch id that each rank has printed in the end."""
    try:
        output, _ = process.communicate(timeout=120.0)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return ids_in(output)


def test_a_training_on_four_ranks_is_one_batch(platform: StandIn, tmp_path: Path) -> None:
    ids = ended(torchrun(_TRAIN, tmp_path, 4))

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
    process = torchrun(_FALL, tmp_path, 2)
    platform.wait_for(lambda s: s.events("job_epoch"), timeout=60.0)
    (tmp_path / "may-fall").touch()
    ids = ended(process)

    assert set(batches(platform)) == {ids[0]} == set(ids)
    assert [(s["attempt"], s["restart_count"]) for s in starts(platform)] == [(1, 0), (2, 1)]
