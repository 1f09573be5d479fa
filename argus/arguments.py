"""What the arguments of public calls may be, and the file that stands in for some of them."""

from __future__ import annotations

import os
from itertools import islice

from argus.core.fields import fitted, standard_event
from argus.core.identity import fit_id
from argus.core.interruption import is_interruption
from argus.core.schema import MAX_BATCH_ID, MAX_JOB_ID
from argus.core.values import MAX_TEXT, bounded_text, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SETTINGS_FILE = os.path.join("configs", "monitor.yaml")
_MAX_SETTINGS_FILE = 65_536
_MAX_PATHS = 1_000


def command_words(given: Any) -> str | list[str] | None:
    """A command as a person types it, or as the words of an argv, whose secrets are hidden better."""
    if given is None:
        return None
    words = plain(given)
    return [bounded_text(word) for word in words] if type(words) is list else bounded_text(words)


def given_text(value: Any, limit: int = MAX_TEXT) -> str:
    """A value as text; empty for None. Objects are not asked whether they are true."""
    return "" if value is None else bounded_text(value, limit)


def flat_config(given: Any, mistake: Callable[[str], None]) -> dict[str, Any] | None:
    """A configuration as flat hyperparameters. What is none is None, and a mistake."""
    if given is None:
        return None
    from argus.core.flatten import NoConfigError, flattened

    try:
        return flattened(given)
    except NoConfigError:
        mistake("config should be a mapping, a dataclass or a namespace")
        return None


def path_text(path: Any) -> str | None:
    """The absolute path that `path` means at this moment; None for what is no path."""
    try:
        given = os.fspath(path)
        if len(given) > MAX_TEXT:  # no system has so long a path, and to decode it takes its time
            return None
        text = bounded_text(os.fsdecode(given))
        return os.path.abspath(text) if text else None
    except BaseException as error:  # a foreign `__fspath__` may raise anything, SystemExit too
        if is_interruption(error):
            raise
        return None


def path_texts(paths: Any) -> tuple[list[str], int]:
    """The paths in a sequence, and how many mistakes were put right or left out.

    A single path is taken for itself: its letters are paths too, and `/` among them would mean the
    whole machine.
    """
    if paths is None:
        return [], 0
    alone = path_text(paths)
    if alone is not None:
        return [alone], 1
    try:
        found = [path_text(path) for path in islice(paths, _MAX_PATHS)]
    except BaseException as error:  # a foreign `__iter__` may raise anything, SystemExit too
        if is_interruption(error):
            raise
        return [], 1
    good = [path for path in found if path is not None]
    return good, len(found) - len(good)


class FreeEvent:
    """What `emit` was given, as an event of the schema; `mistakes` were put right or left out."""

    __slots__ = ("batch_id", "data", "event_type", "job_id", "mistakes")

    def __init__(
        self, event: Any, fields: dict[str, Any], open_job_id: str, own_batch_id: str
    ) -> None:
        event = given_text(event, 256) or given_text(fields.pop("event", None), 256) or "event"
        job_id = given_text(fields.pop("job_id", None))
        batch_id = given_text(fields.pop("batch_id", None))
        self.batch_id = fit_id(batch_id, MAX_BATCH_ID) if batch_id else None
        self.event_type, self.job_id, named = standard_event(
            event,
            fields,
            fit_id(job_id, MAX_JOB_ID) if job_id else open_job_id,
            self.batch_id or own_batch_id,
        )
        self.data, self.mistakes = fitted(self.event_type, named)
        if self.event_type == "log_line" and "level" in self.data:
            self.data["level"] = self.data["level"].lower()
        if self.event_type == "job_epoch" and "epoch" not in self.data:
            self.data["epoch"] = 0
            self.mistakes += 1


def settings_file_path() -> str:
    """Where the settings file of this process is looked for."""
    return os.path.abspath(_SETTINGS_FILE)


def settings_file() -> str | None:
    """The text of `configs/monitor.yaml` below the working directory, where there is one."""
    try:
        if not os.path.isfile(_SETTINGS_FILE):  # to open a pipe would wait for its other end
            return None
        with open(_SETTINGS_FILE, encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_SETTINGS_FILE)
    except OSError:
        return None
