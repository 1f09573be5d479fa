"""The events in hand: taken from the backlog, and not all settled yet.

They stay in the order of the file. What is settled (confirmed, or set aside for good) leaves from
the front, so that the position in the file moves only over events that need nothing more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from argus.core.batching import MAX_REQUEST_BYTES, batch_length
from argus.core.jsonl import Line
from argus.core.schema import MAX_EVENTS_PER_REQUEST
from argus.core.verdicts import Verdict

# An event that the platform cannot store while it stores others beside it, this many times over,
# has something in it that breaks the platform: it is set aside, not sent for ever. A platform that
# only loses every second result needs nine tries to name 500.
MAX_UNSTORED = 20
_NEVER = -1
_REGROW_AFTER = 10  # requests that went through until twice as many events go together again


class DeadLetter(NamedTuple):
    """An event that no platform will take, and why."""

    line: Line
    reason: str


class _Entry:
    """A line in hand. What is seldom so stands in the class: most lines never differ from it."""

    settled = False
    unstored = 0
    refused_at = _NEVER  # how much the platform had taken at the last refusal
    in_doubt = False  # it was refused alone
    probes = 0  # how often

    def __init__(self, line: Line) -> None:
        self.line = line


class Flight:
    """Up to `MAX_EVENTS_PER_REQUEST` unsettled events, and how many of them go together.

    A status that refuses a request as a whole says little: a proxy may answer so to everything. An
    event that is refused alone is in doubt, and a dead letter only if that happens again after the
    platform has taken something else. `taken` counts the requests of which it took anything.
    """

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()
        self._unsettled_bytes = 0
        self.unsettled = 0  # how many events still wait for an answer
        self._doubts = 0  # how many of those are in doubt
        self._sent: list[_Entry] = []
        self._together = MAX_EVENTS_PER_REQUEST
        self._went_through = 0

    @property
    def room(self) -> int:
        """How many more events a request could take; none while what is here fills one."""
        if self._unsettled_bytes >= MAX_REQUEST_BYTES:
            return 0
        return max(self._together - self.unsettled, 0)

    def board(self, lines: Iterable[Line]) -> list[DeadLetter]:
        """Take more lines in. Those that are no events are dead letters at once."""
        dead = []
        for line in lines:
            entry = _Entry(line)
            self._entries.append(entry)
            if line.event_id is None:
                entry.settled = True
                dead.append(DeadLetter(line, "unreadable: no event with an event_id"))
            else:
                self.unsettled += 1
                self._unsettled_bytes += len(line.data) + 1
        return dead

    def request(self, taken: int) -> list[Line]:
        """The lines of the next request; none where all is settled."""
        waiting = [entry for entry in self._entries if not entry.settled]
        self._sent = _probe(waiting, taken) if self._doubts else waiting
        count = batch_length([entry.line for entry in self._sent], self._together)
        del self._sent[count:]
        return [entry.line for entry in self._sent]

    def hold(self) -> None:
        """Nothing of this is in the next request."""
        self._sent = []

    def settle(self, verdict: Verdict, taken: int) -> list[DeadLetter]:
        """Carry out a verdict on the last request. Returns what was set aside for good."""
        dead = []
        for index, entry in enumerate(self._sent):
            if index not in verdict.confirmed:
                reason = self._refusal(index, entry, verdict, taken)
                if reason is None:
                    continue
                dead.append(DeadLetter(entry.line, reason))
            entry.settled = True
            self.unsettled -= 1
            self._unsettled_bytes -= len(entry.line.data) + 1
            self._doubts -= entry.in_doubt
        if self._sent:
            self._regroup(verdict, bool(dead))
        return dead

    def is_stuck(self, taken: int) -> bool:
        """Whether all that waits has been refused alone, and nothing was taken since."""
        return 0 < self._doubts == self.unsettled and not any(
            entry.refused_at < taken for entry in self._entries if not entry.settled
        )

    def disembark(self) -> int:
        """Let the settled ones at the front go. Returns their size in the file."""
        size = 0
        while self._entries and self._entries[0].settled:
            size += self._entries.popleft().line.size
        return size

    def _refusal(self, index: int, entry: _Entry, verdict: Verdict, taken: int) -> str | None:
        if verdict.wholesale:
            return self._doubted(entry, verdict, taken)
        if index in verdict.refused:
            return verdict.refused[index]
        if index in verdict.unstored and verdict.confirmed:
            entry.unstored += 1
            if entry.unstored >= MAX_UNSTORED:
                return f"not stored {entry.unstored} times, while others were"
        return None

    def _doubted(self, entry: _Entry, verdict: Verdict, taken: int) -> str | None:
        """The reason to set an event aside, of whose request nothing was taken."""
        alone = len(self._sent) == 1
        if alone and _NEVER < entry.refused_at < taken:
            return verdict.failure
        entry.refused_at = taken
        if alone:
            self._doubts += not entry.in_doubt
            entry.in_doubt = True
            entry.probes += 1
        return None

    def _regroup(self, verdict: Verdict, set_aside: bool) -> None:
        if set_aside or (verdict.wholesale and len(self._sent) == 1):
            self._together = MAX_EVENTS_PER_REQUEST  # what was wrong is out, or goes alone
        elif verdict.wholesale:
            self._together = max(len(self._sent) // 2, 1)
            self._went_through = 0
        elif verdict.confirmed:
            self._went_through += 1
            if self._went_through >= _REGROW_AFTER:
                self._together = min(self._together * 2, MAX_EVENTS_PER_REQUEST)
                self._went_through = 0


def _probe(waiting: list[_Entry], taken: int) -> list[_Entry]:
    """What goes next while some are in doubt: first one that can be told by now, alone; then all
    that are not; else the one in doubt that was tried least."""
    doubts = [entry for entry in waiting if entry.in_doubt]
    tellable = [entry for entry in doubts if entry.refused_at < taken]
    others = [entry for entry in waiting if not entry.in_doubt]
    if tellable:
        return tellable[:1]
    return others or [min(doubts, key=lambda entry: entry.probes)]
