"""What there is to send of an item, for whoever only looks: nothing is written and no lock taken."""

from __future__ import annotations

import os
from typing import NamedTuple

from argus.rundir import synced
from argus.rundir.event_file import EventFile
from argus.rundir.media import MediaList
from argus.sync.finding import Item, batch_and_project, stored_position
from argus.sync.foreign import event_line
from argus.sync.hand import fingerprint, record_dir
from argus.sync.task import Task


class Outlook(NamedTuple):
    """How much there is; `events` counts lines, of which some may be none."""

    events: int
    size: int
    files: int


def is_settled(item: Item, task: Task) -> bool:
    """Whether a run has ended and the platform has all of it: it is not even opened. One that is
    named is: the platform may have lost it."""
    if task.again or task.prunes or item.is_named or task.wanted.ids:
        return False
    if not item.is_run or not item.says_it_ended:
        return False
    try:
        size = os.stat(item.events).st_size
    except FileNotFoundError:
        size = 0
    return stored_position(item, task.url) >= size and not _files_owed(item, task)


def size_ahead(item: Item, task: Task) -> int:
    """About how many bytes of events would be sent; 0 where that cannot be told."""
    try:
        size = os.stat(item.events).st_size
        return size if task.again else max(size - _position(item, task), 0)
    except OSError:
        return 0


def outlook(item: Item, task: Task) -> Outlook:
    """What would be sent. Raises OSError where the events cannot be read."""
    start = 0 if task.again else _position(item, task)
    try:
        file = EventFile(item.events, start, event_line, lambda position: None, not item.is_run)
    except FileNotFoundError:
        if item.is_run:
            return Outlook(0, 0, _files_owed(item, task))
        raise
    try:
        count = file.count_left() if item.is_run or task.wanted.all else _wanted(file, task)
        return Outlook(count, file.size - file.position, _files_owed(item, task))
    finally:
        file.close()


def _position(item: Item, task: Task) -> int:
    here = stored_position(item, task.url) if item.is_run else 0
    place = record_dir(item, task)
    if place is None or not task.wanted.all:
        return here
    known = synced.read(place)
    is_same = item.is_run or known.get("about") == fingerprint(item.events)
    return max(here, synced.positions(known).get(task.url, 0) if is_same else 0)


def _files_owed(item: Item, task: Task) -> int:
    if not item.is_run:
        return 0
    media = MediaList(item.path, private=item.is_private)
    if item.home == task.url:
        return len(media.pending())
    every = media.every()
    settled = synced.settled_at(item.path, task.url) if every else frozenset()
    return sum(artifact.mark_in(item.path) not in settled for artifact in every)


def _wanted(file: EventFile, task: Task) -> int:
    """How many events of a plain file are meant."""
    count = 0
    reader = file.read_from(file.position)
    while lines := reader.take(1_000, 1_048_576):
        for line in lines:
            batch_id, project = batch_and_project(line.data)
            count += task.wanted.takes(project, batch_id)
    return count
