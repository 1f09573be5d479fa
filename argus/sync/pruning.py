"""Removes what is delivered, all of it, and only then."""

from __future__ import annotations

import os

from argus.delivery.shipment import Shipment
from argus.rundir import layout, removal
from argus.rundir.run import RunDirectory
from argus.sync.hand import Hand


def prune(hand: Hand, shipment: Shipment | None) -> str | None:
    """Remove an item that is delivered; None where that is done, else why it must stay. Raises
    OSError."""
    if shipment is not None:
        shipment.outbox.close()
    if not hand.item.is_run:
        return _remove_file(hand)
    run = hand.run
    if run is None:
        return "somebody else has it in hand"
    if run.journal.size != hand.file.position:
        return "it has grown"
    reason = removal.why_it_stays(hand.item.path)
    if reason is None:
        _remove_run(hand, run)
    return reason


def _remove_run(hand: Hand, run: RunDirectory) -> None:
    hand.file.close()
    if hand.record is not None and os.name == "nt":
        hand.record.release()  # it removes no file that is open
    removal.remove(run)
    hand.run = None


def _remove_file(hand: Hand) -> str | None:
    if not hand.file.is_in_place or hand.file.delivered_bytes < os.stat(hand.item.path).st_size:
        return "it has grown"
    if hand.notes_dir is not None and (hand.notes_dir / layout.REJECTED).exists():
        return "some of it was refused, which is nowhere else"
    hand.file.close()
    hand.item.path.unlink()
    if hand.record is not None:
        hand.record.remove()
        hand.record = None
    return None
