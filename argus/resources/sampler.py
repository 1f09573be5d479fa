"""One `resource_snapshot` out of all sources of this platform, none of which can harm another."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from argus.core.values import bounded_text
from argus.resources.disk import Disk
from argus.resources.linux import OwnProcess, SystemCpu, SystemMemory
from argus.resources.times import ProcessTimes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Protocol

    class Probe(Protocol):
        """One source. It may raise anything; what it does not know, it leaves out."""

        @property
        def name(self) -> str:
            """What it reads, for a log line."""

        def read(self, now: float) -> Mapping[str, Any]:
            """Fields of a `resource_snapshot` at the monotonic time `now`."""


_MAX_FAILURES_IN_A_ROW = 3
_MAX_REASON = 200  # characters


class Sampler:
    """Asks its probes in order, for one thread at a time; where two know a field, the later wins.

    A probe that raises is counted and told about once; after three failures in a row it is left
    alone. `complain` gets one line of text.
    """

    def __init__(self, probes: Iterable[Probe], complain: Callable[[str], None]) -> None:
        self._watched = [_Watched(probe) for probe in probes]
        self._complain = complain
        self.failures = 0

    @classmethod
    def for_this_platform(cls, directory: Path, complain: Callable[[str], None]) -> Sampler:
        """A sampler of this machine and process; the disk is the one that `directory` lies on."""
        return cls(_probes(sys.platform, Path("/proc"), directory), complain)

    def sample(self, now: float) -> dict[str, Any]:
        """The `data` of a snapshot at the monotonic time `now`. Never raises."""
        data: dict[str, Any] = {}
        for watched in self._watched:
            if watched.failures_in_a_row >= _MAX_FAILURES_IN_A_ROW:
                continue
            try:
                data.update(watched.probe.read(now))
                watched.failures_in_a_row = 0
            except Exception as error:
                self._note_failure(watched, error)
        data["pid"] = os.getpid()
        return data

    def _note_failure(self, watched: _Watched, error: Exception) -> None:
        self.failures += 1
        watched.failures_in_a_row += 1
        if not watched.told:
            watched.told = True
            self._complain(
                f"{watched.probe.name}: cannot be read, its values are left out"
                f" ({type(error).__name__}: {bounded_text(error, _MAX_REASON)})"
            )


class _Watched:
    """A probe and how it has fared."""

    __slots__ = ("failures_in_a_row", "probe", "told")

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.failures_in_a_row = 0
        self.told = False


def _probes(platform: str, proc: Path, directory: Path) -> list[Probe]:
    """The sources of a platform, by its name in `sys.platform`."""
    if platform == "linux":
        return [
            SystemCpu(proc),
            SystemMemory(proc),
            OwnProcess(proc, os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")),
            Disk(directory),
        ]
    return [ProcessTimes(os.times), Disk(directory)]
