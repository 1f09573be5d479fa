"""The logger: each call of a trainer to `log_metrics` is an epoch whose number is the step."""

from __future__ import annotations

import os
import sys

from argus import Reporter
from argus.integrations.guard import never_raises
from argus.integrations.lightning.packages import OfEitherPackage, is_rank_zero
from argus.integrations.reporting import HeldRun, ReporterArguments, UnfinishedError
from argus.integrations.scalars import epoch_fields, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

    from argus import JobContext


class ArgusLogger(OfEitherPackage):
    """A Lightning `Logger`: all that is logged, at the pace of the trainer's `log_every_n_steps`.

    A logger is one batch with one job, however often trainers come back to it: a test after the fit
    goes to the same. Each trainer of a process may have its own. Only the first rank reports.
    The arguments are those of `ArgusCallback`; `experiment` is the job, for `log` and `upload`.
    """

    _lightning_base = "loggers.Logger"

    def __init__(
        self,
        *,
        project: str,
        job_id: str,
        argus_url: str | None = None,
        token: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        experiment_type: str = "lightning",
        batch_prefix: str = "lightning",
        train_loss_keys: Sequence[str] = (
            *("train_loss_epoch", "train_loss_step", "train_loss"),
            *("loss_epoch", "loss_step", "loss"),
        ),
        val_loss_keys: Sequence[str] = ("val_loss_epoch", "val_loss"),
        heartbeat: bool | float = False,
        stop_polling: bool | float = False,
        resource_snapshot: bool | float = False,
        auto_upload_dirs: Sequence[str | PathLike[str]] | None = None,
    ) -> None:
        super().__init__()
        arguments = ReporterArguments(
            project=project,
            experiment_type=experiment_type,
            batch_prefix=batch_prefix,
            argus_url=argus_url,
            token=token,
            heartbeat=heartbeat,
            stop_polling=stop_polling,
            resource_snapshot=resource_snapshot,
            auto_upload_dirs=auto_upload_dirs,
        )
        self._held = HeldRun(arguments)
        self._project = project
        self._job_id = job_id
        self._names = {"model": model, "dataset": dataset}
        self._train_loss_keys = tuple(train_loss_keys)
        self._val_loss_keys = tuple(val_loss_keys)
        self._hyperparams: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._batch_id: str | None = None  # of the batch that was opened first

    @property
    def name(self) -> str:
        """The project: checkpoints go below it."""
        return self._project

    @property
    def version(self) -> str:
        """The job's id: checkpoints go below it, too."""
        return self._job_id

    @property
    def experiment(self) -> Any:
        """The job, as `Reporter.job` gives it. Nothing is opened until it is used."""
        return _Experiment(self)

    @never_raises
    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """They come with the start of the batch: log them before the first metric, as a trainer does."""
        if params is not None:
            self._hyperparams.update(params if hasattr(params, "keys") else vars(params))

    @never_raises
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Report what is a number in `metrics`, with the trainer's epoch as `trainer_epoch`."""
        if not is_rank_zero():
            return
        found = numbers(metrics)
        self._last.update(found)
        trainer_epoch = found.pop("epoch", None)
        if not found:
            return
        fields = epoch_fields(found, self._train_loss_keys, self._val_loss_keys)
        if trainer_epoch is not None:
            fields["trainer_epoch"] = trainer_epoch
        self._open().epoch(step, **fields)

    @never_raises
    def finalize(self, status: str) -> None:
        """The trainer is through: "success", or else the job and the batch have failed."""
        if not is_rank_zero():
            return
        if status not in ("success", "finished"):
            self._open()  # also what failed before there was anything to log
            # This is told while the trainer handles the error.
            self._held.close(sys.exc_info()[1] or UnfinishedError(f"the trainer says: {status}"))
        elif self._held.job is not None:
            self._held.job.metrics({k: v for k, v in self._last.items() if k != "epoch"})
            self._held.close()

    def _open(self) -> JobContext:
        if self._held.job is not None:
            return self._held.job
        # A batch that the environment names is joined again by itself, and is not ours to end.
        is_ours = self._batch_id is not None and self._batch_id != os.environ.get("ARGUS_BATCH_ID")
        again = {"batch_id": self._batch_id} if is_ours else {}
        config = self._hyperparams or None
        job = self._held.open(self._job_id, config=config, **self._names, **again)
        self._batch_id = self._held.reporter.batch_id if self._held.reporter else None
        return job


class _Experiment:
    """The job of a logger, opened when it is first used; on other ranks one that reports nothing."""

    def __init__(self, logger: ArgusLogger) -> None:
        self._logger = logger

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and is_rank_zero():
            return getattr(self._logger._open(), name)
        return getattr(Reporter(mode="disabled").job(self._logger.version), name)
