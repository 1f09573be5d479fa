"""Removing a run directory for good: what of it is ours to remove, and what speaks against it.

For whoever cleans up on a user's behalf. A reporter removes what it has delivered by itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from argus.rundir import edits, layout
from argus.rundir.copies import MEDIA_DIR
from argus.rundir.kept import FILES
from argus.rundir.run import RunDirectory
from argus.rundir.synced import was_refused

_OWN_DIRS = frozenset({FILES, layout.LOGS, MEDIA_DIR})
_OWN_FILES = frozenset(
    {
        layout.SIDECAR,
        layout.EVENTS,
        layout.DELIVERED,
        layout.REJECTED,
        layout.MEDIA,
        layout.HEARTBEAT,
        layout.LOCK,
        layout.SYNCED,
        layout.SYNCED_MEDIA,
        layout.SYNC_LOCK,
        layout.EDITS,
    }
)


def why_it_stays(path: Path) -> str | None:
    """What is in a run directory that would be lost with it, though all of it is delivered; None
    where nothing is. Raises OSError where it cannot be listed."""
    if (path / layout.REJECTED).exists() or was_refused(path):
        return "the platform has refused some of it, which is nowhere else"
    if edits.read(path) != edits.Edits():
        return "somebody has tagged, named or noted it"
    for entry in sorted(path.iterdir()):
        is_dir = entry.is_dir() and not entry.is_symlink()
        if entry.name not in (_OWN_DIRS if is_dir else _OWN_FILES) and not _is_half_written(entry):
            return f"{entry.name} in it is no part of a run"
    return None


def remove(run: RunDirectory) -> None:
    """Remove a run that is locked and that nothing speaks for, and let go of it. Raises OSError."""
    path = run.path
    for name in _OWN_DIRS:
        directory = path / name
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory)
    run.remove()
    _remove_empty_dates(path)


def _is_half_written(path: Path) -> bool:
    """Whether it is what a kill leaves of a file that was being replaced: `.run.json.4711`."""
    name, _, pid = path.name.rpartition(".")
    return name[:1] == "." and name[1:] in _OWN_FILES and pid.isdigit()


def _remove_empty_dates(path: Path) -> None:
    """Remove `YYYYMMDD/HHMMSS` above a run, where nothing is left in it."""
    for directory, digits in zip(path.parents, (6, 8)):
        if not (directory.name.isdigit() and len(directory.name) == digits):
            return
        try:
            directory.rmdir()
        except OSError:  # there is more in it
            return
