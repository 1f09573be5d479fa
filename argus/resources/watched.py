"""A probe and how it fares: asked, timed, judged, and left alone when it does no good.

The first trouble of a probe is told, the rest is counted. Time is the CPU's where a bound is short:
a machine that is merely busy makes every probe slow, and none of them a bad one.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from argus.core.values import bounded_text
from argus.resources.plausible import without_lies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class Probe(Protocol):
        """One source. It may raise anything; what it does not know, it leaves out."""

        @property
        def name(self) -> str:
            """What it reads, for a log line."""

        def read(self, now: float) -> Mapping[str, Any]:
            """Fields of a `resource_snapshot` at the monotonic time `now`."""

    class Source(Protocol):
        """Something that can be asked, in this thread or another."""

        @property
        def name(self) -> str:
            """What it reads, for a log line."""

        def ask(self, now: float) -> Answer:
            """What it says, or how long it has been silent. Never raises."""


MAX_FAILURES_IN_A_ROW = 3
MAX_CPU_S = 1.0
MAX_WALL_S = 10.0
_MAX_REASON = 200  # characters


class Clocks(NamedTuple):
    """Seconds by the clock (time.monotonic) and of this thread's CPU (time.thread_time)."""

    wall: Any  # Callable[[], float]: a NamedTuple of 3.9 evaluates what it is given
    cpu: Any


class Answer(NamedTuple):
    """`values` is None where there is none yet, or where `error` says why not."""

    values: Any  # Optional[Mapping[str, Any]]
    error: Optional[Exception]
    cpu_s: float
    wall_s: float


class Direct:
    """A probe that is asked in the thread that wants to know: it can only be slow, not hang."""

    def __init__(self, probe: Probe, clocks: Clocks) -> None:
        self.name = probe.name
        self._probe = probe
        self._clocks = clocks

    def ask(self, now: float) -> Answer:
        """What the probe says, timed."""
        return timed(self._probe, now, self._clocks)


class Missing:
    """Sources that this system turned out not to have: it says why."""

    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        self._error = error

    def ask(self, now: float) -> Answer:
        """The error, each time."""
        return Answer(None, self._error, 0.0, 0.0)


def timed(probe: Probe, now: float, clocks: Clocks) -> Answer:
    """What a probe says, and what it cost in the thread that calls this."""
    began, cpu_before_s = clocks.wall(), clocks.cpu()
    values, failure = None, None
    try:
        values = probe.read(now)
    except Exception as error:
        failure = error
    return Answer(values, failure, clocks.cpu() - cpu_before_s, clocks.wall() - began)


class Watched:
    """One source under watch. `complain` gets one line of text, once."""

    def __init__(self, source: Source, complain: Callable[[str], None]) -> None:
        self._source = source
        self._complain = complain
        self._failures_in_a_row = 0
        self._told = False
        self.failures = 0
        self.is_off = False

    def read(self, now: float) -> dict[str, Any]:
        """What can be believed of it; nothing where there is none, or it is left alone."""
        if self.is_off:
            return {}
        answer = self._source.ask(now)
        if answer.wall_s > MAX_WALL_S or answer.cpu_s > MAX_CPU_S:
            self._failed(
                f"takes {answer.wall_s:.1f} s, {answer.cpu_s:.1f} s of them CPU: not asked again"
            )
            self.is_off = True
            return {}
        if answer.error is not None:
            reason = bounded_text(answer.error, _MAX_REASON)
            self._failed(
                f"cannot be read, its values are left out ({type(answer.error).__name__}: {reason})"
            )
            return {}
        if answer.values is None:
            return {}
        values, lies = without_lies(answer.values)
        if lies:
            self._failed(f"says what cannot be of {', '.join(lies)}: left out")
        else:
            self._failures_in_a_row = 0
        return values

    def _failed(self, what: str) -> None:
        self.failures += 1
        self._failures_in_a_row += 1
        self.is_off = self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW
        if not self._told:
            self._told = True
            self._complain(f"{self._source.name}: {what}")
