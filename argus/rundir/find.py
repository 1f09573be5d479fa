"""Finding run directories below a root, at any depth, without looking into their files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from argus.rundir import layout

_MAX_DEPTH = 12


def run_directories(root: Path) -> Iterator[Path]:
    """The run directories below `root`, itself one too, in the order of their paths.

    One is what holds a sidecar or an event file; nothing is looked for inside. Links are not
    followed, and what begins with a dot or cannot be read is passed over.
    """
    yield from map(Path, _found(str(root), _MAX_DEPTH))


def is_run(path: Path) -> bool:
    """Whether a run directory stands there."""
    return any(os.path.isfile(path / name) for name in _MARKS)


_MARKS = frozenset({layout.SIDECAR, layout.EVENTS})


def _found(directory: str, depth: int) -> Iterator[str]:
    below = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name in _MARKS and entry.is_file(follow_symlinks=False):
                    yield directory
                    return
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
    except OSError:
        return
    if depth:
        for path in sorted(below):
            yield from _found(path, depth - 1)
