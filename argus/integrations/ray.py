"""An experiment of Ray Tune as a batch, each of its trials as a job.

    argus = ArgusLoggerCallback(project="my-paper", stop_polling=True)
    tune.Tuner(train, run_config=tune.RunConfig(callbacks=[argus], stop=argus)).fit()

It lives where the Tuner runs: trials need no network but Ray's own.
"""

from __future__ import annotations

from argus.core.flatten import NoConfigError, flattened, without_secrets
from argus.core.interruption import is_interruption
from argus.core.values import bounded_text
from argus.integrations.frames import calling
from argus.integrations.frameworks import framework
from argus.integrations.guard import never_raises
from argus.integrations.reporting import ReporterArguments, UnfinishedError
from argus.integrations.scalars import epoch_fields, numbers
from argus.integrations.sweep import Sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

    from argus.integrations.scalars import Number

LoggerCallback: Any = framework("ray.tune.logger", "ray").LoggerCallback
Stopper: Any = framework("ray.tune", "ray").Stopper

_ITERATION = "training_iteration"
_FAILED = "ERROR"
_FINISHED = ("TERMINATED", _FAILED)  # of a trial's status
# What Tune adds to each result, and what no chart is wanted of.
_BOOKKEEPING = frozenset(
    {
        _ITERATION,
        "checkpoint_dir_name",
        "config",
        "date",
        "done",
        "experiment_id",
        "experiment_tag",
        "hostname",
        "iterations_since_restore",
        "node_ip",
        "pid",
        "should_checkpoint",
        "time_since_restore",
        "timestamp",
        "timesteps_since_restore",
        "trial_id",
        "warmup_time",
    }
)


class TrialError(RuntimeError):
    """A trial has failed, and what it raised cannot be had again."""


