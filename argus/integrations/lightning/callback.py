"""The callback: a batch and a job for each fit, an epoch for each epoch."""

from __future__ import annotations

import time

from argus.integrations.cadence import Cadence
from argus.integrations.guard import never_raises
from argus.integrations.lightning.packages import OfEitherPackage
from argus.integrations.reporting import HeldRun, ReporterArguments
from argus.integrations.scalars import epoch_fields, number_of, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from argus.integrations.scalars import Number


class ArgusCallback(OfEitherPackage):
    """Reports what a Lightning trainer fits; on the first rank alone, whatever has launched it.

    Each `fit` is a batch of its own with one job. An epoch holds what was logged in it: the first of
    `train_loss_keys` and of `val_loss_keys` are its losses, `lr` is that of the first optimizer, and
    all else goes by its own name. `final_metric_keys` are the metrics at the end; () is all of them.
    With `stop_polling` the stop button ends the fit, on all ranks after the same batch.

    `heartbeat`, `stop_polling` and `resource_snapshot` are off, True, or an interval in seconds.
    Where processes are spawned, give the token as `ARGUS_TOKEN`: no pickle holds it.
    """

    _lightning_base = "callbacks.Callback"

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
        train_loss_keys: Sequence[str] = ("train_loss_epoch", "train_loss", "loss"),
        val_loss_keys: Sequence[str] = ("val_loss_epoch", "val_loss"),
        final_metric_keys: Sequence[str] = (),
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
        self._job_id = job_id
        self._model = model
        self._dataset = dataset
        self._train_loss_keys = tuple(train_loss_keys)
        self._val_loss_keys = tuple(val_loss_keys)
        self._final_metric_keys = tuple(final_metric_keys)
        self._asks_between_epochs = bool(stop_polling)  # of all ranks alike
        self._cadence = Cadence(time.monotonic())
        self._logged_before: dict[str, Any] = {}  # as it was when the epoch began
        self._rates: list[Any] = []  # of each optimizer, for the latest batch
        self._epoch: dict[str, Any] | None = None  # one that is over and not reported yet

    @never_raises
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the batch and its job. Not called for sanity checks, test, validate and predict."""
        self._cadence = Cadence(time.monotonic())
        self._epoch = None
        if trainer.is_global_zero:
            self._logged_before = dict(trainer.callback_metrics)
            data = getattr(trainer, "datamodule", None)
            self._held.open(
                self._job_id,
                model=self._model or type(pl_module).__name__,
                dataset=self._dataset or (type(data).__name__ if data is not None else None),
                config=getattr(pl_module, "hparams", None) or None,
            )

    @never_raises
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if self._held.job is not None:
            self._report_epoch(trainer)
            self._logged_before = dict(trainer.callback_metrics)

    @never_raises
    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._held.job is not None:
            # Now: schedulers have their turn before the epoch's end is told.
            self._rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]

    @never_raises
    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self._asks_between_epochs:
            return
        if trainer.world_size == 1:
            if self._held.stopped:
                trainer.should_stop = True
        elif self._cadence.due():
            self._ask_all(trainer)

    @never_raises
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        # On each rank: to read a metric that is synchronized takes them all.
        self._end_epoch(trainer, dict(trainer.callback_metrics))
        self._ask_all(trainer)

    @never_raises
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        job = self._held.job
        if job is None:
            return
        try:
            self._report_epoch(trainer)
            last = numbers(trainer.callback_metrics)
            names = self._final_metric_keys or last
            job.metrics({name: last[name] for name in names if name in last})
        finally:
            self._held.close()

    @never_raises
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if self._held.job is not None:
            try:
                # The other ranks may be gone: nothing is asked of the trainer.
                self._report_epoch(None)
            finally:
                self._held.close(exception)

    @never_raises  # by itself: where one rank failed to ask the others, they would wait for ever
    def _end_epoch(self, trainer: Any, logged: dict[str, Any]) -> None:
        if self._held.job is not None:
            # The module's own hook comes after the callbacks', and may log: that is waited for.
            self._epoch = {"epoch": trainer.current_epoch, "logged": logged}

    def _report_epoch(self, trainer: Any) -> None:
        """Report the epoch that is over, with what was logged since it began: values that no one has
        logged again are those of an earlier epoch, and Lightning keeps them as the same objects."""
        over, self._epoch = self._epoch, None
        if over is None or self._held.job is None:
            return
        logged = over.pop("logged")
        if trainer is not None:
            logged.update(trainer.callback_metrics)
        before = self._logged_before
        new = {name: value for name, value in logged.items() if value is not before.get(name)}
        fields = epoch_fields(numbers(new), self._train_loss_keys, self._val_loss_keys)
        self._held.job.epoch(**{**fields, **_named(self._rates), **over})

    def _ask_all(self, trainer: Any) -> None:
        """Whether the button was pressed is known to the first rank; all end together, or would wait for
        each other for ever."""
        decide = trainer.strategy.reduce_boolean_decision
        if decide(self._held.stopped, all=False):
            trainer.should_stop = True
        now = time.monotonic()
        self._cadence.asked(now, decide(self._cadence.is_quick(now), all=True))


def _named(rates: list[Any]) -> dict[str, Number]:
    """The learning rates of several optimizers: `lr`, `lr_1`, …"""
    named = {f"lr_{index}" if index else "lr": number_of(rate) for index, rate in enumerate(rates)}
    return {name: rate for name, rate in named.items() if rate is not None}
