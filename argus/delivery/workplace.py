"""What a sender works with: a run directory, an outbox on it, and clients of the platform.

Everything that can be missing is missing here: a place to write, a platform to send to.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argus.core.events import utc_second, valid_second
from argus.core.flatten import without_secrets
from argus.core.redact import hideable
from argus.core.settings import Settings
from argus.core.statuses import RUNNING
from argus.core.summary import Summary
from argus.delivery.channel import Channel
from argus.delivery.keeper import Keeper
from argus.delivery.outbox import Outbox
from argus.delivery.trust import trust
from argus.rundir import layout, writer
from argus.rundir.files import make_dir
from argus.rundir.run import RunDirectory
from argus.transport.address import Address
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

BEAT_S = 30.0
LOOK_S = 0.5  # what is written into a directory that was removed is gone with the process
TRY_AGAIN_S = 5.0  # to write what the disk has refused, or to find another place
DEFAULT_RUNS_DIR = "runs"
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
        self.summary = Summary()  # of all that is written down
        self._outbox: Outbox | None = None
        self.state_dir = self._usable_state_dir()
        self._described: dict[str, Any] = {}
        self._keeper = Keeper(channel)
        self.beat_at = 0.0  # monotonic: the next sign of life
        self._look_at = 0.0
        self.is_homeless = False  # the directory was removed, and another cannot be had
        self.run: RunDirectory | None = None  # as long as there is trouble with making one
        self.run = self._new_run()
        self.tick(time.monotonic())  # the sidecar comes first: events without it are nobody's

    def outbox(self) -> Outbox:
        """A fresh outbox on the run directory, or on memory alone."""
        kept = self.run is not None and self.run.kept
        self._outbox = Outbox(
            self.run.journal if self.run else None,
            max_bytes=_MAX_KEPT_BYTES if kept else _MAX_SPILL_BYTES,
            kept=kept,
            sends=self.address is not None,
            trouble=self.disk_trouble,
        )
        return self._outbox

    def client(self, meanwhile: Callable[[Patience], None]) -> HttpClient | None:
        """A client for one thread; None where nothing is sent."""
        if self.address is None:
            return None
        settings = self._channel.settings
        trusted = trust(settings, self._complain)
        return HttpClient(self.address, settings.token, trusted, self._complain, meanwhile)

    def source(self) -> dict[str, str]:
        """What every event says about where it comes from."""
        source = {"project": self._channel.facts.project, "host": writer.host_name()}
        user = writer.user_name()
        return {**source, "user": user} if user else source

    def tick(self, now: float) -> None:
        """Do what is due now and then; `now` is monotonic. To be called about every `LOOK_S`."""
        if now >= self._look_at:
            self.look(now)
        if now >= self.beat_at:
            self.beat_at = now + (BEAT_S if self._beat() else TRY_AGAIN_S)
        if not self.is_homeless:
            self._keeper.tick(self.run)

    def look(self, now: float) -> None:
        """See whether the directory is still there, and go on in another one where it is not."""
        self._look_at = now + LOOK_S
        if self.run is None or self.run.journal.is_in_place:
            return
        removed, trouble = self.run.path, None
        batch_id, settings = self._channel.facts.batch_id, self._channel.settings
        description = self._description(RUNNING, ended_at=None)
        try:
            self.state_dir = self._usable_state_dir()
            path = new_directory(batch_id, settings, self.state_dir)
            self.run.move_to(path, description)
            self._described = description
            self._channel.place(path)
        except OSError as error:
            trouble = error
        self.is_homeless = not self.run.journal.is_in_place
        self.beat_at = now
        if self.is_homeless:
            self._look_at = now + TRY_AGAIN_S
            self._notices.warn(
                "removed",
                "%s was removed, and no other can be made (%s): events are held in memory until "
                "delivered",
                removed,
                trouble,
            )
        else:
            self._notices.warn("removed", "%s was removed: events are kept %s", removed, self.place)

    def leave(self, status: str, is_delivered: bool) -> None:
        """Say how the run ended, and let go of its directory; remove it where nobody needs it."""
        if self.run is None:
            return
        if self.run.stays:
            self.look(time.monotonic())
        # Where all went from memory, as the disk refused it, there is nothing to find either.
        journal = self.run.journal
        is_done = is_delivered or journal.position == journal.size
        is_done = is_done and not self.run.media.pending()
        if not is_done or self.run.stays:  # else nobody will read it
            try:
                self._describe(self.run, status, _now())
            except OSError as error:
                self.disk_trouble(error)
        self._keeper.leave(self.run)
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

    @property
    def later(self) -> str:
        """What delivers the events once this process has ended, for a person."""
        if self.run is not None and self.run.kept:  # what a user keeps, no other run touches
            return f"`argus sync {shlex.quote(str(self.run.path))}` delivers them"
        return "the next run with that ARGUS_URL delivers them"

    def disk_trouble(self, error: OSError) -> None:
        """Tell once that the disk refuses."""
        if self.run is not None and not self.run.journal.is_in_place:
            return  # `look` finds it out too, and knows better what to say
        fate = "until it takes them: ARGUS_RUNS_DIR names another place"
        fate = fate if self.address is None else "until delivered"
        text = "events cannot be written to disk (%s); they are held in memory %s"
        self._notices.warn("disk", text, error, fate)

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
        try:
            return new_run(self._channel.facts.batch_id, self._channel.settings, self.state_dir)
        except OSError as error:
            self.disk_trouble(error)
            return None

    def _beat(self) -> bool:
        """Give a sign of life, and say what has changed. False where the disk refuses."""
        if self.run is None:
            return True
        if self.is_homeless:
            return False
        try:
            self._describe(self.run, RUNNING, ended_at=None)
            self.run.beat()
        except OSError as error:
            self.disk_trouble(error)
            return False
        return True

    def _describe(self, run: RunDirectory, status: str, ended_at: str | None) -> None:
        description = self._description(status, ended_at)
        if description != self._described or not run.is_described:
            run.describe(description)
            self._described = description

    def _description(self, status: str, ended_at: str | None) -> dict[str, Any]:
        facts, notices = self._channel.facts, self._channel.notices
        return {
            **self._sums(),
            "batch_id": facts.batch_id,
            "joins": facts.joins,
            "project": facts.project,
            "experiment_type": facts.experiment_type,
            "config": None if facts.config is None else without_secrets(facts.config),
            "url": self.url,
            "status": status,
            "created_at": self._created_at,
            "ended_at": ended_at,
            **writer.identity(),
            "heartbeat_s": BEAT_S,
            "attempt": facts.attempt,
            **({"launch": facts.launch} if facts.launch else {}),
            "tags": [],
            "dropped": notices.counts,
            "mistakes": notices.mistakes,
            "uploaded": self._channel.uploaded,
        }

    def _sums(self) -> dict[str, Any]:
        """What the events add up to, and up to which byte of the file: a reader goes on there."""
        sums = self.summary.document()
        secret = hideable(self._channel.settings.token)
        if secret is not None:
            sums = json.loads(secret.hide_in(json.dumps(sums)))
        if self.run is not None and self._outbox is not None and self._outbox.is_written:
            sums["events_bytes"] = self.run.journal.file_bytes
        return sums

    def _complain(self, message: str) -> None:
        self._notices.warn(message, "%s", message)


def state_dir(settings: Settings) -> Path:
    """The directory for undelivered runs. Raises OSError where no place can be used."""
    uid = writer.user_id()
    candidates = layout.state_dir_candidates(
        settings.state_dir, os.environ, tempfile.gettempdir(), uid
    )
    return layout.usable_state_dir(candidates, uid)


def runs_dir(settings: Settings) -> Path:
    """The directory for runs that stay."""
    return Path(settings.runs_dir or DEFAULT_RUNS_DIR).expanduser().absolute()


def new_run(batch_id: str, settings: Settings, state: Path | None) -> RunDirectory:
    """A fresh, locked run directory. Raises OSError where none can be had."""
    return RunDirectory.create(new_directory(batch_id, settings, state), settings.keeps_runs)


def new_directory(batch_id: str, settings: Settings, state: Path | None) -> Path:
    """An empty directory that no other run has. Raises OSError where there is no place."""
    host, pid, unique = writer.host_name(), os.getpid(), os.urandom(4).hex()
    if settings.keeps_runs:
        now = time.localtime(valid_second(time.time()))
        path = layout.kept_dir(runs_dir(settings), batch_id, now)
        make_dir(path.parent, private=False)
        try:
            path.mkdir()
        except FileExistsError:  # another process of the same batch, in the same second
            path = path.with_name(f"{path.name}.{layout.file_name(host)}.{pid}.{unique}")
            path.mkdir()
        return path
    if state is None:
        raise FileNotFoundError("no place for undelivered runs can be written")
    path = layout.spill_dir(state, batch_id, host, pid, unique)
    make_dir(path, private=True)
    return path


def _now() -> str:
    return utc_second(time.time()) + "Z"
