"""What there is to hand in: run directories and plain files of events, below the paths given.

Looks at names, sidecars and sizes; opens no event file but for its first line.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.jsonl import parsed_object
from argus.core.state import ENDED
from argus.rundir import files, find, layout, sidecar, synced
from argus.rundir.view import WRITTEN_BY_MONITOR

_MAX_FIRST_LINE = 65_536
# What reporters up to 0.1.3 leave in ~/.argus-reporter; the second name is of one that was cut
# off while it read its own file back.
_FOREIGN_SPILL = ("spill-*.jsonl", "spill-*.jsonl.draining")


class Item(NamedTuple):
    """One event file to hand in: of a run directory, or one that stands alone."""

    path: Path  # the directory, or the file
    events: Path
    described: Mapping[str, Any]  # its sidecar; empty for a plain file
    batch_id: Optional[str]
    project: Optional[str]
    is_run: bool
    is_named: bool = False  # by the user, rather than found
    is_latest: bool = True  # of all attempts of its batch that were found

    @property
    def is_private(self) -> bool:
        """Whether it is nobody else's to read: a run that waits in a state directory."""
        return self.is_run and self.path.parent.name == layout.SPILL

    @property
    def is_monitors(self) -> bool:
        """Whether a monitor received it: whoever reported it lives elsewhere."""
        return self.described.get("written_by") == WRITTEN_BY_MONITOR

    @property
    def home(self) -> Optional[str]:
        """The platform that its own writer reports to; None where that is none."""
        url = self.described.get("url")
        return url if isinstance(url, str) else None

    @property
    def says_it_ended(self) -> bool:
        """Whether its sidecar knows an end of it."""
        return self.described.get("status") in ENDED


class Complaint(NamedTuple):
    """Bad input: a path and what is wrong with it, for a person."""

    path: Path
    text: str


def found(paths: Iterable[Path]) -> tuple[list[Item], list[Complaint]]:
    """All that is at or below the paths, each once, and what is wrong with the rest."""
    items: dict[Path, Item] = {}
    complaints: list[Complaint] = []
    for path in paths:
        place = Path(os.path.realpath(path))
        try:
            here = list(_below(place))
        except OSError as error:
            complaints.append(Complaint(path, error.strerror or str(error)))
            continue
        if not here:
            complaints.append(Complaint(path, "there is no run in it"))
        for item in here:
            if sidecar.is_known_format(dict(item.described)):
                is_named = place in (item.path, item.events)
                items.setdefault(item.path, item._replace(is_named=is_named))
            else:
                complaints.append(Complaint(item.path, "a later version of argus has written it"))
    return _ranked(list(items.values())), complaints


def default_items(state_dir: Path | None, runs_dir: Path) -> list[Item]:
    """The runs that wait in the state directory, and those that are kept. What a monitor received
    is kept in such places too, and is handed in only where it is named."""
    kept = find.run_directories(Path(os.path.abspath(runs_dir)))
    waiting = sorted(layout.spilled_runs(state_dir)) if state_dir is not None else []
    items = [_run_item(path) for path in (*waiting, *kept)]
    return _ranked([item for item in items if not item.is_monitors])


class Wanted(NamedTuple):
    """Which batches are meant: patterns as a shell has them; none mean all."""

    projects: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def takes(self, project: str | None, batch_id: str | None) -> bool:
        """Whether a batch is meant."""
        return _fits(project, self.projects) and _fits(batch_id, self.ids)

    @property
    def all(self) -> bool:
        """Whether every batch is."""
        return not self.projects and not self.ids


def _fits(text: str | None, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text or "", pattern) for pattern in patterns)


def _below(path: Path) -> Iterator[Item]:
    """Raises OSError where there is nothing, or it cannot be listed."""
    if not path.is_dir():
        _require_utf8(path)
        is_of_run = path.name == layout.EVENTS and (path.parent / layout.SIDECAR).exists()
        yield _run_item(path.parent) if is_of_run else _file_item(path)
        return
    with os.scandir(path):
        pass
    for run in find.run_directories(path):
        yield _run_item(run)
    if not find.is_run(path):
        for pattern in _FOREIGN_SPILL:
            for file in sorted(path.glob(pattern)):
                if file.is_file():
                    yield _file_item(file)


def _require_utf8(path: Path) -> None:
    """Refuse what PowerShell makes of a file: half of it would look like lines all the same."""
    with os.fdopen(files.open_read(path), "rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise OSError("it is UTF-16; `iconv -f UTF-16 -t UTF-8` makes it readable")


def _run_item(path: Path) -> Item:
    described = sidecar.read(path)
    events = path / layout.EVENTS
    batch_id, project = described.get("batch_id"), described.get("project")
    if not isinstance(batch_id, str):
        batch_id, project = _first_words(events)
    return Item(
        path,
        events,
        described,
        batch_id,
        project if isinstance(project, str) else None,
        is_run=True,
    )


def _file_item(path: Path) -> Item:
    return Item(path, path, {}, *_first_words(path), is_run=False)


def _first_words(path: Path) -> tuple[Optional[str], Optional[str]]:
    """The batch and the project of the first event in a file, as far as they can be told."""
    try:
        fd = files.open_read(path)
    except OSError:
        return None, None
    with os.fdopen(fd, "rb") as file:
        return batch_and_project(file.readline(_MAX_FIRST_LINE))


def batch_and_project(line: bytes) -> tuple[Optional[str], Optional[str]]:
    """The batch and the project that an event in a line names, as far as it does."""
    event = parsed_object(line) or {}
    batch_id, source = event.get("batch_id"), event.get("source")
    project = source.get("project") if isinstance(source, dict) else None
    return (
        batch_id if isinstance(batch_id, str) else None,
        project if isinstance(project, str) else None,
    )


def _ranked(items: list[Item]) -> list[Item]:
    """The items in the order in which their runs began, each told whether another attempt of its
    batch came later: that one speaks for the batch."""
    latest: dict[str, str] = {}
    for item in items:
        if item.batch_id is not None and item.described.get("joins") is not True:
            began = _began(item)
            latest[item.batch_id] = max(began, latest.get(item.batch_id, began))
    return [
        item._replace(is_latest=_began(item) >= latest.get(item.batch_id or "", ""))
        for item in sorted(items, key=lambda item: (_began(item), item.path))
    ]


def _began(item: Item) -> str:
    return str(item.described.get("created_at") or "")


def stored_position(item: Item, url: str) -> int:
    """How many bytes of a run's events the platform at `url` has, for whoever only looks."""
    if item.home == url:
        try:
            return int(files.read_whole(item.path / layout.DELIVERED, 64))
        except (OSError, ValueError):
            return 0
    return synced.positions(synced.read(item.path)).get(url, 0)
