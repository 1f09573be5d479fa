"""The one `env_snapshot` of a batch: what its code, packages, machine and configuration were.

Light on purpose, like its channel: all that is heavy is loaded in a thread of its own, a while
after the first events, when the training script has had its own imports.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from argus.delivery import fork
from argus.delivery.latch import Latch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argus.delivery.channel import Channel

FIRST_S = 1.0
LIMIT_S = 10.0
_LONGEST_PUT_S = 0.5
_LONGEST_GATHERING_S = 0.5  # for a run that is kept, once its block is left


class Environment:
    """Gathers the snapshot of the batch that `channel` has begun, and puts it there once.

    For a run that is kept it goes on once the block is left, beside the last deliveries, until
    `give_up`: what is in the files of a run should not depend on how short it was.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._gathered: dict[str, Any] = {}
        self.diff: bytes | None = None  # of a run that is kept: what was not committed
        self.is_gathered = False
        self._leaving = Latch()
        self._left_at = 0.0  # monotonic
        self._is_kept = channel.settings.keeps_runs
        self._giving_up = Latch() if self._is_kept else self._leaving
        self._at_end: Latch | None = None  # of the thread, once there is one
        self._telling = threading.RLock()  # a signal handler may leave while it is being left
        self._told = False

    def start(self) -> None:
        """Begin to gather, in a thread of its own. For the sender, who has time to start one."""
        if self._giving_up.is_set:
            return
        at_end = Latch()
        thread = threading.Thread(
            target=self._run, args=(at_end,), name="argus-environment", daemon=True
        )
        try:
            thread.start()
            self._at_end = at_end
        except RuntimeError as error:  # no thread can be had, or the interpreter is ending
            self._channel.notices.debug("no env_snapshot: %s", error)

    def leave(self) -> None:
        """End soon; does not wait. A run that has a configuration tells what there is until now."""
        self._left_at = time.monotonic()
        self._leaving.set()
        self._tell(is_wanted=bool(self._channel.facts.config))

    def give_up(self, until: float) -> None:
        """End at last, once all is gathered, or half a second after the block was left; no later
        than at `until`, on the monotonic clock."""
        if self._at_end is not None:
            ends_at = min(until, self._left_at + _LONGEST_GATHERING_S)
            self._at_end.wait(max(ends_at - time.monotonic(), 0.0))
        self._giving_up.set()

    def _tell(self, is_wanted: bool) -> None:
        # Or a thread that is about to would do so after the block was left. Bounded: it may be
        # stuck in somebody's log handler.
        if not self._telling.acquire(timeout=_LONGEST_PUT_S):
            return
        try:
            is_due, self._told = is_wanted and not self._told, True
            if is_due:
                gathered = self._gathered  # by now: the end may come before the rest
                record = ("env_snapshot", time.time(), None, lambda: self._data(gathered), None)
                self._channel.put(record)
        finally:
            self._telling.release()

    def facts(self) -> dict[str, Any]:
        """What is known until now. For the sender."""
        return self._data(self._gathered)

    def _data(self, gathered: dict[str, Any]) -> dict[str, Any]:  # asked by the sender
        import platform  # all of these are loaded, for the sender's own needs

        from argus.core.flatten import without_secrets
        from argus.rundir import writer

        first = {"python_version": platform.python_version(), "hostname": writer.host_name()}
        data = {**first, **gathered}
        config = self._channel.facts.config
        return data if config is None else {**data, "config": without_secrets(config)}

    def _run(self, at_end: Latch) -> None:
        try:
            if not self._leaving.wait(FIRST_S) or self._is_kept:
                self._gather()
        except Exception as error:
            self._channel.notices.debug("the environment could not be told: %r", error)
            self._tell(is_wanted=True)
        finally:
            self.is_gathered = True
            at_end.set()

    def _gather(self) -> None:
        with fork.importing():
            import subprocess  # noqa: F401 - what the parts load when they are asked
            from pathlib import Path

            from argus.launch.pace import Pace
            from argus.launch.snapshot import parts, uncommitted
        directories = [os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0] or ""))]
        pace = Pace(self._giving_up, LIMIT_S)
        import_paths = [path for path in sys.path if isinstance(path, str)]
        for fields in parts(
            directories, import_paths, os.environ, Path("/proc"), pace, self._complain
        ):
            # A new one each time: the sender may be reading the old one.
            self._gathered = {**self._gathered, **fields}
        self._tell(is_wanted=True)
        if self._is_kept and pace.goes_on():
            self.diff = uncommitted(directories, os.environ, pace)

    def _complain(self, message: str) -> None:
        self._channel.notices.debug("%s", message)
