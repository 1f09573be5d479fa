"""For the Trainer of transformers.

from argus.integrations.transformers import ArgusCallback

Trainer(model, args, callbacks=[ArgusCallback(project="demo", stop_polling=True)])
"""

from __future__ import annotations

import os
import time

from argus.integrations.cadence import Cadence
from argus.integrations.frames import calling
from argus.integrations.frameworks import framework
from argus.integrations.guard import never_raises
from argus.integrations.reporting import HeldRun, ReporterArguments
from argus.integrations.scalars import epoch_fields, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

TrainerCallback: Any = framework("transformers", "transformers").TrainerCallback


class ArgusCallback(TrainerCallback):
    """Reports what a Trainer trains, on the first rank alone: each `train` is a batch with one job.

    Each log of the Trainer is an epoch whose number is the step; `trainer_epoch` is how far it is in
    epochs, `progress` from 0 to 1. `job_id` is else the `run_name` of the arguments, or the name of
    their output directory. The arguments are the hyperparameters, checkpoints become log lines, and
    the metrics of the last evaluation and of the training are the metrics at the end.
    With `stop_polling` the stop button ends the training, on all ranks after the same step.

    The Trainer tells its callbacks nothing of an error. That a `train` was left without coming to its
    end is noticed nevertheless, and what the error was where it ends the script. Who catches it should
    call `report_failure`, or the job has failed without a reason.

    `heartbeat`, `stop_polling` and `resource_snapshot` are off, True, or an interval in seconds.
    """

    def __init__(
        self,
        *,
        project: str,
        job_id: str | None = None,
        argus_url: str | None = None,
        token: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        experiment_type: str = "transformers",
        batch_prefix: str = "transformers",
        train_loss_keys: Sequence[str] = ("loss",),
        val_loss_keys: Sequence[str] = ("eval_loss",),
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
        self._can_be_stopped = bool(stop_polling)  # on all ranks alike
        self._cadence = Cadence(time.monotonic())
        self._last: dict[str, Any] = {}

    @never_raises
    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        self._cadence = Cadence(time.monotonic())
        self._last = {}
        if not state.is_world_process_zero:
            return
        self._held.open(
            self._job_id or args.run_name or os.path.basename(os.path.abspath(args.output_dir)),
            model=self._model or (type(model).__name__ if model is not None else None),
            dataset=self._dataset,
            config=args.to_sanitized_dict(),
        )
        self._held.end_with(calling("train", lambda it: getattr(it, "state", None) is state))

    @never_raises
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._can_be_stopped and self._stopped_everywhere(args):
            control.should_training_stop = True

    @never_raises
    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        job = self._held.job
        if job is None:
            return
        found = numbers(logs)
        if "train_runtime" in found:  # the summary at the end is no step
            self._last.update(found)
            return
        lr = found.pop("learning_rate", None)
        fields = epoch_fields(found, self._train_loss_keys, self._val_loss_keys)
        if lr is not None:
            fields["lr"] = lr
        if state.epoch is not None:
            fields["trainer_epoch"] = state.epoch
        if state.max_steps:
            fields["progress"] = state.global_step / state.max_steps
        job.epoch(state.global_step, **fields)

    @never_raises
    def on_evaluate(
        self,
        args: Any,
        state: Any,
        control: Any,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """What it gave was logged already: here it is kept for the end."""
        self._last.update(numbers(metrics))

    @never_raises
    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._held.job is not None:
            path = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
            self._held.job.log(f"checkpoint saved: {path}")

    @never_raises
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        job = self._held.job
        if job is not None:
            try:
                last = {name: number for name, number in self._last.items() if name != "epoch"}
                job.metrics({k: last[k] for k in self._final_metric_keys or last if k in last})
            finally:
                self._held.close()

    @never_raises
    def report_failure(self, exc: BaseException) -> None:
        """The training has failed with `exc`: for an `except` block around it. Does nothing where the
        end is reported already."""
        self._held.close(exc)

    def _stopped_everywhere(self, args: Any) -> bool:
        """Whether the button was pressed. Only the first rank knows, and no rank may go alone: the others
        would wait for it for ever."""
        if args.world_size == 1:
            return self._held.stopped
        if not self._cadence.due():
            return False
        torch = framework("torch", "transformers")
        now = time.monotonic()
        # The sum over all ranks of those who know of it, and of those who were asked long ago.
        asked = torch.tensor(
            [int(self._held.stopped), int(not self._cadence.is_quick(now))], device=args.device
        )
        torch.distributed.all_reduce(asked)
        stopped, slow = asked.tolist()
        self._cadence.asked(now, all_quick=not slow)
        return bool(stopped)
