"""One item on its way: its events, then its artifacts, then what is to be done with the rest."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

from argus.core.backoff import Backoff
from argus.core.flight import DeadLetter
from argus.core.verdicts import Reply, UploadVerdict
from argus.delivery.artifacts import upload
from argus.delivery.notices import Notices
from argus.delivery.outbox import Outbox
from argus.delivery.shipment import Shipment
from argus.rundir import files, layout
from argus.rundir.media import DELIVERED as UPLOADED
from argus.rundir.media import REFUSED, Artifact
from argus.rundir.run import dead_line
from argus.sync import task as words
from argus.sync.closing import close
from argus.sync.finding import Item
from argus.sync.foreign import NoEventError, put_right
from argus.sync.hand import BusyError, Hand, PassedOverError
from argus.sync.outlook import is_settled, outlook
from argus.sync.pace import Pace
from argus.sync.pruning import prune
from argus.sync.task import Task, Tidings
from argus.transport.address import stop_path
from argus.transport.client import HttpClient

_LOOK_S = 1.0  # for more of what is still being written
_ASK_TIMEOUT_S = 15.0
_EMPTY = b"\0 \t\r"  # what a line without an event may consist of
_MAX_TRIES = 6  # of one artifact on a platform that answers


class Carrier:
    """Delivers one item, in turns: each goes on until nothing waits that could be sent."""

    def __init__(self, item: Item, task: Task, pace: Pace) -> None:
        self.tidings = Tidings(item)
        self._item = item
        self._task = task
        self._pace = pace
        self._hand: Hand | None = None
        self._parcel: Parcel | None = None
        self._start = 0
        self.due_at = 0.0  # monotonic: the next turn

    def turn(self, client: HttpClient) -> bool:
        """Deliver what there is. False where nothing more is to be done."""
        try:
            if self._hand is None and is_settled(self._item, self._task):
                return False
            if self._carry(client):
                return True
        except PassedOverError as error:
            is_busy = isinstance(error, BusyError)
            self._tell(words.BUSY if is_busy else words.PASSED, str(error))
            if self._task.watches and self._item.path.is_dir():
                return self._again_in(_LOOK_S)
        except FileNotFoundError:
            if not self._item.path.is_dir():  # else nothing was ever written in it
                self._tell(words.PASSED, "it is gone: somebody else has delivered it")
        except OSError as error:
            self._tell(words.UNREADABLE, error.strerror or str(error))
        self.release()
        return False

    def release(self) -> None:
        """Write the position down and let go; another sync can go on."""
        if self._parcel is not None:
            self._parcel.outbox.close()
            self._parcel = None
        if self._hand is not None:
            self._count_left(self._hand)
            self._hand.release()
            self._hand = None

    def give_up(self) -> None:
        """Let go of what will not be taken up any more, and tell what is left of it."""
        if self._hand is None and self.tidings.outcome == words.NOTHING:
            try:
                left = outlook(self._item, self._task)
            except OSError as error:
                self._tell(words.UNREADABLE, error.strerror or str(error))
                return
            self.tidings.left_events, self.tidings.left_files = left.events, left.files
            if left.events or left.files:
                self._tell(words.LEFT)
        self.release()

    def _carry(self, client: HttpClient) -> bool:
        hand = self._hand or self._opened(client)
        if self._parcel is None:
            self._parcel = Parcel(hand, self._pace, self.tidings)
        if not self._send(self._parcel, hand, client):
            return False
        owed = hand.owed()  # before the last look: the events that tell of them come first
        if hand.look():  # its writer has gone: whatever it left is final now
            self._close(hand)
        if not self._send(self._parcel, hand, client):
            return False
        uploads_left = self._upload(owed, hand, client)
        if self._pace.is_stopping:
            return False
        if hand.is_live and self._task.watches and hand.file.is_in_place:
            self._tell(words.FOLLOWED)
            self._parcel.outbox.save_position(time.monotonic())
            return self._again_in(_LOOK_S)
        self._finish(hand, uploads_left)
        return False

    def _opened(self, client: HttpClient) -> Hand:
        self._hand = hand = Hand(self._item, self._task, self._knows(client))
        self._start = hand.file.position
        self._close(hand)
        self.tidings.total_bytes = hand.file.size - self._start
        self.tidings.reason = None
        return hand

    def _close(self, hand: Hand) -> None:
        if self._task.closes and close(hand):
            self.tidings.closed = True
            hand.file.look()

    def _send(self, parcel: Parcel, hand: Hand, client: HttpClient) -> bool:
        """Send what waits. False where it is to end before that."""
        while (due_at := parcel.due_at(lingers=False)) is not None:
            if not self._pace.wait(due_at):
                return False
            outcome = parcel.send(client)
            if parcel.is_unreadable:
                raise OSError("the event file cannot be read on")
            if outcome is not None:
                self.tidings.events += outcome.confirmed
                if not self._pace.is_stopping:  # else it was cut short, and says nothing
                    self._pace.learn(outcome)
            self.tidings.sent_bytes = hand.file.position - self._start
            self.tidings.total_bytes = hand.file.size - self._start
        return not self._pace.is_stopping

    def _upload(self, owed: list[Artifact], hand: Hand, client: HttpClient) -> int:
        """Send the artifacts that are owed; how many still are afterwards."""
        backoff = Backoff(0.5, 15.0, random.Random(os.urandom(8)).random)
        left, tries, most_tries = 0, 0, _MAX_TRIES
        while owed and self._pace.wait(max(backoff.not_before, self._pace.gate.not_before)):
            verdict = upload(client, owed[0])
            if verdict.delivered or verdict.refused is not None:
                self._settle(hand, owed.pop(0), verdict)
                backoff.succeeded()
                tries = 0
                continue
            if self._pace.is_stopping:
                break  # it was cut short
            now = time.monotonic()
            backoff.failed(now, verdict.wait_s)
            if verdict.wait_s is not None:
                self._pace.gate.pause(now + verdict.wait_s)
            if verdict.absent:
                self._pace.in_trouble("the platform takes no files for now")
                continue
            tries += 1
            if tries >= most_tries:  # one file that breaks the platform does not hold up the others
                owed.pop(0)
                left, tries, most_tries = left + 1, 0, 1
        return left + len(owed)

    def _settle(self, hand: Hand, artifact: Artifact, verdict: UploadVerdict) -> None:
        """Note what has become of an artifact for good."""
        self._pace.got_through()
        hand.note(artifact, UPLOADED if verdict.delivered else REFUSED, verdict.refused)
        self.tidings.files += verdict.delivered
        self.tidings.refused_files += not verdict.delivered
        self.tidings.refusal = self.tidings.refusal or verdict.refused

    def _finish(self, hand: Hand, uploads_left: int) -> None:
        told = self.tidings
        told.left_files = uploads_left
        told.torn_bytes = 0 if self._item.is_run else hand.file.torn_bytes
        left_bytes = hand.file.size - hand.file.position
        if left_bytes > 0 or uploads_left:
            self._tell(
                words.LEFT, "the platform takes none of its files so far" if uploads_left else None
            )
        elif told.events or told.files:
            self._tell(words.DELIVERED)
        elif told.refused_events or told.refused_files or told.unreadable_lines:
            self._tell(words.REFUSED)
        else:
            self._tell(words.NOTHING)
        if hand.is_live:
            told.reason = told.reason or "it is still being written; --watch follows it to its end"
        lost = told.refused_events or told.refused_files or told.unreadable_lines or told.torn_bytes
        if self._task.prunes and told.outcome != words.LEFT and not lost and not hand.is_live:
            told.stays = prune(hand, self._parcel)
            told.pruned = told.stays is None
            self._parcel = None
        self.release()

    def _count_left(self, hand: Hand) -> None:
        told = self.tidings
        told.left_events = 0 if told.pruned else hand.file.count_left()
        told.left_files = 0 if told.pruned else len(hand.owed())
        if told.left_events or told.left_files:
            self._tell(words.LEFT, told.reason)

    def _knows(self, client: HttpClient) -> Callable[[str], bool]:
        """Asks the platform for a batch. Only a plain no counts: it has lost what it had."""

        def knows(batch_id: str) -> bool:
            if not self._item.is_run or not batch_id or "/" in batch_id:
                return True
            answer = client.request("GET", stop_path(batch_id), None, _ASK_TIMEOUT_S)
            return not (isinstance(answer, Reply) and answer.status == 404)

        return knows

    def _again_in(self, seconds: float) -> bool:
        self.due_at = time.monotonic() + seconds
        return True

    def _tell(self, outcome: str, reason: str | None = None) -> None:
        self.tidings.outcome, self.tidings.reason = outcome, reason


class Parcel(Shipment):
    """The events of an item in hand, and where those go that no platform takes."""

    def __init__(self, hand: Hand, pace: Pace, tidings: Tidings) -> None:
        notices = Notices()
        notices.muted = True  # the report tells it
        outbox = Outbox(hand.file, 0, kept=True, sends=True, trouble=self._position_lost)
        super().__init__(outbox, None, pace.gate, notices)
        self._tidings = tidings
        self._shelf = hand.notes_dir
        self._private = hand.item.is_private or hand.notes_dir != hand.item.path

    def set_aside(self, dead: list[DeadLetter]) -> None:
        """Keep what the platform will never take, each with its reason."""
        letters = [_explained(letter) for letter in dead if letter.line.data.strip()]
        if not letters:
            return
        told = self._tidings
        unreadable = sum(letter.line.event_id is None for letter in letters)
        told.unreadable_lines += unreadable
        told.refused_events += len(letters) - unreadable
        told.refusal = told.refusal or letters[0].reason
        if self._shelf is not None:
            try:
                path = self._shelf / layout.REJECTED
                files.append_lines(path, [dead_line(letter) for letter in letters], self._private)
            except OSError as error:
                self._position_lost(error)

    def _position_lost(self, error: OSError) -> None:
        """A disk that refuses: what is not noted is sent again, and known by its id."""
        self._tidings.reason = f"its position cannot be written down ({error.strerror or error})"


def _explained(letter: DeadLetter) -> DeadLetter:
    if letter.line.event_id is not None:
        return letter
    if letter.line.left_out > 0:
        return letter._replace(reason=f"no event: a line of {letter.line.size:,} bytes")
    try:
        put_right(letter.line.data, 0)
    except (NoEventError, RecursionError) as error:
        return letter._replace(reason=f"no event: {error}")
    return letter
