"""For Keras 3 on any backend, and for `tf.keras`.

from argus.integrations.keras import ArgusCallback

model.fit(x, y, epochs=5, callbacks=[ArgusCallback(project="demo", job_id="j1")])
"""

from __future__ import annotations

from argus.integrations.frames import calling
from argus.integrations.frameworks import framework
from argus.integrations.guard import never_raises
from argus.integrations.reporting import HeldRun, ReporterArguments
from argus.integrations.scalars import epoch_fields, number_of, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

Callback: Any = framework("keras.callbacks", "keras").Callback


class ArgusCallback(Callback):
    """Reports what a model fits: each `fit` is a batch of its own with one job.

    Every number in an epoch's logs is reported: the first of `train_loss_keys` and of `val_loss_keys`
    as its losses, all else by its own name; `lr` is the optimizer's. `final_metric_keys` are the
    metrics at the end; () is all of them. With `stop_polling` the stop button ends the fit.

    Keras tells its callbacks nothing of an error. That a `fit` was left without coming to its end is
    noticed nevertheless, and what the error was where it ends the script. Who catches it should call
    `report_failure`, or the job has failed without a reason.

    `heartbeat`, `stop_polling` and `resource_snapshot` are off, True, or an interval in seconds.
    """

    async_safe = True  # batches need not wait for a callback that looks at nothing of them

    def __init__(
        self,
        *,
        project: str,
        job_id: str,
        argus_url: str | None = None,
        token: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        experiment_type: str = "keras",
        batch_prefix: str = "keras",
        train_loss_keys: Sequence[str] = ("loss",),
        val_loss_keys: Sequence[str] = ("val_loss",),
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
        self._model_name = model
        self._dataset = dataset
        self._train_loss_keys = tuple(train_loss_keys)
        self._val_loss_keys = tuple(val_loss_keys)
        self._final_metric_keys = tuple(final_metric_keys)
        self._fitted: Any = None

    @never_raises
    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._held.open(
            self._job_id,
            model=self._model_name or self.model.name,
            dataset=self._dataset,
            config=self._hyperparameters(),
        )
        self._fitted = model = self.model
        self._held.end_with(calling("fit", lambda owner: owner is model))

    @never_raises
    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._stop_if_asked()

    @never_raises
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        job = self._held.job
        if job is not None:
            found = numbers(logs)
            # Who schedules a rate logs what it was; the optimizer may have the next one already.
            lr = found.pop("learning_rate", None)
            if lr is None:
                lr = number_of(getattr(self.model.optimizer, "learning_rate", None))
            fields = epoch_fields(found, self._train_loss_keys, self._val_loss_keys)
            job.epoch(epoch, **(fields if lr is None else {**fields, "lr": lr}))
        self._stop_if_asked()

    @never_raises
    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        job = self._held.job
        if job is not None:
            try:
                last = numbers(logs)
                job.metrics({k: last[k] for k in self._final_metric_keys or last if k in last})
            finally:
                self._held.close()

    @never_raises
    def report_failure(self, exc: BaseException) -> None:
        """The fit has failed with `exc`: for an `except` block around it. Does nothing where the end
        is reported already."""
        self._held.close(exc)

    @never_raises
    def _hyperparameters(self) -> dict[str, Any]:
        optimizer = self.model.optimizer
        return {**self.params, "optimizer": optimizer.get_config() if optimizer else None}

    def _stop_if_asked(self) -> None:
        if self._held.stopped:
            # Not `self.model`: to ask for that moves the whole state of a model on JAX.
            self._fitted.stop_training = True
