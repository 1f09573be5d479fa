"""Removes what is delivered, all of it, and only then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from argus.delivery.shipment import Shipment
from argus.rundir import layout
from argus.rundir.copies import MEDIA_DIR
from argus.rundir.kept import FILES
from argus.rundir.synced import was_refused
from argus.sync.hand import Hand

# What a run directory holds in directories of its own. Anything else there is somebody else's.
_OWN_DIRS = (FILES, layout.LOGS, MEDIA_DIR)


def prune(hand: Hand, shipment: Shipment | None) -> bool:
    """Remove an item that is delivered. False where it must stay. Raises OSError."""
    if shipment is not None:
        shipment.outbox.close()
    item = hand.item
    if not item.is_run:
        return _remove_file(hand)
    run = hand.run
    if (
        run is None
        or run.has_dead_letters
        or was_refused(item.path)
        or run.journal.size != hand.file.position
    ):
        return False
    for name in _OWN_DIRS:
        directory = item.path / name
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory)
    if any(entry.is_dir() and not entry.is_symlink() for entry in item.path.iterdir()):
        return False
    hand.file.close()
    if hand.record is not None and os.name == "nt":
        hand.record.release()  # it removes no file that is open
    run.remove()
    hand.run = None
    _remove_empty_dates(item.path)
    return True


def _remove_file(hand: Hand) -> bool:
    if not hand.file.is_in_place or hand.file.delivered_bytes < os.stat(hand.item.path).st_size:
        return False  # it has grown
    if hand.notes_dir is not None and (hand.notes_dir / layout.REJECTED).exists():
        return False
    hand.file.close()
    hand.item.path.unlink()
    if hand.record is not None:
        hand.record.remove()
        hand.record = None
    return True


def _remove_empty_dates(run: Path) -> None:
    """Remove `YYYYMMDD/HHMMSS` above a run, where nothing is left in it."""
    time, date = run.parent, run.parent.parent
    if not (time.name.isdigit() and len(time.name) == 6):
        return
    if not (date.name.isdigit() and len(date.name) == 8):
        return
    for directory in (time, date):
        try:
            directory.rmdir()
        except OSError:  # there is more in it
            return
