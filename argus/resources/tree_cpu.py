"""CPU time of a process tree from look to look: no tick twice, and none lost. Pure.

A process that ends takes its count along, and whoever waits for it has the count added to that of
its reaped children. So what is new there is only what the tree had not seen before.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from argus.resources.process import Process


class TreeCpu:
    """Told who lives, it says how many ticks the tree has spent since it was told before."""

    def __init__(self) -> None:
        self._before: dict[int, Process] = {}
        # Ticks that were counted while a child lived, and are to come again when it is reaped.
        self._owed: dict[int, int] = {}

    def grown(self, members: Mapping[int, Process], late: Collection[int]) -> int:
        """Ticks since the look before; 0 on the first. Of members that are found `late`, it is not
        known when they spent theirs: these count from now on."""
        before, self._before = self._before, dict(members)
        if not before:
            return 0
        self._bury(before, members)
        grown = 0
        for pid, process in members.items():
            then = before.get(pid)
            if then is None or then.start_ticks != process.start_ticks:
                grown += 0 if pid in late else process.ticks
                continue
            grown += max(process.own_ticks - then.own_ticks, 0)
            reaped = max(process.reaped_ticks - then.reaped_ticks, 0)
            seen_before = min(reaped, self._owed.get(pid, 0))
            if seen_before:
                self._owed[pid] -= seen_before
            grown += reaped - seen_before
        return grown

    def _bury(self, before: dict[int, Process], members: Mapping[int, Process]) -> None:
        """What the dead have told passes to the nearest ancestor that lives."""
        dead = {
            pid
            for pid, process in before.items()
            if pid not in members or members[pid].start_ticks != process.start_ticks
        }
        for pid in dead:
            debt = before[pid].ticks + self._owed.pop(pid, 0)
            heir = before[pid].parent
            while heir in dead:
                heir = before[heir].parent
            if heir in members:
                self._owed[heir] = self._owed.get(heir, 0) + debt
