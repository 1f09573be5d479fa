"""What dead processes have left undelivered for the platform that we speak to.

One run at a time, looked up one by one, so that a thousand of them delay nobody. Its lock decides
who may deliver it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from argus.core.delivery import Gate
from argus.delivery.notices import Notices
from argus.delivery.outbox import Outbox
from argus.delivery.shipment import Shipment
from argus.rundir import layout, sidecar
from argus.rundir.run import RunDirectory, sweep

RESCAN_S = 600.0


class Leftovers:
    """The abandoned runs below a state directory that were meant for `url`."""

    def __init__(self, state_dir: Path, url: str, gate: Gate, notices: Notices) -> None:
        self._state_dir = state_dir
        self._url = url
        self._gate = gate
        self._notices = notices
        self._paths: Iterator[Path] | None = None
        self._scan_at = 0.0
        self.current: Shipment | None = None

    def advance(self, now: float) -> bool:
        """Look for the next run where none is at hand. False where there is none for now."""
        if self.current is not None:
            return True
        if self._paths is None:
            if now < self._scan_at:
                return False
            # Oldest first, as far as names tell: directory times cost a look into each.
            self._paths = iter(sorted(layout.spilled_runs(self._state_dir)))
        for path in self._paths:
            self.current = self._recovered(path)
            return True  # another look later: the run at hand may have something to send
        self._paths = None
        self._scan_at = now + RESCAN_S
        return False

    def finished(self) -> RunDirectory | None:
        """Give the run at hand away, once all of its events are delivered."""
        shipment, self.current = self.current, None
        if shipment is None:
            return None
        shipment.outbox.close()
        return shipment.run

    def release(self) -> None:
        """Let go of the run at hand: another reporter will go on with it."""
        run = self.finished()
        if run is not None:
            run.release()

    def _recovered(self, path: Path) -> Shipment | None:
        try:
            content = sidecar.read(path)
            if not sidecar.is_known_format(content) or sweep(path, time.time()):
                return None
            if content.get("url") != self._url:
                return None
            run = RunDirectory.recover(path, kept=False)
        except OSError as error:
            self._notices.debug("%s cannot be recovered: %s", path, error)
            return None
        if run is None:
            return None
        outbox = Outbox(run.journal, 0, True, True, self._trouble)
        return Shipment(outbox, run, self._gate, self._notices)

    def _trouble(self, error: OSError) -> None:
        self._notices.debug("the position of a recovered run could not be written: %s", error)
