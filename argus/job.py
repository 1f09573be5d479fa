"""One job of a batch, as its training loop sees it."""

from __future__ import annotations

import os
import time

from argus.arguments import path_text
from argus.copies import OneOfItsKind, job_again
from argus.core.epoch import epoch_data
from argus.core.fields import fitted
from argus.core.identity import fit_id
from argus.core.schema import MAX_JOB_ID, RESERVED_KEYS
from argus.core.values import MAX_VALUES, PLAIN_NUMBER_IDS, bounded_text, plain
from argus.guard import ITSELF, OUT_OF_ROOM, never_raises, tell
from argus.outcome import is_failure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from types import TracebackType
    from typing import Any

    from argus.reporter import Reporter

UPLOAD_WAIT_S = 60.0

_MAX_EXACT = 2**53  # beyond it, and far beyond it, an integer deserves a closer look

_clock = time.time


class JobContext(OneOfItsKind):
    """A job, from `job_start` to `job_done` or `job_failed`. Made by `Reporter.job`.

    Its methods may be used from any thread. They never raise and never wait, but for `upload`.
    """

    def __init__(
        self, reporter: Reporter, job_id: Any, model: Any, dataset: Any, extra: dict[str, Any]
    ) -> None:
        self._reporter = reporter
        self._notices = reporter._notices
        self._job_id = self._usable_id(job_id)
        # Now: a network given for a name must not be kept alive until the job is over.
        self._fields = self._fitted_fields(model, dataset, extra) or {}
        self._metrics: dict[str, Any] = {}
        self._last_fields: dict[str, Any] = {}  # what else the last event says
        self._epochs = 0
        self._started_at = time.monotonic()
        self._pid = os.getpid()

    @property
    def job_id(self) -> str:
        """The id as the platform has it: at most 256 characters."""
        return self._job_id

    @property
    def stopped(self) -> bool:
        """Whether the training should end: follows the Reporter."""
        return self._reporter._stopped  # a call less, where a training is deep in its stack

    @never_raises(ITSELF)
    def __enter__(self) -> JobContext:
        self._started_at = time.monotonic()
        self._pid = os.getpid()
        self._reporter._job_opened(self)
        self._reporter._put("job_start", self._job_id, self._fields)
        return self

    @never_raises(None)
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.getpid() == self._pid:  # else the job is the parent's of this fork, and its to end
            self._close(exc)

    def epoch(
        self,
        /,
        epoch: Any = None,
        *,
        train_loss: Any = None,
        val_loss: Any = None,
        lr: Any = None,
        batch_time_ms: Any = None,
        **extra: Any,
    ) -> None:
        """Report one epoch.

        `epoch` is a whole number; losses, `lr` and `batch_time_ms` are numbers, or scalars of
        numpy, torch, jax and the like; `extra` is anything. None is left out. The values are
        taken at the call. A fraction is rounded down, and a missing epoch counted on.
        """
        # The hot path: what is made of plain numbers is only put together, and looked at later.
        try:
            channel = self._reporter._channel
            if channel is None:
                return
            # An empty `extra` is let go: what is kept, the garbage collector has to look at.
            row = (epoch, train_loss, val_loss, lr, batch_time_ms, extra or None)
            plain_row = (
                type(epoch) is int
                and -_MAX_EXACT <= epoch <= _MAX_EXACT
                and (type(train_loss) is float or train_loss is None)
                and (type(val_loss) is float or val_loss is None)
                and (type(lr) is float or lr is None)
                and (type(batch_time_ms) is float or batch_time_ms is None)
                and (
                    not extra
                    or (
                        PLAIN_NUMBER_IDS.issuperset(map(id, map(type, extra.values())))
                        and RESERVED_KEYS.isdisjoint(extra)
                    )
                )
            )
            data = row if plain_row else self._fitted_epoch(epoch_data(row))
            self._epochs += 1
            channel.put(("job_epoch", _clock(), self._job_id, data, None))
        except Exception as error:
            try:
                tell(self, "epoch", error)
            except OUT_OF_ROOM as lack:
                self._notices.put_off = "epoch", lack.__class__.__name__

    @never_raises(None)
    def metrics(self, m: Any) -> None:
        """Keep final metrics, a mapping; several calls merge. They are sent with `job_done`."""
        values = plain(m)
        if isinstance(values, dict):
            new = [name for name in values if name not in self._metrics]
            for name in new[max(MAX_VALUES - len(self._metrics), 0) :]:
                del values[name]
                self._notices.mistake("metrics() was given more than one event may hold")
            self._metrics.update(values)
        else:
            self._notices.mistake("metrics() takes a mapping; what it was given is left out")

    @never_raises(None)
    def log(self, message: Any, level: Any = "INFO") -> None:
        """Report one line of a log. The level arrives in lower case."""
        level = "" if level is None else bounded_text(level, 32).lower()
        data = {"line": bounded_text(message), "level": level or "info"}
        self._reporter._put("log_line", self._job_id, data)

    @never_raises(0)
    def upload(
        self, path: str | PathLike[str], *, glob: str = "**/*.png", wait: bool = True
    ) -> int:
        """Upload a file, or those files of a directory that match `glob`.

        Only .png .jpg .jpeg .pdf .svg are taken. Returns the number uploaded by the time it
        returns: at most `UPLOAD_WAIT_S` later, at once where the platform is known to be away, a
        first try fails, or `wait` is false. What is not uploaded by then is remembered and sent
        later.
        """
        where = path_text(path)
        if where is None:
            self._notices.mistake("upload() takes a path; what it was given is left out")
            return 0
        from argus.delivery.upload_request import UploadRequest

        request = UploadRequest(
            where, bounded_text(glob), self._reporter._batch_id, self._job_id, label=None
        )
        return self._reporter._upload(request, UPLOAD_WAIT_S if plain(wait) else 0.0)

    def __reduce__(self) -> Any:
        return job_again, (self._reporter, self._job_id)

    # The life cycle

    def _close(self, exc: BaseException | None, cut_short: bool = False) -> None:
        preempted_by = self._reporter._preemption.signal
        failed = cut_short or is_failure(exc)
        self._reporter._job_closed(self, failed)
        data: dict[str, Any] = {"elapsed_s": round(time.monotonic() - self._started_at, 6)}
        if failed:
            data.update(status="FAILED", **told(exc, preempted_by))
        else:
            data.update(status="DONE", train_epochs=self._epochs)
            if preempted_by is not None:  # whoever leaves a job in good order says that it is done
                data["preempted"] = True
        if self._metrics or not failed:
            data["metrics"] = plain(self._metrics)  # together they may be more than an event holds
        data.update(self._last_fields)
        self._reporter._put("job_failed" if failed else "job_done", self._job_id, data)

    def _usable_id(self, job_id: Any) -> str:
        text = "" if job_id is None else bounded_text(job_id)
        if not issubclass(type(job_id), str) or not text:  # isinstance asks the object, too
            text = text or f"job-{self._reporter._next_number()}"
            self._notices.mistake("a job id should be a text; %.100s is used", text)
        return fit_id(text, MAX_JOB_ID)

    @never_raises(None)
    def _fitted_fields(self, model: Any, dataset: Any, extra: dict[str, Any]) -> dict[str, Any]:
        data, mistakes = fitted("job_start", {"model": model, "dataset": dataset, **extra})
        if mistakes:
            self._notices.mistake(
                "model, dataset, config_digest and run_dir of a job should be text"
            )
        return data

    def _fitted_epoch(self, given: dict[str, Any]) -> dict[str, Any]:
        data, mistakes = fitted("job_epoch", given)
        if "epoch" not in data:
            data = {"epoch": self._epochs, **data}
            mistakes += 1
        if mistakes:
            self._notices.mistake(
                "epoch() was given what is no number; it was put right or left out"
            )
        return data
