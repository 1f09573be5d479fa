"""What a kept run has of its console: the file, and the lines that were told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.chaos import trainings

# A busy machine may take its time to leave the block.
SETTINGS = {"ARGUS_RUNS_DIR": "runs", "ARGUS_CONSOLE": "forward", "ARGUS_EXIT_TIMEOUT": "60"}


def output() -> str:
    """What is in the `logs/output.log` of the one run that has one."""
    (path,) = Path("runs").glob("*/*/*/logs/output.log")
    return path.read_text("utf-8")


def events() -> list[dict[str, Any]]:
    """All events below `./runs`, of one file after the other."""
    files = sorted(Path("runs").glob("*/*/*/events.jsonl"), key=lambda path: len(str(path)))
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def told() -> list[tuple[str, str, str]]:
    """Job, stream and line of what was forwarded."""
    return [
        (event["job_id"], event["data"]["stream"], event["data"]["line"])
        for event in events()
        if event["event_type"] == "log_line" and "stream" in event["data"]
    ]


def train(code: str, **environ: str) -> trainings.Ended:
    """A process that keeps its run and forwards its console, in `./runs`."""
    return trainings.run(code, "", **{**SETTINGS, **environ})
