"""Trainings in the frameworks, as scripts of their own, and what a monitor has of them afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integrations.reported import PACKAGES, shape
from tests.platform.peers import MonitorProcess

TOKEN = "em_live_monitor-1"

TIMEOUT_S = 300.0  # ten times what the slowest takes


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skips a test, naming the first package that it lacks."""
    missing = [module for module in modules if not _is_there(module)]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' '.join(missing)}, not installed")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it is in
        return False


def environment(monitor: MonitorProcess, directory: Path, **more: str) -> dict[str, str]:
    """The environment of a script that reports to `monitor`, and leaves what is its own there."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ARGUS_", "XDG_"))}
    return {
        **clean,
        "PYTHONPATH": str(PACKAGES),
        "ARGUS_URL": monitor.url,
        "ARGUS_TOKEN": TOKEN,
        "ARGUS_STATE_DIR": str(directory / "state"),
        "ARGUS_EXIT_TIMEOUT": "60",
        **more,
    }


def run_script(
    monitor: MonitorProcess, script: Path, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script to its end, beside itself. A variable set to "" is none."""
    environ = environment(monitor, script.parent, **environ)
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=script.parent,
        env={name: value for name, value in environ.items() if value},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


class Batch(NamedTuple):
    """One run directory of a monitor, read back."""

    path: Path
    events: list[dict[str, Any]]

    def data(self, event_type: str) -> list[dict[str, Any]]:
        return [e["data"] for e in self.events if e["event_type"] == event_type]

    def types(self, job_id: str) -> list[str]:
        """What happened to a job, in order, without its log."""
        own = [event for event in self.events if event["job_id"] == job_id]
        return [event_type for event_type in shape(own) if event_type != "log_line"]

    @property
    def types_of_batch(self) -> list[str]:
        """What happened to the batch itself, in order."""
        return shape([event for event in self.events if event["job_id"] is None])

    @property
    def jobs(self) -> list[str]:
        """The jobs, as they began."""
        return [e["job_id"] for e in self.events if e["event_type"] == "job_start"]

    @property
    def config(self) -> dict[str, Any]:
        """The hyperparameters of the batch."""
        (snapshot,) = self.data("env_snapshot")
        config: dict[str, Any] = snapshot["config"]
        return config


def batches(runs: Path, prefix: str) -> list[Batch]:
    """What a monitor has of the batches whose id begins with `prefix`, the oldest first."""
    found = []
    for path in sorted(runs.glob(f"*/*/{prefix}-*")):
        lines = (path / "events.jsonl").read_text("utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        assert len({event["event_id"] for event in events}) == len(events)
        found.append(Batch(path, events))
    return found


def only_batch(runs: Path, prefix: str) -> Batch:
    (batch,) = batches(runs, prefix)
    return batch
