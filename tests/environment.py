"""What the tests of the public API share: a clean environment, and Reporters without daemons.

A test module imports `clean_environment`, and lists it in `__all__`, to have it for each test.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argus import Reporter, current
from argus.delivery import environment
from tests.platform.peers import StandIn

TOKEN = "em_live_a-b_c"

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What makes a process one of several, or an attempt of a job: the tests themselves may be one.
_LAUNCH = ("SLURM_", "OMPI_", "PMI_", "TORCHELASTIC_", "SUBMITIT_")
_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK")


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting but a state directory of the test's own, which is the working directory too."""
    for name in list(os.environ):
        if name.startswith(("ARGUS_", *_LAUNCH)) or name.upper() in (*_PROXIES, *_RANKS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ARGUS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    # A test that takes its time would have one event more than one in haste.
    monkeypatch.setattr(environment, "FIRST_S", 3_600.0)
    yield
    left_active = list(current._active)
    current._active.clear()
    current.set_batch_id(None)
    assert left_active == []


@pytest.fixture
def platform(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in, named by the environment."""
    monkeypatch.setenv("ARGUS_URL", stand_in.url)
    return stand_in


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said to a person, as far as it was said until now: grows during the test."""
    told = _Told()
    caplog.handler.addFilter(told)
    return told.messages


class _Told(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "argus" and record.levelno >= logging.WARNING:
            self.messages.append(record.getMessage())
        return True


def quiet(*args: Any, **kwargs: Any) -> Reporter:
    """A Reporter whose three daemons are off, as far as they are not asked for."""
    return Reporter(
        *args, **{"heartbeat": False, "stop_polling": False, "resource_snapshot": False, **kwargs}
    )


def shown(events: list[dict[str, Any]]) -> list[tuple[str, Any, dict[str, Any]]]:
    """Type, job and data of each event, without what no test can know."""
    unknown = ("command", "elapsed_s", "total_elapsed_s")
    return [
        (
            event["event_type"],
            event["job_id"],
            {name: value for name, value in event["data"].items() if name not in unknown},
        )
        for event in events
    ]


def files_below(directory: Path) -> list[str]:
    """Every file below `directory`, relative to it."""
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()
    )
