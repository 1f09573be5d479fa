"""A run or a sweep of Hydra as a batch, each of its jobs as a job.

    hydra:
      callbacks:
        argus:
          _target_: argus.integrations.hydra.ArgusCallback
          project: my-paper

A launcher sends its callbacks to other processes: there, they join the batch of the sweep.
"""

from __future__ import annotations

import os

from argus.integrations import hydra_config as conf
from argus.integrations.frames import calling
from argus.integrations.frameworks import framework
from argus.integrations.guard import never_raises
from argus.integrations.reporting import ReporterArguments
from argus.integrations.scalars import number_of, numbers
from argus.integrations.sweep import Sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from argus import JobContext, Reporter

Callback: Any = framework("hydra.experimental.callback", "hydra").Callback

_BATCH_ID = "ARGUS_BATCH_ID"

_open_ones: list[ArgusCallback] = []


def stopped() -> bool:
    """Whether the task that asks should end: the stop button of its batch was pressed. Needs
    `stop_polling: true`. Trials that are still to come are started, and can ask at once."""
    return any(callback._sweep.stopped for callback in list(_open_ones))


class ArgusCallback(Callback):
    """Reports what is configured below `hydra.callbacks`.

    A single run is a batch of one job, a multirun one with a job for each trial. `batch_prefix`
    unset, the batch's id begins with `experiment_type`. The id of a job comes from
    `job_id_template`, whose fields are dotted paths into its configuration ("{model}-{optim.lr}",
    and "{num}" for the job's number), else is the value at the dotted path `job_id_key`, else the
    job's number, behind the batch's id where files are uploaded. It should tell the trials apart.
    An interpolation ("${model}-${seed}") is resolved for each trial.

    `model` and `dataset` of the configuration name those of the job: a text, a `name` in it, or
    what was chosen of that group. The configuration becomes the hyperparameters, without what looks
    like a secret; what the task returns the final metrics, where it is a number, several, or a
    mapping of some. `auto_upload_dirs` are below the job's output directory.

    While a batch is open, `ARGUS_BATCH_ID` names it: a Reporter in the task, or in a process that
    the task starts, joins it. The token is best left to `ARGUS_TOKEN`: Hydra writes its own
    configuration down.
    """

    def __init__(
        self,
        *,
        project: str,
        experiment_type: str = "hydra",
        argus_url: str | None = None,
        token: str | None = None,
        batch_prefix: str | None = None,
        job_id_key: str | None = None,
        job_id_template: str | None = None,
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
        )
        self._job_id_key = job_id_key
        self._job_id_template = job_id_template
        self._auto_upload_dirs = auto_upload_dirs
        self._sweep = Sweep()
        self._sweeps_batch_id: str | None = None  # None: a single run
        self._first_trial = 0
        self._batch_id_outside: str | None = None
        self._opened_for: Any = None  # the configuration of the run or sweep
        self._failure: BaseException | None = None  # of a single run, until its batch has ended

    # A sweep, where it is launched

    @never_raises
    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        reporter = self._open(
            config,
            self._arguments,
            config=conf.hyperparameters(config),
            n_total=self._number_of_trials(config),
        )
        self._sweeps_batch_id = reporter.batch_id
        self._first_trial = self._trials_before(config) or 0

    @never_raises
    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:
        self._close()

    # A job, where it runs

    @never_raises
    def on_job_start(self, config: Any, **kwargs: Any) -> None:
        values = conf.hyperparameters(config)
        own = self._as_configured(config) or self
        if self._sweep.reporter is None:  # a single run; or a trial, in another process
            self._open(config, own._arguments, config=values, n_total=1)
        self._begin(own, config, values)

    @never_raises
    def on_job_end(self, config: Any, job_return: Any, **kwargs: Any) -> None:
        number = conf.job_number(config)
        job = self._sweep.job(number)
        # `return_value` would raise what the task has raised.
        value = job_return._return_value
        failed = isinstance(value, BaseException) and job_return.status.name == "FAILED"
        if job is not None and not failed:
            self._finish(job, config, value)
        error = value if failed else None
        self._sweep.end(number, error)
        if self._sweeps_batch_id is None:
            self._failure = error
        elif self._is_elsewhere:
            self._close()

    @never_raises
    def on_run_end(self, config: Any, **kwargs: Any) -> None:
        error, self._failure = self._failure, None
        self._close(error)

    # Details

    @property
    def _is_elsewhere(self) -> bool:
        """Whether this callback came to a worker, and its batch is the launcher's to end."""
        return "_came_by_pickle" in self.__dict__

    def _open(self, owner: Any, arguments: ReporterArguments, **more: Any) -> Reporter:
        for other in list(_open_ones):
            # Hydra tells no end of a sweep that fails. A neighbour has the same configuration.
            if other._opened_for is not owner:
                other._close(other._sweep.unfinished())
        self._batch_id_outside = os.environ.get(_BATCH_ID)
        outermost = _open_ones[0] if _open_ones else self
        _set_batch_id(self._sweeps_batch_id or outermost._batch_id_outside)  # to be joined
        reporter = self._sweep.open(arguments, **more)
        _set_batch_id(reporter.batch_id)
        self._opened_for = owner
        _open_ones.append(self)
        self._sweep.end_with(
            calling("multirun", _is_hydra) or calling("run", _is_hydra), self._close
        )
        return reporter

    def _close(self, error: BaseException | None = None) -> None:
        if self in _open_ones:
            _open_ones.remove(self)
            _set_batch_id(self._batch_id_outside)
        self._opened_for = None
        self._sweep.close(error)

    def _begin(self, own: ArgusCallback, config: Any, values: dict[str, Any]) -> None:
        assert self._sweep.reporter is not None
        batch_id = self._sweep.reporter.batch_id
        more: dict[str, Any] = {}
        if self._sweeps_batch_id is not None:
            # The batch has the configuration that all trials begin with.
            more["config"] = values
            more["overrides"] = conf.overrides(config)
            optuna = conf.optuna_facts(config, batch_id, self._first_trial)
            if optuna is not None:
                more["optuna"] = optuna
        self._sweep.begin(
            conf.job_number(config),
            own._job_id(config, batch_id),
            model=conf.name_of(config, "model"),
            dataset=conf.name_of(config, "dataset"),
            config_digest=conf.digest(values),
            run_dir=conf.text_at(config, "hydra.runtime.output_dir"),
            **more,
        )

    def _finish(self, job: JobContext, config: Any, value: Any) -> None:
        """What is left to say of a job that has come to its end."""
        job.metrics(_metrics(value))
        directories = self._auto_upload_dirs or ()
        if isinstance(directories, (str, os.PathLike)):
            directories = [directories]
        output_dir = conf.text_at(config, "hydra.runtime.output_dir") or os.getcwd()
        for directory in directories:
            job.upload(os.path.join(output_dir, directory), glob="**/*", wait=False)

    def _as_configured(self, config: Any) -> ArgusCallback | None:
        """This callback anew, as this job's configuration has it: with interpolations of this trial,
        and with the token, which no pickle brings to a worker."""
        kind = type(self)
        for node in (conf.select(config, "hydra.callbacks") or {}).values():
            if conf.select(node, "_target_") == f"{kind.__module__}.{kind.__qualname__}":
                try:
                    given = conf.OmegaConf.to_container(node, resolve=True)
                except conf.omegaconf.errors.OmegaConfBaseException:
                    continue  # a variable that only the launcher has
                again = kind(**{name: given[name] for name in given if not name.startswith("_")})
                if repr(again._arguments) == repr(self._arguments):
                    return again
        return None

    def _job_id(self, config: Any, batch_id: str) -> str:
        number = str(conf.job_number(config))
        # A platform finds the job of a file by its id alone, over all batches.
        usual = f"{batch_id}-{number}" if self._auto_upload_dirs else number
        return self._configured_id(config, usual) or usual

    @never_raises
    def _configured_id(self, config: Any, otherwise: str) -> str | None:
        return conf.job_id(config, self._job_id_template, self._job_id_key, otherwise)

    @never_raises
    def _number_of_trials(self, config: Any) -> int | None:
        return conf.n_trials(config)

    @never_raises
    def _trials_before(self, config: Any) -> int | None:
        """How many trials the study has that this sweep goes on with."""
        storage = conf.select(config, "hydra.sweeper.storage")
        name = conf.text_at(config, "hydra.sweeper.study_name")
        if not conf.is_optuna(config) or not isinstance(storage, str) or not name:
            return 0
        optuna = framework("optuna", "hydra")
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:  # it begins with this sweep
            return 0
        return len(study.get_trials(deepcopy=False))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_came_by_pickle": True, "_failure": None, "_opened_for": None}


def _is_hydra(owner: Any) -> bool:
    return type(owner).__module__ == "hydra._internal.hydra"


def _set_batch_id(batch_id: str | None) -> None:
    if batch_id is None:
        os.environ.pop(_BATCH_ID, None)
    else:
        os.environ[_BATCH_ID] = batch_id


def _metrics(value: Any) -> dict[str, Any]:
    """What a task returns, as final metrics; a sweeper calls a number the objective."""
    if isinstance(value, dict):
        return dict(numbers(value))
    if isinstance(value, (list, tuple)):
        return dict(numbers({f"objective_{index}": item for index, item in enumerate(value)}))
    number = number_of(value)
    return {} if number is None else {"objective": number}
