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


class Environment:
    """Gathers the snapshot of the batch that `channel` has begun, and puts it there once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._gathered: dict[str, Any] = {}
        self._leaving = Latch()
        self._telling = threading.RLock()  # a signal handler may leave while it is being left
        self._told = False

    def start(self) -> None:
        """Begin to gather, in a thread of its own. For the sender, who has time to start one."""
        if self._leaving.is_set:
            return
        try:
            threading.Thread(target=self._run, name="argus-environment", daemon=True).start()
        except RuntimeError as error:  # no thread can be had, or the interpreter is ending
            self._channel.notices.debug("no env_snapshot: %s", error)

    def leave(self) -> None:
        """End soon; does not wait. A run that has a configuration tells what there is until now."""
        self._leaving.set()
        self._tell(is_wanted=bool(self._channel.facts.config))

    def _tell(self, is_wanted: bool) -> None:
        # Or a thread that is about to would do so after the block was left. Bounded: it may be
        # stuck in somebody's log handler.
        if not self._telling.acquire(timeout=_LONGEST_PUT_S):
            return
        try:
            is_due, self._told = is_wanted and not self._told, True
            if is_due:
                self._channel.put(("env_snapshot", time.time(), None, self._data, None))
        finally:
            self._telling.release()

    def _data(self) -> dict[str, Any]:  # asked by the sender
        import platform  # all of these are loaded, for the sender's own needs

        from argus.core.flatten import without_secrets
        from argus.rundir import writer

        first = {"python_version": platform.python_version(), "hostname": writer.host_name()}
        data = {**first, **self._gathered}
        config = self._channel.facts.config
        return data if config is None else {**data, "config": without_secrets(config)}

    def _run(self) -> None:
        if self._leaving.wait(FIRST_S):
            return
        try:
            self._gather()
        except Exception as error:
            self._channel.notices.debug("the environment could not be told: %r", error)
        self._tell(is_wanted=True)

    def _gather(self) -> None:
        with fork.importing():
            import subprocess  # noqa: F401 - what the parts load when they are asked
            from pathlib import Path

            from argus.launch.pace import Pace
            from argus.launch.snapshot import parts
        directories = [os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0] or ""))]
        pace = Pace(self._leaving, LIMIT_S)
        import_paths = [path for path in sys.path if isinstance(path, str)]
        for fields in parts(
            directories, import_paths, os.environ, Path("/proc"), pace, self._complain
        ):
            # A new one each time: the sender may be reading the old one.
            self._gathered = {**self._gathered, **fields}

    def _complain(self, message: str) -> None:
        self._channel.notices.debug("%s", message)
