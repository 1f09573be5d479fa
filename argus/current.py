"""The process's own state: which Reporter is active, and which batch it is in.

And the module-level functions that need no Reporter. None of them ever raises.
"""

from __future__ import annotations

import atexit
import os
import sys

from argus.core.identity import derived_batch_id, generated_batch_id
from argus.core.settings import substitute
from argus.core.values import bounded_text
from argus.guard import OUT_OF_ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argus.reporter import Reporter

# The open Reporters, the innermost last. A list's append, remove and [-1] need no lock.
_active: list[Reporter] = []
_batch_id: str | None = None
_batch_id_outside: str | None = None  # as it was before any Reporter was opened

_NO_LIMIT = sys.maxsize


def emit(event: str = "", /, **fields: Any) -> None:
    """Report an event on the active Reporter; nothing happens without one.

    `job_id=` addresses a job; unset, the innermost open one. `batch_id=` addresses another batch
    than the current one. A name that is none of the schema's event types arrives as a log line.
    """
    try:
        reporter = _active[-1]
    except IndexError:
        return
    try:
        if _batch_id != reporter._batch_id:  # not the property, which may wait for it
            fields.setdefault("batch_id", _batch_id)
        reporter.emit(event, **fields)
    except OUT_OF_ROOM as lack:  # not even for the line that catches everything
        reporter._notices.put_off = "emit", lack.__class__.__name__


def new_batch_id(prefix: str = "batch") -> str:
    """A fresh `<prefix>-<12 hex>`."""
    return generated_batch_id(bounded_text(prefix), os.urandom(6))


def set_batch_id(batch_id: str | None) -> None:
    """Make `batch_id` the process's current batch: `emit` reports into it."""
    global _batch_id  # noqa: PLW0603 - it is the process's
    _batch_id = None if batch_id is None else bounded_text(batch_id)


def get_batch_id() -> str | None:
    """The process's current batch id: of the Reporter that was opened last, or as it was set."""
    return _batch_id


def derive_batch_id(
    project: str, experiment_name: str, git_sha: str | None = None, *, prefix: str = "bench"
) -> str:
    """`<prefix>-<16 hex>` from what identifies an experiment: the same inputs, the same id.

    A restarted launcher continues its batch with it. `git_sha=None` asks git for the commit, for
    1.5 s at most; "" or no git count as `no-git`.
    """
    if git_sha is None:
        from argus.launch.git import head_sha

        git_sha = head_sha()
    return derived_batch_id(
        bounded_text(project),
        bounded_text(experiment_name),
        bounded_text(git_sha),
        bounded_text(prefix),
    )


def sub_env(template: Any, **extra: Any) -> Any:
    """Replace `${VAR}` and `$VAR` in a string, from `extra`, then from the environment.

    What neither knows stays as written; what is no string comes back as it is.
    """
    if not issubclass(type(template), str):  # isinstance asks the object, too
        return template
    values = {key: bounded_text(value, _NO_LIMIT) for key, value in extra.items()}
    return substitute(bounded_text(template, _NO_LIMIT), values, os.environ)


def activated(reporter: Reporter) -> None:
    """A Reporter has been opened: it is the active one, and its batch the current one."""
    global _batch_id_outside  # noqa: PLW0603 - it is the process's
    if not _active:
        _batch_id_outside = _batch_id
    _active.append(reporter)
    set_batch_id(reporter._batch_id or None)


def named(reporter: Reporter) -> None:
    """The batch of a Reporter that is open has become known."""
    if _batch_id is None and _active[-1:] == [reporter]:
        set_batch_id(reporter._batch_id)


def opened(batch_id: str) -> Reporter | None:
    """The open Reporter of that batch, the innermost one."""
    found = [reporter for reporter in _active if reporter._batch_id == batch_id]
    return found[-1] if found else None


def deactivated(reporter: Reporter) -> None:
    """A Reporter has been closed: the one opened before it is active again."""
    if reporter in _active:
        _active.remove(reporter)
    if _batch_id == (reporter._batch_id or None):
        set_batch_id(_active[-1]._batch_id if _active else _batch_id_outside)


@atexit.register
def _close_all() -> None:
    """What was never closed delivers what it has. Registered with the first import, so that it comes
    after what the user's own exit handlers report."""
    channel = sys.modules.get("argus.delivery.channel")
    close_all = getattr(channel, "close_all", None)  # a thread may be about to load it
    if close_all is not None:
        close_all()
