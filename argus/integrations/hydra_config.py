"""What a configuration of Hydra says of a run and of a trial. It reads, and changes nothing."""

from __future__ import annotations

import re
import string
from hashlib import sha256
from json import dumps
from math import prod

from argus.core.flatten import flattened, without_secrets
from argus.core.redact import is_secret_name, redacted
from argus.core.secret import HIDDEN
from argus.integrations.frameworks import framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

omegaconf = framework("omegaconf", "hydra")
OmegaConf = omegaconf.OmegaConf

_NAME_IN_INTERPOLATION = re.compile(r"[\w.-]+")


def select(config: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none, it is missing, or cannot be resolved."""
    try:
        return OmegaConf.select(config, path, throw_on_resolution_failure=False)
    except omegaconf.errors.OmegaConfBaseException:  # the path itself makes no sense here
        return None


def text_at(config: Any, path: str) -> str | None:
    """The text at a path, or that of the `name` in what is there."""
    value = select(config, path)
    if OmegaConf.is_config(value):
        value = select(value, "name") if OmegaConf.is_dict(value) else None
    return None if value is None or OmegaConf.is_config(value) else str(value)


def name_of(config: Any, group: str) -> str | None:
    """What `model` or `dataset` is called: its text, its `name`, or which of the group was chosen."""
    name = text_at(config, group)
    if name is None and select(config, group) is not None:
        name = text_at(config, f"hydra.runtime.choices.{group}")
    return name


def hyperparameters(config: Any) -> dict[str, Any]:
    """The user's part of the configuration, flat, each value resolved that can be, secrets hidden."""
    own = {str(key): _value(config, key) for key in config if key != "hydra"}
    return without_secrets(flattened(own))


def overrides(config: Any) -> list[str]:
    """What was asked for beside the configuration's files, secrets hidden."""
    return [redacted(str(word)) for word in select(config, "hydra.overrides.task") or ()]


def digest(values: Mapping[str, Any]) -> str:
    """The same for the same hyperparameters, in whatever order they come."""
    return sha256(dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def job_number(config: Any) -> int:
    """The trial's number in its sweep; 0 in a single run."""
    number = select(config, "hydra.job.num")
    return number if isinstance(number, int) else 0


def job_id(config: Any, template: str | None, key: str | None, otherwise: str) -> str:
    """By the template, where there is one, else the value at the dotted path `key`, else as given.
    Raises ValueError where the template is none."""
    if template:
        return _Template(config).format(template)
    text = text_at(config, key) if key else None
    return text or otherwise


def n_trials(config: Any) -> int | None:
    """How many trials there will be, where the sweeper is told, or is Hydra's own."""
    told = select(config, "hydra.sweeper.n_trials")
    if isinstance(told, int):
        return told
    if "BasicSweeper" not in str(select(config, "hydra.sweeper._target_")):
        return None
    parser = framework("hydra.core.override_parser.overrides_parser", "hydra").OverridesParser
    words = [f"{k}={v}" for k, v in (select(config, "hydra.sweeper.params") or {}).items()]
    words += list(select(config, "hydra.overrides.task") or ())
    sizes = {}  # of two overrides of one key, the last counts
    for override in parser.create().parse_overrides(words):
        swept = override.is_sweep_override()
        if swept and override.value().__class__.__name__ == "Glob":
            return None  # only the sweeper knows which files there are
        size = sum(1 for _ in override.sweep_string_iterator()) if swept else 1
        sizes[override.get_key_element()] = size
    return prod(sizes.values())


def optuna_facts(config: Any, batch_id: str, first_number: int) -> dict[str, Any] | None:
    """The study and the trial of a job of the Optuna sweeper. Optuna numbers the trials of a study,
    Hydra the jobs of a launch: `first_number` is how many there were before."""
    if not is_optuna(config):
        return None
    params = sorted(map(str, select(config, "hydra.overrides.task") or ()))
    return {
        "study_name": text_at(config, "hydra.sweeper.study_name") or batch_id,
        "trial_number": first_number + job_number(config),
        "params_hash": sha256("\n".join(params).encode()).hexdigest()[:16],
    }


def is_optuna(config: Any) -> bool:
    return "optuna" in str(select(config, "hydra.sweeper._target_")).lower()


class _Template(string.Formatter):
    """`{model}-{optimizer.lr:.0e}-{num}`: each field is a dotted path into the configuration."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = select(self._config, field_name)
        if OmegaConf.is_config(value):
            value = name_of(self._config, field_name)
        if value is None and field_name == "num":
            value = job_number(self._config)
        # What is not there stays as it was written: whoever looks at the job sees why.
        return (_Unknown(field_name) if value is None else value), field_name


class _Unknown(str):
    """A field that names nothing, in whatever format it was to be."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return "{" + str.__str__(self) + "}"


def _value(node: Any, key: Any) -> Any:
    """One entry as plain containers; where it cannot be resolved, as it is written."""
    if OmegaConf.is_missing(node, key):
        return "???"
    written = node._get_node(key)
    if OmegaConf.is_interpolation(node, key):
        # `${oc.env:DB_PASSWORD}` may stand under any name.
        text = str(written._value())
        if any(map(is_secret_name, _NAME_IN_INTERPOLATION.findall(text))):
            return HIDDEN
        try:
            value = node[key]
        except omegaconf.errors.OmegaConfBaseException:
            return text
    else:
        value = node[key]
    if OmegaConf.is_dict(value):
        return {str(name): _value(value, name) for name in value}
    if OmegaConf.is_list(value):
        return [_value(value, index) for index in range(len(value))]
    return value
