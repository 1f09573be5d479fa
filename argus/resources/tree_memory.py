"""Memory of a process tree, in which a page that many processes share counts once.

The kernel divides such pages among those that share them (Pss of smaps_rollup), but counting them
costs it CPU time by the gigabyte. So a process is looked at when it is new and then now and then,
and its resident memory, which is free to ask, carries the count on from there.
"""

from __future__ import annotations

from typing import NamedTuple

from argus.resources.procfs import labelled, read, read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argus.resources.process import Process

_LOOKS_S = 0.0006  # CPU time of all looks in one turn, as far as one look does not take more
_MOST_LOOKED_AT_BYTES = 4 * 2**30  # beyond this, a look takes tens of milliseconds
_REST_S = 120.0  # between two looks at one process,
_REST_PER_COST = 1000.0  # or this many times the CPU time that a look takes


class _Look(NamedTuple):
    start_ticks: int
    resident_pages: int
    pss_bytes: float | None  # None: the kernel does not say
    cost_s: float
    at: float


class TreeMemory:
    """`proc` is the directory, `cpu` the clock of this thread's CPU time, in seconds."""

    def __init__(self, proc: str, page_bytes: int, cpu: Callable[[], float]) -> None:
        self._proc = proc
        self._page_bytes = page_bytes
        self._cpu = cpu
        self._looks: dict[int, _Look] = {}

    def total_bytes(self, members: Mapping[int, Process], now: float) -> float:
        """The tree's memory at the monotonic time `now`."""
        self._look_at_some(members, now)
        total, shared = 0.0, 0
        for pid, process in members.items():
            look = self._looks.get(pid)
            if look is not None and look.pss_bytes is not None:
                change = (process.resident_pages - look.resident_pages) * self._page_bytes
                total += max(look.pss_bytes + change, 0.0)
            else:
                own_pages, shared_pages = self._own_pages(process, members)
                total += own_pages * self._page_bytes
                if look is not None:
                    shared = max(shared, shared_pages)
        return total + shared * self._page_bytes  # libraries and the like, which all have

    def _look_at_some(self, members: Mapping[int, Process], now: float) -> None:
        for pid, look in list(self._looks.items()):
            if pid not in members or members[pid].start_ticks != look.start_ticks:
                del self._looks[pid]
        due = [pid for pid in members if self._is_due(pid, now)]
        due.sort(key=lambda pid: self._looks[pid].at if pid in self._looks else float("-inf"))
        began_s = self._cpu()
        for turn, pid in enumerate(due):
            before_s = self._cpu()
            if turn and before_s - began_s > _LOOKS_S:
                break
            process = members[pid]
            pss_kib = self._pss_kib(process)
            pss = None if pss_kib is None else pss_kib * 1024.0
            cost_s = self._cpu() - before_s
            self._looks[pid] = _Look(process.start_ticks, process.resident_pages, pss, cost_s, now)

    def _is_due(self, pid: int, now: float) -> bool:
        look = self._looks.get(pid)
        return look is None or now - look.at >= max(_REST_S, _REST_PER_COST * look.cost_s)

    def _pss_kib(self, process: Process) -> int | None:
        """None where the kernel is older than 4.14, does not let this user look, or would take
        long: meanwhile the process may not map memory."""
        if process.resident_pages * self._page_bytes > _MOST_LOOKED_AT_BYTES:
            return None
        text = read_or_none(f"{self._proc}/{process.pid}/smaps_rollup", 1024)
        return None if text is None else labelled(text, b"Pss:")

    def _own_pages(self, process: Process, members: Mapping[int, Process]) -> tuple[int, int]:
        """A process without Pss: its private pages, and those that it has from files or shared.

        A forked copy has the pages of the process that it is a copy of: only what it has beyond
        these is its own. A program of its own, spawned, has a stack at another place.
        """
        own, shared = self._pages(process)
        copies = [
            other
            for other in members.values()
            if process.stack > 1 and other.stack == process.stack
        ]
        if copies:
            eldest = min(copies, key=lambda other: (other.start_ticks, other.pid))
            if eldest.pid != process.pid:
                own = max(own - self._pages(eldest)[0], 0)
        return own, shared

    def _pages(self, process: Process) -> tuple[int, int]:
        try:
            _, resident, shared = read(f"{self._proc}/{process.pid}/statm", 128).split()[:3]
        except OSError:
            return 0, 0  # it has just ended
        return max(int(resident) - int(shared), 0), int(shared)
