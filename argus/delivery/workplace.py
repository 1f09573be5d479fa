"""What a sender works with: a run directory, an outbox on it, and clients of the platform.

Everything that can be missing is missing here: a place to write, a platform to send to.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argus.core.events import utc_second
from argus.core.flatten import without_secrets
from argus.core.settings import BACKUP, Settings
from argus.delivery.channel import RUNNING, Channel
from argus.delivery.outbox import Outbox
from argus.rundir import layout, writer
from argus.rundir.run import RunDirectory
from argus.transport.address import Address
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

BEAT_S = 30.0
_DEFAULT_RUNS_DIR = "runs"
_MAX_SPILL_BYTES = 1_073_741_824
_MAX_KEPT_BYTES = 17_179_869_184


class Workplace:
    """The means of one channel's sender. Made and used in its thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._notices = channel.notices
        self.address = self._usable_address()
        self.url = self.address.url if self.address else channel.settings.url
        self._created_at = _now()
        self.state_dir = self._usable_state_dir()
        self.run = self._new_run()

    def outbox(self) -> Outbox:
        """A fresh outbox on the run directory, or on memory alone."""
        kept = self.run is not None and self.run.kept
        return Outbox(
            self.run.journal if self.run else None,
            max_bytes=_MAX_KEPT_BYTES if kept else _MAX_SPILL_BYTES,
            kept=kept,
            sends=self.address is not None,
            trouble=self.disk_trouble,
        )

    def client(self, meanwhile: Callable[[Patience], None]) -> HttpClient | None:
        """A client for one thread; None where nothing is sent."""
        if self.address is None:
            return None
        settings = self._channel.settings
        return HttpClient(
            self.address, settings.token, settings.ca_bundles, self._complain, meanwhile
        )

    def source(self) -> dict[str, str]:
        """What every event says about where it comes from."""
        source = {"project": self._channel.facts.project, "host": writer.host_name()}
        user = writer.user_name()
        return {**source, "user": user} if user else source

    def beat(self) -> None:
        """Give a sign of life."""
        if self.run is not None:
            try:
                self.run.beat()
            except OSError as error:
                self.disk_trouble(error)

    def leave(self, status: str, is_delivered: bool) -> None:
        """Say how the run ended, and let go of its directory; remove it where nobody needs it."""
        if self.run is None:
            return
        is_done = is_delivered and not self.run.media.pending()
        if not is_done or self.run.stays:  # else nobody will read it
            try:
                self.run.describe(self._description(status, _now()))
            except OSError as error:
                self.disk_trouble(error)
        if is_done:
            self.finish(self.run)
        else:
            self.run.release()

    def finish(self, run: RunDirectory) -> None:
        """Let go of a run that is delivered."""
        try:
            run.finish()
        except OSError as error:
            self._notices.debug("%s could not be removed: %s", run.path, error)

    @property
    def place(self) -> str:
        """Where the events are, for a person."""
        return f"in {self.run.path}" if self.run is not None else "in memory"

    def disk_trouble(self, error: OSError) -> None:
        """Tell once that the disk refuses."""
        self._notices.warn(
            "disk",
            "events cannot be written to disk (%s); they are held in memory until delivered",
            error,
        )

    def _usable_address(self) -> Address | None:
        url = self._channel.settings.url
        if url is None:
            return None
        try:
            return Address.parse(url)
        except ValueError as error:
            self._notices.warn(
                "address", "ARGUS_URL is no address (%s): events are kept, and not sent", error
            )
            return None

    def _usable_state_dir(self) -> Path | None:
        try:
            return state_dir(self._channel.settings)
        except OSError as error:
            self._notices.debug("no state directory: %s", error)
            return None

    def _new_run(self) -> RunDirectory | None:
        run = None
        try:
            run = new_run(self._channel.facts.batch_id, self._channel.settings, self.state_dir)
            run.describe(self._description(RUNNING, ended_at=None))
            return run
        except OSError as error:
            self.disk_trouble(error)
        if run is not None:
            run.release()
        return None

    def _description(self, status: str, ended_at: str | None) -> dict[str, Any]:
        facts, notices = self._channel.facts, self._channel.notices
        return {
            "batch_id": facts.batch_id,
            "project": facts.project,
            "experiment_type": facts.experiment_type,
            "config": None if facts.config is None else without_secrets(facts.config),
            "url": self.url,
            "status": status,
            "created_at": self._created_at,
            "ended_at": ended_at,
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

    def _complain(self, message: str) -> None:
        self._notices.warn(message, "%s", message)


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


def _now() -> str:
    return utc_second(time.time()) + "Z"
