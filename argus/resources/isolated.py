"""A probe that may hang for good, in a driver or on a dead file server: asked in a thread of its own.

A read that does not end is given up, never waited for: its thread is daemonic, and no probe of a
process has more than a few of them, however many runs the process makes.
"""

from __future__ import annotations

import _thread  # a third of the cost of threading.Thread, and daemonic by nature
import os

from argus.resources.watched import MAX_WALL_S, Answer, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argus.resources.watched import Clocks, Probe

_MAX_THREADS = 4  # of one probe in this process, those of other runs counted in


class Isolated:
    """Waits up to `patience_s` for an answer; what comes later is dropped, and asked for anew."""

    def __init__(self, probe: Probe, clocks: Clocks, patience_s: float) -> None:
        self.name = probe.name
        self._probe = probe
        self._clocks = clocks
        self._patience_s = patience_s
        self._late: _Errand | None = None

    def ask(self, now: float) -> Answer:
        """What the probe says at `now`, or how long the read under way has been silent."""
        late, self._late = self._late, None
        if late is not None:
            answer = self._wait_for(late)
            if self._late is late or answer.wall_s > MAX_WALL_S or answer.error is not None:
                return answer
        try:
            return self._wait_for(self._sent(now))
        except RuntimeError as error:  # no thread can be had
            return Answer(None, error, 0.0, 0.0)

    def _sent(self, now: float) -> _Errand:
        errand = _Errand(self.name, self._clocks.wall())
        alive = sum(errand.is_like(other) for other in tuple(_under_way))
        if alive >= _MAX_THREADS:
            raise RuntimeError(f"{alive} earlier reads have not come back")

        def run() -> None:
            try:
                errand.answer = timed(self._probe, now, self._clocks)
            finally:
                _under_way.discard(errand)
                errand.done.release()

        _under_way.add(errand)
        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:
            _under_way.discard(errand)
            raise
        return errand

    def _wait_for(self, errand: _Errand) -> Answer:
        if errand.done.acquire(timeout=self._patience_s) and errand.answer is not None:
            return errand.answer
        self._late = errand
        return Answer(None, None, 0.0, self._clocks.wall() - errand.began)


class _Errand:
    """One read in its thread."""

    def __init__(self, name: str, began: float) -> None:
        self.began = began
        self.answer: Answer | None = None
        self.done = _thread.allocate_lock()
        self.done.acquire()
        self._whose = (name, os.getpid())  # threads do not live on in a forked child

    def is_like(self, other: _Errand) -> bool:
        """Of the same probe, in the same process."""
        return self._whose == other._whose


_under_way: set[_Errand] = set()
