"""One `resource_snapshot` out of all sources of this platform, none of which can harm another."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from argus.resources.platforms import Surroundings, sources
from argus.resources.watched import Clocks, Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from argus.resources.watched import Source

_CLOCKS = Clocks(time.monotonic, time.thread_time)


class Sampler:
    """Asks its sources in order, for one thread at a time; where two know a field, the later wins.

    A source that raises, tells what cannot be, hangs or costs too much is told about once, and left
    alone when it does not mend. `complain` gets one line of text.
    """

    def __init__(self, sources: Iterable[Source], complain: Callable[[str], None]) -> None:
        self._watched = [Watched(source, complain) for source in sources]

    @classmethod
    def for_this_platform(
        cls,
        directory: Path,
        complain: Callable[[str], None],
        run_directory: Callable[[], Path | None] = lambda: None,
    ) -> Sampler:
        """A sampler of this machine and this process with its children.

        The disks are those that `directory` and `run_directory` lie on; the latter is asked each
        time, and may be None. Imports what this machine needs: nothing is imported later, in a
        thread that a fork might cut off.
        """
        around = Surroundings(
            sys.platform, Path("/"), directory, run_directory, os.environ, _CLOCKS
        )
        return cls(sources(around), complain)

    @property
    def failures(self) -> int:
        """Reads that failed, over all sources."""
        return sum(watched.failures for watched in self._watched)

    def sample(self, now: float) -> dict[str, Any]:
        """The `data` of a snapshot at the monotonic time `now`. Never raises."""
        data: dict[str, Any] = {}
        for watched in self._watched:
            data.update(watched.read(now))
        data["pid"] = os.getpid()
        return data
