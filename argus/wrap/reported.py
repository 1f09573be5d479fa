"""A command's batch and job: a Reporter that can say what the code in its blocks does not know."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from argus import JobContext, Reporter
from argus.console.elsewhere import forwards
from argus.core.settings import DISABLED, Settings
from argus.outcome import Failure
from argus.wrap.ending import Ending

_DESCRIPTORS = (("stdout", 1), ("stderr", 2))


class CommandReporter(Reporter):
    """The batch of one command; `on_stop` is called when somebody wants it to end, from any thread."""

    def __init__(
        self, name: str, project: str | None, argv: Sequence[str], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(
            name.replace("/", "-"),  # the stop button finds no batch with one in its id
            experiment_type="command",
            source_project=project,
            command=list(argv),  # type: ignore[arg-type]  # as words its secrets are hidden better
            n_total=1,
            console="off",  # what the command prints comes by another way
            signals=False,  # they are the command's; what comes to us is told by `preempt`
        )
        self._on_stop = on_stop

    @property
    def settings(self) -> Settings:
        """Where it reports to."""
        return self._settings

    @property
    def is_reporting(self) -> bool:
        """Whether anybody will hear of the command."""
        return self._settings.mode != DISABLED

    def stop(self) -> None:
        """Have the command end."""
        super().stop()
        self._on_stop()

    def preempt(self, name: str) -> None:
        """A signal by which a scheduler takes the machine back has come to us."""
        self._preemption.notice(name)

    def attempt(self, name: str, number: int) -> JobContext:
        """The job of one try."""
        job = self.job(name)
        job._fields["attempt"] = number
        return job

    def printer(self, job: JobContext) -> Callable[[dict[str, Any]], None]:
        """What reports a line that the command has printed, unless an `argus run` around us does."""
        heard = {
            name for name, number in _DESCRIPTORS if forwards(os.environ, self.batch_id, number)
        }

        def report(data: dict[str, Any]) -> None:
            if data["stream"] not in heard:
                self.emit("log_line", job_id=job.job_id, **data)

        return report


def conclude(job: JobContext, number: int, ending: Ending, last_lines: list[str]) -> None:
    """Have the last event of a job say how its command ended. Raises Failure where that is bad, for
    the blocks to be left with."""
    job._last_fields.update(attempt=number, **ending.fields())
    if not ending.is_good:
        job._last_fields["last_lines"] = last_lines
        raise Failure(ending.text, ending.reason, ending.code)
