"""The Reporter: one batch, from `batch_start` to `batch_done` or `batch_failed`.

It owns the life cycle (new, open, closing, closed) and nothing heavier: buffer, files, sockets and
threads are those of its channel.
"""

from __future__ import annotations

import os
import time
from itertools import count

from argus import current
from argus.arguments import (
    FreeEvent,
    command_words,
    flat_config,
    given_text,
    path_texts,
    settings_file,
)
from argus.bookends import first_data, first_fields, say_last
from argus.copies import OneOfItsKind, reporter_again
from argus.core.identity import fit_id
from argus.core.intervals import Intervals
from argus.core.schema import LIFECYCLE, MAX_BATCH_ID
from argus.core.secret import Secret
from argus.core.settings import DISABLED, OFF, Settings, resolve
from argus.delivery.notices import Notices
from argus.guard import ITSELF, never_raises
from argus.job import JobContext
from argus.launched import accompanied, before_all, first_id, placed
from argus.outcome import ending
from argus.preemption import Preemption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any

    from argus.bookends import Data
    from argus.console.capture import Capture
    from argus.delivery.channel import Channel
    from argus.delivery.daemons import Daemons
    from argus.delivery.upload_request import UploadRequest
    from argus.launch.companion import Companion


class Reporter(OneOfItsKind):
    """Reports one batch of jobs to an Argus platform.

    Use it as a context manager. Without a platform (`monitor_url`, `ARGUS_URL` or `url` in
    `configs/monitor.yaml`) every call is a silent no-op. No call ever raises; none waits, but for
    `upload` and leaving the block, which takes `ARGUS_EXIT_TIMEOUT` seconds at most.

    `heartbeat`, `stop_polling` and `resource_snapshot` are True, False or an interval in seconds.
    `auto_upload_dirs` are directories whose figures are uploaded on a clean exit. `batch_id` gives
    the batch an id of its own; `resume_from` does the same for a run that continues an earlier one.
    `config` (a mapping, dataclass or namespace) becomes the hyperparameters, without secrets.
    `mode` is "online", "backup" (keep the run on disk, send nothing) or "disabled". `console` says
    what becomes of what the process prints: "off", "file" (a kept run has it in `logs/output.log`)
    or "forward" (it is reported as log lines, too). `signals` says whether SIGTERM makes the run
    `preempted`; None: under SLURM and submitit. Of the ranks of one launch the first one reports;
    `ranks="all"` has all of them speak. `resume="auto"` continues the batch of the same command,
    where it has crashed.
    """

    _is_callbacks = False  # one of a framework's callback, which some ranks never open

    def __init__(
        self,
        batch_prefix: str = "batch",
        *,
        experiment_type: str | None = None,
        source_project: str | None = None,
        command: str | None = None,
        n_total: int | None = None,
        heartbeat: bool | float = True,
        stop_polling: bool | float = True,
        resource_snapshot: bool | float = True,
        monitor_url: str | None = None,
        token: str | None = None,
        auto_upload_dirs: Sequence[str | PathLike[str]] | None = None,
        batch_id: str | None = None,
        resume_from: str | None = None,
        config: Any = None,
        mode: str | None = None,
        console: str | None = None,
        signals: bool | None = None,
        ranks: str | None = None,
        resume: str | None = None,
    ) -> None:
        self._notices = Notices()
        self._channel: Channel | None = None  # None: nothing is reported
        self._to_close: list[Channel] = []  # the same, for whoever is first to close it
        self._daemons: Daemons | None = None
        self._console: Capture | None = None
        self._stopped = False
        self._jobs: list[JobContext] = []  # the open ones, the innermost last
        self._latest_job_id: str | None = None
        # Jobs may begin and end in any thread: what one step counts needs no lock.
        self._numbers = count(1)
        self._failures: list[bool] = []  # of each job that has ended, whether it failed
        self._pid = os.getpid()
        self._settings = self._resolved(monitor_url, Secret(token), mode, console) or Settings()
        # Where nothing is reported on purpose, nothing is worth a word either.
        self._notices.muted = self._settings.mode == DISABLED and not self._settings.complaints
        own_id = given_text(batch_id) or given_text(resume_from)
        # A batch that somebody else has opened is theirs to begin and to end.
        self._joins = not own_id and self._settings.batch_id is not None
        given_id = fit_id(own_id or self._settings.batch_id or "", MAX_BATCH_ID)
        self._first_fields = first_fields(self, experiment_type, n_total) or {}
        self._config = None if self._notices.muted else flat_config(config, self._notices.mistake)
        self._command = command_words(command)
        self._project = given_text(source_project, 256) or "default"
        self._companion: Companion | None = None
        prefix = given_text(batch_prefix)
        self._place = placed(self, prefix, given_id, ranks, resume)
        self._batch_id = first_id(self._place, prefix, given_id)
        self._is_silent = self._place is not None and self._place.is_silent
        self._auto_upload_dirs, mistakes = path_texts(auto_upload_dirs)
        if mistakes:
            self._notices.mistake("auto_upload_dirs should be a list of directories")
        self._intervals = Intervals.of(heartbeat, stop_polling, resource_snapshot)
        self._preemption = Preemption(self, signals, os.environ)

    @property
    def batch_id(self) -> str:
        """The id of the batch: 1 to 128 characters. Where only a record of an earlier attempt or
        another rank can tell it, that is waited for, some seconds at most."""
        if not self._batch_id and self._place is not None:
            self._batch_id = self._place.settled_id()
        return self._batch_id

    @property
    def stopped(self) -> bool:
        """Whether the platform's stop button was pressed, or `stop()` called. Never goes back."""
        return self._stopped

    @property
    def preempted(self) -> bool:
        """Whether the scheduler has signalled that it takes the machine back. Never goes back."""
        return self._preemption.signal is not None

    def stop(self) -> None:
        """Ask the training to end, as the stop button does."""
        self._stopped = True

    def job(
        self, job_id: str, *, model: str | None = None, dataset: str | None = None, **extra: Any
    ) -> JobContext:
        """A job of this batch, to be used as a context manager.

        `job_id` should be unique over all batches where files are uploaded. None or an empty text
        gets a number instead; one of over 256 characters is cut, with a hash to keep it apart.
        `extra` is kept with its start: platforms know `config_digest`, `run_dir` and, as
        `{"study_name": …, "trial_number": …, "params_hash": …}`, `optuna`.
        """
        return JobContext(self, job_id, model, dataset, extra)

    @never_raises(None)
    def emit(self, event: str = "", /, **fields: Any) -> None:
        """Report an unusual event. `job_id=` addresses a job; unset, the innermost open one."""
        if self._channel is not None:
            self._emit(event, fields)

    @never_raises(ITSELF)
    def __enter__(self) -> Reporter:
        if self._channel is None:
            self._open()
        else:
            self._notices.mistake("a Reporter that is open was opened again")
        return self

    @never_raises(None)
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.getpid() == self._pid:
            current.deactivated(self)
            if self._companion is not None:
                self._companion.stop()
        self._notices.say_put_off()
        try:
            self._close_once(exc)
        finally:  # a signal that comes while the last events are sent does not cut them off
            self._preemption.unwatch()

    def __repr__(self) -> str:
        return f"<Reporter {self._batch_id}>"

    def __reduce__(self) -> Any:
        names = self.batch_id, self._project, self._settings.url
        return reporter_again, (type(self), *names, self._is_silent)

    # The life cycle

    def _open(self) -> None:
        self._opened_at = time.monotonic()
        self._pid = os.getpid()
        for complaint in self._settings.complaints:
            self._notices.warn(complaint, "%s", complaint)
        self._companion = accompanied(self, self._place)
        current.activated(self)
        self._preemption.watch(is_reporting=self._settings.mode != DISABLED)
        if self._settings.mode == DISABLED or self._is_silent:
            return
        # Where nothing is reported, nothing of this is loaded.
        from argus.delivery.channel import Channel, RunFacts
        from argus.delivery.daemons import Daemons

        experiment_type = self._first_fields.get("experiment_type")
        facts = RunFacts(self._batch_id, self._project, experiment_type, self._config, self._joins)
        channel = Channel(facts, self._settings, self._notices)
        self._daemons = Daemons(channel, self._intervals, self._active_job_id, self.stop)
        channel.start(before_all(self._place, facts, self._daemons.start))
        self._channel = channel
        self._to_close.append(channel)
        if not self._joins:
            self._put("batch_start", None, first_data(self, channel))
        if self._settings.console != OFF:
            from argus.console.capture import capture

            self._console = capture(channel, self._active_job_id)

    def _close_once(self, exc: BaseException | None) -> None:
        try:
            channel = self._to_close.pop()
        except IndexError:  # never opened, or somebody else is closing it
            return
        status = ending(exc, self._preemption.signal)
        try:
            if self._console is not None:
                self._console.close()
            # A forked child that leaves the block only has its own events delivered.
            if os.getpid() == self._pid:
                say_last(self, status, exc)
            channel.close(status)
        except BaseException:  # Ctrl-C
            channel.hurry(status)
            raise
        finally:
            self._channel = None

    # What jobs and daemons need

    def _put(
        self, event_type: str, job_id: str | None, data: Data, batch_id: str | None = None
    ) -> None:
        channel = self._channel
        if channel is not None:
            record = (event_type, time.time(), job_id, data, batch_id)
            channel.put(record, urgent=event_type in LIFECYCLE)

    def _job_opened(self, job: JobContext) -> None:
        self._jobs.append(job)
        self._latest_job_id = job.job_id

    def _job_closed(self, job: JobContext, failed: bool) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        self._failures.append(failed)

    def _next_number(self) -> int:
        return next(self._numbers)

    def _upload(self, request: UploadRequest, wait_s: float) -> int:
        channel = self._channel
        if channel is None:
            return 0
        channel.put(request, urgent=True)
        if not channel.is_away:
            request.done.wait(wait_s)
        return request.uploaded

    def _active_job_id(self) -> str:
        """The job that a heartbeat names; where none is open, the batch stands in for one."""
        innermost = self._jobs[-1:]
        return innermost[0].job_id if innermost else self._batch_id

    def _emit(self, event: str, fields: dict[str, Any]) -> None:
        given = FreeEvent(event, fields, self._active_job_id(), self._batch_id)
        if given.mistakes:
            self._notices.mistake("emit() was given fields that do not fit a %s", given.event_type)
        if given.event_type == "job_epoch" and given.batch_id in (None, self._batch_id):
            for job in self._jobs[:]:
                job._epochs += job.job_id == given.job_id
        self._put(given.event_type, given.job_id, given.data, given.batch_id)

    # Details of construction and closing

    @never_raises(None)
    def _resolved(self, monitor_url: Any, token: Secret, mode: Any, console: Any) -> Settings:
        return resolve(monitor_url, token, os.environ, settings_file(), mode, console)
