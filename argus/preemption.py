"""What a Reporter does when its machine is wanted back: it notes that, tells it, and ends as preempted.

Loads nothing of `signal` where nobody watches.
"""

from __future__ import annotations

import os
import time

from argus.bookends import say_last
from argus.core.statuses import PREEMPTED
from argus.core.values import plain
from argus.guard import never_raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argus.delivery.notices import Notices
    from argus.reporter import Reporter

# Where either is set, somebody may take the machine back: https://slurm.schedmd.com/sbatch.html and
# submitit/core/job_environment.py
SCHEDULERS = ("SLURM_JOB_ID", "SUBMITIT_EXECUTOR")


class Preemption:
    """Whether that has happened to one Reporter. `signals` is True, False, or None: where a
    scheduler has started this process."""

    def __init__(self, reporter: Reporter, signals: Any, environ: Mapping[str, str]) -> None:
        self._reporter = reporter
        self._is_asked_for = signals is not None and bool(plain(signals))
        self._is_possible = signals is None and any(environ.get(name) for name in SCHEDULERS)
        self.signal: str | None = None  # its name, once it has come

    @property
    def _notices(self) -> Notices:
        return self._reporter._notices

    def watch(self, is_reporting: bool) -> None:
        """Begin to look out. Who has asked for it may depend on it, also where nothing is reported."""
        if not (self._is_asked_for or (self._is_possible and is_reporting)):
            return
        from argus.launch import signals

        lack = signals.watch(self, signals.preemption_signals(os.environ))
        if lack is not None and self._is_asked_for:
            self._notices.warn("signals", "%s", lack)

    def unwatch(self) -> None:
        """Look out no more."""
        if self._is_asked_for or self._is_possible:
            from argus.launch import signals

            signals.unwatch(self)

    def notice(self, name: str) -> None:
        """The signal has come: note it, and wake the sender. Called within a signal handler."""
        if self.signal is None:
            self.signal = name
            self._announce()

    @never_raises(None)
    def _announce(self) -> None:
        channel = self._reporter._channel
        if channel is not None:
            line = f"{self.signal}: the machine is wanted back, the run is being preempted"
            data = {"line": line, "level": "warning", "preempting": True, "signal": self.signal}
            job_id = self._reporter._active_job_id()
            channel.preempt(("log_line", time.time(), job_id, data, None), PREEMPTED)

    @never_raises(None)
    def leave(self) -> None:
        """The process is about to die of it: say what is cut short. Whoever lets it die closes the
        channels."""
        reporter = self._reporter
        if not reporter._to_close:  # never opened, or being closed by what the signal interrupted
            return
        reporter._to_close.clear()
        if reporter._console is not None:
            reporter._console.close()
        for job in reversed(list(reporter._jobs)):
            job._close(None, cut_short=True)
        say_last(reporter, PREEMPTED, None)
