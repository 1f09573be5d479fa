"""Which runs a command is about: where runs are looked for, and which one a name means."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from argus.arguments import settings_file
from argus.core.settings import Settings, resolve
from argus.delivery.workplace import DEFAULT_RUNS_DIR, state_dir
from argus.rundir import find
from argus.rundir.runs import Run, runs

if TYPE_CHECKING:
    import argparse

Complain = Callable[[Path, OSError], None]


class NotFoundError(Exception):
    """What was asked for is not there; the message is for a person."""


class Finder:
    """Finds runs for one command, and remembers whether something could not be read."""

    def __init__(self, command: str, given: Sequence[Path]) -> None:
        """`given` are directories to look in; none: where the settings keep runs, and the state
        directory, where undelivered ones wait."""
        self._command = command
        self._given = given
        self.has_failed = False

    def all(self) -> list[Run]:
        """Every run, the newest first. Raises NotFoundError where a directory is not there."""
        for path in self._given:
            if not path.is_dir():
                raise NotFoundError(f"{path} is no directory")
            try:
                os.scandir(path).close()
            except OSError as error:
                raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from None
        return runs(self._given or default_roots(), time.time(), self.unreadable)

    def named(self, names: Sequence[str]) -> list[Run]:
        """The runs of those names, in that order; each a path, a batch id, the beginning of one,
        or what somebody has named a run. One that means nothing is told, and the rest is done."""
        found: dict[str, Run] = {}
        everything: list[Run] | None = None
        for name in names:
            try:
                if find.is_run(Path(name)):
                    run = self._at(Path(name))
                else:
                    everything = self.all() if everything is None else everything
                    run = _meant(name, everything)
            except NotFoundError as error:
                self.complain(str(error))
            else:
                found.setdefault(str(run.main.path), run)
        return list(found.values())

    def complain(self, message: str) -> None:
        """One line on stderr: something is not done, and the command's exit code says so."""
        self.has_failed = True
        print(f"argus {self._command}: {message}", file=sys.stderr)

    def _at(self, path: Path) -> Run:
        unreadable: list[OSError] = []
        found = runs([path], time.time(), lambda _, error: unreadable.append(error))
        if not found:
            reason = unreadable[0].strerror or unreadable[0]
            raise NotFoundError(f"{path} cannot be read: {reason}")
        return found[0]

    def unreadable(self, path: Path, error: OSError) -> None:
        """The same of a run that cannot be read."""
        self.complain(f"{path} cannot be read: {error.strerror or error}")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare where to look."""
    parser.add_argument(
        "--runs",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look below DIR, at any depth; may be given again (ARGUS_RUNS_DIR, else ./runs; and"
        " the state directory)",
    )


def current_settings() -> Settings:
    """What a run started here would be told."""
    return resolve(None, None, os.environ, settings_file())


def default_roots() -> list[Path]:
    """Where runs are when nothing else is said."""
    settings = current_settings()
    runs_dir = Path(
        settings.runs_dir or os.environ.get("ARGUS_RUNS_DIR") or DEFAULT_RUNS_DIR
    ).expanduser()
    try:
        return [runs_dir, state_dir(settings) / "spill"]
    except OSError:
        return [runs_dir]


def _meant(name: str, everything: Sequence[Run]) -> Run:
    """The one run that a name means. Raises NotFoundError where there is none, or more."""
    exact = [run for run in everything if name in (run.main.batch_id, run.main.edits.name)]
    begun = [run for run in everything if run.main.batch_id.startswith(name)]
    found = exact or (begun if name else [])
    if len(found) == 1:
        return found[0]
    if not found and name and os.path.lexists(name):
        raise NotFoundError(f"{name} is no run, or its files cannot be read: see `argus runs`")
    if not found:
        raise NotFoundError(f"there is no run {name!r}: see `argus runs`")
    ids = ", ".join(run.main.batch_id for run in found[:5])
    raise NotFoundError(f"{name!r} can mean {len(found)} runs ({ids}): say more of it")
