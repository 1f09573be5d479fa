"""What the tests of delivery share: settings without an environment, and channels on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from argus.core.settings import Settings, resolve
from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def settings_for(url: str | None, state: Path, **environ: str) -> Settings:
    return resolve(url, None, {"ARGUS_STATE_DIR": str(state), **environ}, None)


def epoch(number: int, **data: Any) -> Any:
    """A record as the caller's thread makes it."""
    return ("job_epoch", 1_777_000_000.0 + number, "j", {"epoch": number, **data}, None)


def runs_in(state: Path) -> list[Path]:
    spill = state / "spill"
    return sorted(spill.iterdir()) if spill.is_dir() else []


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def open_channel(state: Path) -> Iterator[Callable[..., Channel]]:
    """Opens channels, and closes those that a test leaves open."""
    opened: list[Channel] = []

    def open_(url: str | None, batch_id: str = "b", **environ: str) -> Channel:
        settings = settings_for(url, state, **environ)
        channel = Channel(RunFacts(batch_id, "p", None), settings, Notices())
        channel.start()
        opened.append(channel)
        return channel

    yield open_
    for channel in opened:
        channel.close("done")
