"""Who descends from a process of Linux, found at a bounded cost.

A child is listed by the thread that forked it (/proc/PID/task/TID/children), and a training has
hundreds of threads: main threads are asked each time, the others in turn. Where the kernel has no
such lists (CONFIG_PROC_CHILDREN), all processes are looked through, some of them each time.
"""

from __future__ import annotations

import os

from argus.resources.process import Process, read_process
from argus.resources.procfs import read, read_or_none

_THREADS_AT_A_TIME = 4  # in all processes of the tree together
_MOST_MEMBERS = 4096
_STRANGERS_AT_A_TIME = 64
_LISTING_S = 60.0  # between two lists of all processes


class Children:
    """Remembers the tree, so that a look costs little more than one file for each member."""

    def __init__(self, proc: str) -> None:
        self._proc = proc
        self._members: dict[int, int] = {}  # pid: when it started, in ticks
        self._threads: list[tuple[int, str]] = []  # still to be asked in this round
        self._scan: _Scan | None = None
        self._is_first_look = True

    def tree(self, root: Process, now: float) -> tuple[dict[int, Process], set[int]]:
        """All that live, with the root, and those of them that may have been there for long."""
        members = {root.pid: root}
        for pid, start_ticks in self._members.items():
            process = self._process(pid)
            if pid != root.pid and process is not None and process.start_ticks == start_ticks:
                members[pid] = process
        late: set[int] = set()
        if self._lists_children(root.pid):
            self._add_listed(members, late)
        else:
            self._add_scanned(members, late, root.pid, now)
        self._members = {pid: process.start_ticks for pid, process in members.items()}
        self._is_first_look = False
        return members, late

    def _lists_children(self, pid: int) -> bool:
        return self._scan is None and os.path.exists(f"{self._proc}/{pid}/task/{pid}/children")

    def _add_listed(self, members: dict[int, Process], late: set[int]) -> None:
        known = set(members)
        self._follow([(pid, str(pid)) for pid in members], members)
        if not self._threads or self._is_first_look:
            self._threads = [
                (pid, thread)
                for pid, process in members.items()
                if process.threads > 1
                for thread in self._threads_of(pid)
            ]
        at_a_time = len(self._threads) if self._is_first_look else _THREADS_AT_A_TIME
        asked, self._threads = self._threads[:at_a_time], self._threads[at_a_time:]
        of_main_threads = set(members)
        self._follow(asked, members)
        late |= set(members) - (known if self._is_first_look else of_main_threads)

    def _follow(self, threads: list[tuple[int, str]], members: dict[int, Process]) -> None:
        """Add the children of these threads, and all below them."""
        while threads:
            pid, thread = threads.pop()
            listed = read_or_none(f"{self._proc}/{pid}/task/{thread}/children", 1 << 16) or b""
            for word in listed.split():
                child = int(word)
                if child in members or len(members) >= _MOST_MEMBERS:
                    continue
                process = self._process(child)
                if process is not None:
                    members[child] = process
                    threads.append((child, str(child)))

    def _threads_of(self, pid: int) -> list[str]:
        try:
            return [name for name in os.listdir(f"{self._proc}/{pid}/task") if name != str(pid)]
        except OSError:
            return []  # it has just ended

    def _add_scanned(
        self, members: dict[int, Process], late: set[int], root: int, now: float
    ) -> None:
        if self._scan is None:
            self._scan = _Scan(self._proc)
        for pid in self._scan.descendants(root, set(members), now):
            process = self._process(pid)
            if process is not None and len(members) < _MOST_MEMBERS:
                members[pid] = process
                late.add(pid)

    def _process(self, pid: int) -> Process | None:
        try:
            return read_process(f"{self._proc}/{pid}/stat")
        except (OSError, ValueError, IndexError):
            return None  # it has just ended


class _Scan:
    """Parents of all processes, learnt a few at a time."""

    def __init__(self, proc: str) -> None:
        self._proc = proc
        self._parents: dict[int, int] = {}
        self._unknown: list[int] = []
        self._listed_at: float | None = None

    def descendants(self, root: int, known: set[int], now: float) -> list[int]:
        """Those of `root` that are not yet known."""
        if self._listed_at is None or now - self._listed_at >= _LISTING_S:
            self._listed_at = now
            pids = {int(name) for name in os.listdir(self._proc) if name.isdigit()}
            self._parents = {p: parent for p, parent in self._parents.items() if p in pids}
            self._unknown = sorted(pids - set(self._parents))
        asked = self._unknown[-_STRANGERS_AT_A_TIME:]  # the youngest first
        del self._unknown[-_STRANGERS_AT_A_TIME:]
        for pid in asked:
            try:
                text = read(f"{self._proc}/{pid}/stat", 2048)
            except OSError:
                continue  # it has just ended
            self._parents[pid] = int(text.rpartition(b")")[2].split(None, 2)[1])
        return [pid for pid in self._parents if pid not in known and self._is_below(pid, root)]

    def _is_below(self, pid: int, root: int) -> bool:
        for _ in range(
            64
        ):  # a chain that is longer, or a circle of reused numbers, is none of ours
            if pid == root:
                return True
            pid = self._parents.get(pid, 0)
            if pid <= 1:
                return False
        return False