class ArgusLoggerCallback(LoggerCallback, Stopper):
    """Reports an experiment: its trials by their ids, their results as epochs.

    The first of `train_loss_keys` and of `val_loss_keys` that a result has is its loss, all other
    numbers arrive by their own names, nested ones as "a/b"; the last ones are a trial's final
    metrics. `model` and `dataset`, unset, are those of the trial's configuration: a text, or the
    `name` in it.

    The stop button (`stop_polling=True`) ends each trial with its next result. Given as `stop=` too,
    alone or in a list, the callback ends all of them at once, and those that wait never begin.

    A restored experiment goes on in its batch. Ray writes its callbacks down: without their token,
    so that one who restores needs `ARGUS_TOKEN`.
    """

    def __init__(
        self,
        *,
        project: str,
        argus_url: str | None = None,
        token: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        experiment_type: str = "ray",
        batch_prefix: str = "ray",
        train_loss_keys: Sequence[str] = ("train_loss", "loss"),
        val_loss_keys: Sequence[str] = ("val_loss",),
        heartbeat: bool | float = False,
        stop_polling: bool | float = False,
        resource_snapshot: bool | float = False,
        auto_upload_dirs: Sequence[str | PathLike[str]] | None = None,
    ) -> None:
        self._arguments = ReporterArguments(
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
        self._model = model
        self._dataset = dataset
        self._train_loss_keys = train_loss_keys
        self._val_loss_keys = val_loss_keys
        self._sweep = Sweep()
        self._batch_id: str | None = None  # of the experiment that is or was reported last
        self._restored_batch_id: str | None = None
        self._unfinished: set[str] = set()  # the trials, as they were last

    # The experiment

    @never_raises
    def setup(
        self,
        stop: Any = None,
        num_samples: int | None = None,
        total_num_samples: int | None = None,
        **info: Any,
    ) -> None:
        total = total_num_samples
        is_counted = isinstance(total, int) and 0 < total < 1_000_000  # "virtually infinite"
        reporter = self._sweep.open(
            self._arguments,
            batch_id=self._restored_batch_id,
            n_total=total if is_counted else None,
        )
        self._sweep.end_with(calling("fit", _is_tuner), self._sweep.close)
        self._batch_id, self._restored_batch_id = reporter.batch_id, None
        self._unfinished = set()

    @never_raises
    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        # Of an experiment that is interrupted Tune ends all trials too, and tells the end as of one
        # that is complete.
        self._unfinished = {trial.trial_id for trial in trials if trial.status not in _FINISHED}

    @never_raises
    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        for trial in trials:  # what a Stopper ends has no end of its own
            if trial.trial_id not in self._unfinished:
                self._end(trial, _error_of(trial) if trial.status == _FAILED else None)
        number = len(self._unfinished)
        self._sweep.close(
            UnfinishedError(f"interrupted, {number} trials unfinished") if number else None
        )

    # Its trials

    @never_raises
    def log_trial_start(self, trial: Any) -> None:
        self._begin(trial)

    @never_raises
    def log_trial_restore(self, trial: Any) -> None:
        self._begin(trial)

    @never_raises
    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        job = self._sweep.job(trial.trial_id)
        if job is not None:
            fields = epoch_fields(_found(result), self._train_loss_keys, self._val_loss_keys)
            job.epoch(result.get(_ITERATION), **fields)

    @never_raises
    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        if failed:
            self._begin(trial)  # where it could not even be started
        self._end(trial, _error_of(trial) if failed else None)

    # The stop button

    @never_raises
    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._sweep.stopped:
            for trial in trials:
                trial.stopping_criterion = {_ITERATION: 0}  # every result fulfils it

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether a trial should end: all should, once the stop button was pressed."""
        return self._sweep.stopped

    def stop_all(self) -> bool:
        """Whether the experiment should end."""
        return self._sweep.stopped

    # What Tune keeps of this callback with the experiment

    def get_state(self) -> dict[str, Any]:
        return {"batch_id": self._batch_id}

    @never_raises
    def set_state(self, state: Mapping[str, Any]) -> None:
        self._restored_batch_id = state.get("batch_id")

    # Details

    def _begin(self, trial: Any) -> None:
        config = trial.config or {}
        self._sweep.begin(
            trial.trial_id,
            trial.trial_id,
            model=self._model or _name_in(config, "model"),
            dataset=self._dataset or _name_in(config, "dataset"),
            run_dir=_text(getattr(trial, "path", None) or getattr(trial, "local_path", None)),
            config=_hyperparameters(config),
        )

    def _end(self, trial: Any, error: BaseException | None = None) -> None:
        job = self._sweep.job(trial.trial_id)
        if job is not None:
            job.metrics(_found(trial.last_result or {}))
            self._sweep.end(trial.trial_id, error)


def _is_tuner(owner: Any) -> bool:
    return isinstance(owner, framework("ray.tune", "ray").Tuner)


def _found(result: Mapping[str, Any]) -> dict[str, Number]:
    """The numbers of a result that the training itself has told, and its times."""
    kept = {name: value for name, value in result.items() if name not in _BOOKKEEPING}
    return numbers(framework("ray.tune.utils", "ray").flatten_dict(kept, prevent_delimiter=False))


def _hyperparameters(config: Any) -> dict[str, Any] | None:
    try:
        return without_secrets(flattened(config))
    except NoConfigError:
        return None


def _name_in(config: Any, key: str) -> str | None:
    value = config.get(key)
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else None


def _error_of(trial: Any) -> BaseException:
    """What the trial has raised, as far as it was written down."""
    error = _pickled_error(getattr(trial, "pickled_error_file", None))
    # Ray wraps it, with a traceback in its text.
    cause = getattr(error, "cause", None)
    found = cause if isinstance(cause, BaseException) else error
    return found if isinstance(found, BaseException) else TrialError(_last_line(trial))


def _pickled_error(path: str | None) -> Any:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return framework("ray.cloudpickle", "ray").load(file)
    except Exception as error:  # it may be of a class that is only known where the trial ran
        if is_interruption(error):
            raise
        return None


def _last_line(trial: Any) -> str:
    path = getattr(trial, "error_file", None)
    if path is None:
        return "nothing is known of its reason"
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1] if lines else "nothing is known of its reason"


def _text(value: Any) -> str | None:
    return None if value is None else bounded_text(value)
