"""Finds a run its directory, and says in `run.json` what the run is."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from argus.core.events import utc_second
from argus.core.settings import BACKUP, Settings
from argus.delivery.channel import RUNNING, Channel
from argus.rundir import layout, writer
from argus.rundir.run import RunDirectory

BEAT_S = 30.0
_DEFAULT_RUNS_DIR = "runs"


def state_dir(settings: Settings) -> Path:
    """The directory for undelivered runs. Raises OSError where no place can be used."""
    uid = writer.user_id()
    candidates = layout.state_dir_candidates(
        settings.state_dir, os.environ, tempfile.gettempdir(), uid
    )
    return layout.usable_state_dir(candidates, uid)


def new_run(batch_id: str, settings: Settings, state: Path | None) -> RunDirectory:
    """A fresh, locked run directory. Raises OSError where none can be had."""
    host, pid, unique = writer.host_name(), os.getpid(), os.urandom(4).hex()
    runs_dir = settings.runs_dir or (_DEFAULT_RUNS_DIR if settings.mode == BACKUP else None)
    if runs_dir:
        path = layout.kept_dir(Path(runs_dir).expanduser().absolute(), batch_id, time.localtime())
        if path.exists():  # another process of the same batch, in the same second
            path = path.with_name(f"{path.name}.{layout.file_name(host)}.{pid}.{unique}")
        return RunDirectory.create(path, kept=True)
    if state is None:
        raise FileNotFoundError("no place for undelivered runs can be written")
    return RunDirectory.create(layout.spill_dir(state, batch_id, host, pid, unique), kept=False)


class Description:
    """The content of one run's `run.json` from its beginning to its end."""

    def __init__(self, channel: Channel, url: str | None) -> None:
        self._channel = channel
        self._url = url
        self._created_at = _now()

    def content(self, running: bool) -> dict[str, Any]:
        """What is true now. `running` tells whether the writer goes on."""
        facts, notices = self._channel.facts, self._channel.notices
        return {
            "batch_id": facts.batch_id,
            "project": facts.project,
            "experiment_type": facts.experiment_type,
            "url": self._url,
            "status": RUNNING if running else self._channel.status,
            "created_at": self._created_at,
            "ended_at": None if running else _now(),
            "host": writer.host_name(),
            "pid": os.getpid(),
            "boot_id": writer.boot_id(),
            "heartbeat_s": BEAT_S,
            "attempt": 1,
            "tags": [],
            "dropped": notices.counts,
            "mistakes": notices.mistakes,
            "uploaded": self._channel.uploaded,
        }


def _now() -> str:
    return utc_second(int(time.time())) + "Z"
