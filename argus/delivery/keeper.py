"""Puts what a run's environment is into the files of a run that is kept. For the sender's thread."""

from __future__ import annotations

from pathlib import Path

from argus.core.redact import hideable
from argus.core.secret import HIDDEN
from argus.delivery.channel import Channel
from argus.rundir import kept
from argus.rundir.run import RunDirectory


class Keeper:
    """One channel's. A run that is not kept, or that another process has begun, has no such files."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._environment = channel.environment if channel.settings.keeps_runs else None
        self._written_to: Path | None = None

    def tick(self, run: RunDirectory | None) -> None:
        """Write the files once they are known, and again where the directory is another."""
        environment = self._environment
        if environment is not None and environment.is_gathered and run is not None:
            self._write(run)

    def leave(self, run: RunDirectory) -> None:
        """Write what is known at the end of the run."""
        if self._environment is None:
            return
        self._environment.give_up(self._channel.closing_at or 0.0)
        self._write(run)

    def _write(self, run: RunDirectory) -> None:
        environment = self._environment
        if environment is None or run.path == self._written_to:
            return
        secret = hideable(self._channel.settings.token)
        token = b"" if secret is None else secret.reveal().encode()
        content = kept.contents(environment.facts(), environment.diff)
        if token:
            content = {name: data.replace(token, HIDDEN.encode()) for name, data in content.items()}
        self._written_to = run.path  # also where it fails: the events matter more to a full disk
        try:
            kept.write(run.path, content)
        except OSError as error:
            self._channel.notices.debug("the files of the run could not be kept: %s", error)
