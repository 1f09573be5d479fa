"""One process of Linux as its `stat` file tells it: proc_pid_stat(5). Pure, but for the one read."""

from __future__ import annotations

from typing import NamedTuple

from argus.resources.procfs import read

# Fields counted from the one after the name, which is the state.
_PPID, _UTIME, _STIME, _CUTIME, _CSTIME, _THREADS, _START, _RSS = 1, 11, 12, 13, 14, 17, 19, 21
_STACK = 25


class Process(NamedTuple):
    """Ticks and pages are those of the system."""

    pid: int  # as this /proc numbers processes
    parent: int
    own_ticks: int
    reaped_ticks: int  # of children that it waited for, with theirs
    threads: int
    start_ticks: int
    resident_pages: int
    stack: int  # where its stack began when it was executed: a forked copy has its parent's

    @property
    def ticks(self) -> int:
        """All CPU time that it answers for."""
        return self.own_ticks + self.reaped_ticks


def read_process(stat_path: str) -> Process:
    """Raises OSError where it is gone."""
    text = read(stat_path, 2048)
    pid = int(text.split(None, 1)[0])
    # The name in parentheses may hold spaces and parentheses; nothing behind it does.
    fields = text.rpartition(b")")[2].split(None, _STACK + 1)
    return Process(
        pid,
        int(fields[_PPID]),
        int(fields[_UTIME]) + int(fields[_STIME]),
        int(fields[_CUTIME]) + int(fields[_CSTIME]),
        int(fields[_THREADS]),
        int(fields[_START]),
        int(fields[_RSS]),
        int(fields[_STACK]),
    )
