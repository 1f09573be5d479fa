"""The training that every launcher starts, and what is seen of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.chaos.trainings import ROOT
from tests.platform.peers import StandIn

_TRAIN = """
import os, sys, threading, time
sys.path.insert(0, {root!r})
from argus import Reporter

def train(name="j", hold_s=0.0):
    with Reporter("run", source_project="p", stop_polling=0.2, heartbeat=False) as r:
        with r.job(name) as j:
            for epoch in range(3):
                j.epoch(epoch, train_loss=1.0 / (1 + epoch))
            until = time.monotonic() + hold_s
            while not j.stopped and time.monotonic() < until:
                threading.Event().wait(0.05)
        return r.batch_id

if __name__ == "__main__":
    restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    hold_s = float(os.environ.get("HOLD_S", "0"))
    sys.stdout.write("batch " + train(hold_s=0.0 if restarts else hold_s) + os.linesep)  # at once: ranks share it
"""

# What one training on any number of ranks comes to.
ONE = ["batch_start", "job_start", *["job_epoch"] * 3, "job_done", "batch_done"]


def training(directory: Path) -> str:
    """The script, below `directory`."""
    script = directory / "train.py"
    script.write_text(_TRAIN.format(root=str(ROOT)))
    return str(script)


def ids_in(output: str) -> list[str]:
    """The batch id that each rank has printed."""
    return [line.split()[1] for line in output.splitlines() if line.startswith("batch ")]


def batches(stand_in: StandIn) -> dict[str, list[str]]:
    """The types of the events of each batch, without those of the machine."""
    found: dict[str, list[str]] = {}
    for event in stand_in.events():
        if event["event_type"] not in ("resource_snapshot", "env_snapshot"):
            found.setdefault(event["batch_id"], []).append(event["event_type"])
    return found


def starts(stand_in: StandIn) -> list[dict[str, Any]]:
    """The data of each `batch_start`."""
    return [event["data"] for event in stand_in.events("batch_start")]


def framework_python(module: str) -> str:
    """An interpreter that has `module`: the one that ARGUS_TEST_FRAMEWORKS_PYTHON names, or this
    one; empty where there is none."""
    import importlib.util
    import subprocess
    import sys

    named = os.environ.get("ARGUS_TEST_FRAMEWORKS_PYTHON", "")
    if named:
        code = f"import importlib.util; raise SystemExit(not importlib.util.find_spec({module!r}))"
        done = subprocess.run([named, "-c", code], capture_output=True, check=False, timeout=60.0)
        return "" if done.returncode else named
    return sys.executable if importlib.util.find_spec(module) else ""
