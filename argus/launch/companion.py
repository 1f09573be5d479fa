"""What a rank does beside the training for the others, or instead of reporting itself.

Rank 0 leaves word of its batch and of the stop button in the directory of the launch; the others
look there, so that of a thousand ranks one asks the platform. Where rank 0's word is not to be
seen, on a node without the file system that rank 0 has, the first rank of the node asks for it.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from argus.core.intervals import Intervals
from argus.delivery import fork
from argus.delivery.periodic import Periodic
from argus.launch.place import Place
from argus.launch.rank import LIGHTNING
from argus.launch.wanted import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argus.delivery.channel import Channel
    from argus.delivery.daemons import Daemons
    from argus.delivery.stop_poll import StopPoll
    from argus.launch.handover import Handover

_TURN_S = 1.0
_LOOK_S = 2.0
_LAST_WORD_S = 0.5
_SAID_EVERY_TURN_FOR_S = 120.0  # by then the others have begun
_SAID_EVERY_S = 15.0
_OTHERS_ARE_SILENT_AFTER_S = 30.0


class Companion:
    """One rank's. `stop` is called when the training is to end, `is_stopped` says whether it is to,
    `known` is told the batch of a rank that reports nothing itself."""

    def __init__(
        self,
        place: Place,
        intervals: Intervals,
        is_stopped: Callable[[], bool],
        stop: Callable[[], None],
        known: Callable[[str], None],
    ) -> None:
        self._place = place
        self._intervals = intervals
        self._is_stopped = is_stopped
        self._stop_training = stop
        self._known = known
        self._handover: Handover | None = None
        self._answer: Answer | None = None
        self._node: tuple[Channel, Daemons] | None = None
        self._poll: StopPoll | None = None
        self._began_at = time.monotonic()
        self._say_at = self._ask_at = 0.0  # monotonic
        self._beat = 0
        self._is_over = False
        self._leads = place.rank is not None and place.rank.is_first
        turn = self._lead if self._leads else self._follow
        interval_s = _TURN_S if self._leads else _LOOK_S
        self._thread = Periodic("rank", interval_s, turn, place.notices, 0.0, self._end)

    def start(self) -> None:
        """Begin, where a thread can be had."""
        try:
            self._thread.start()
        except RuntimeError as error:
            self._place.notices.warn("rank", "no thread can be started (%s)", error)

    def stop(self) -> None:
        """End soon. That the others hear of a stop, and that the resources of the node are
        delivered, is waited for, bounded."""
        self._is_over = True
        self._thread.stop()
        if self._leads and self._is_stopped():
            self._thread.join(_LAST_WORD_S)
        node, self._node = self._node, None
        if node is not None:
            channel, daemons = node
            daemons.stop()
            channel.close("done")

    # Rank 0

    def _lead(self) -> float | None:
        handover, now = self._place_of_words(), time.monotonic()
        batch_id, is_stopped = self._place.settled_id(), self._is_stopped()
        if is_stopped:  # first: it needs less of the disk than a word
            handover.say_stop(batch_id)
        if now >= self._say_at:
            from argus.launch.word import said_now

            self._beat += 1
            is_early = now < self._began_at + _SAID_EVERY_TURN_FOR_S
            self._say_at = now + (0.0 if is_early else _SAID_EVERY_S)
            handover.say(said_now(batch_id, self._beat, Path("/proc")))
            if self._place.key is not None and self._place.key.batch is not None:
                self._say_at = math.inf  # whose name no other launch has need not be said again
        return math.inf if is_stopped and self._say_at == math.inf else None

    # The others

    def _follow(self) -> float | None:
        answer = self._answer or self._place.found()
        if answer is None:
            return 0.25
        if self._answer is None:
            self._answer = answer
            self._known(answer.batch_id)
            self._report_node(answer)
        if self._intervals.stop_poll_s is None or answer.is_alone:
            return math.inf
        if self._is_stopped():
            return math.inf
        handover = self._place_of_words()
        if handover.hears_stop(answer.batch_id):
            self._stop_training()
        elif self._asks_itself(handover) and self._is_requested(answer.batch_id):
            handover.say_stop(answer.batch_id)
            self._stop_training()
        return min(_LOOK_S, self._intervals.stop_poll_s)

    def _asks_itself(self, handover: Handover) -> bool:
        rank, now = self._place.rank, time.monotonic()
        if rank is None or self._place.settings.url is None or now < self._ask_at:
            return False
        if rank.local and rank.launcher != LIGHTNING:  # whose rank 0 may not know that it is one
            return False
        return now > self._began_at + _OTHERS_ARE_SILENT_AFTER_S and handover.heard() is None

    def _is_requested(self, batch_id: str) -> bool:
        place, usual_s = self._place, self._intervals.stop_poll_s or _LOOK_S
        if self._poll is None:
            with fork.importing():
                from argus.delivery.stop_poll import StopPoll
            self._poll = StopPoll(batch_id, place.settings, place.notices)
        requested, pause_s = self._poll.ask()
        self._ask_at = time.monotonic() + max(usual_s, pause_s or 0.0)
        return requested

    def _report_node(self, answer: Answer) -> None:
        """The first rank of a node reports what the node is doing, and nothing else."""
        place, snapshot_s = self._place, self._intervals.snapshot_s
        is_wanted = place.is_silent and place.rank is not None and place.rank.is_first_on_node
        if not is_wanted or answer.is_alone or snapshot_s is None:
            return
        from argus.delivery.channel import Channel, RunFacts
        from argus.delivery.daemons import Daemons

        facts = RunFacts(answer.batch_id, place.wanted.project, place.wanted.experiment_type)
        channel = Channel(facts, place.settings, place.notices)
        intervals = Intervals(None, None, snapshot_s)
        daemons = Daemons(channel, intervals, lambda: answer.batch_id, self._stop_training)
        self._node = channel, daemons
        channel.start(daemons.start)
        if self._is_over:
            self.stop()

    # Both

    def _place_of_words(self) -> Handover:
        """Raises OSError where there is no place for them."""
        if self._handover is None:
            with fork.importing():
                from argus.delivery.workplace import state_dir
                from argus.launch.handover import Handover, sweep
            key = self._place.key
            assert key is not None
            state = state_dir(self._place.settings)
            self._handover = Handover(state, key.launch, self._place.position)
            sweep(state, time.time())
        return self._handover

    def _end(self) -> None:
        if self._poll is not None:
            self._poll.close()
        if not self._leads or not self._is_stopped():
            return
        try:
            self._place_of_words().say_stop(self._place.settled_id())
        except OSError as error:
            self._place.notices.debug("the other ranks do not hear of the stop: %s", error)
