"""A run as one row of a list. Pure; what the names mean is in the docstring of `row_of`."""

from __future__ import annotations

from itertools import islice
from typing import Any

from argus.core.events import strictly_json
from argus.rundir.view import WRITTEN_BY_MONITOR, View

_MAX_CONFIG = 300  # entries of a configuration that a list can use
_MAX_TEXT = 2_000
_MAX_SHOWN = 300  # characters of one hyperparameter
_MAX_ENTRIES = 20  # of one that is a list


def row_of(run_id: str, view: View, n_rejected: int) -> dict[str, Any]:
    """The row: times are `2026-04-22T09:23:06Z`, but for `updated_at` and `heartbeat_at`, which
    are seconds since the epoch; what is not known is None."""
    told, summary, said = view.sidecar, view.summary, view.edits
    given, attempt = told.get("tags"), told.get("attempt")
    tags = [tag for tag in given if isinstance(tag, str)] if isinstance(given, list) else []
    counts = {name: summary[name] for name in ("n_events", "n_jobs", "n_done", "n_failed")}
    row = {
        "run_id": run_id,
        "batch_id": _text(view.batch_id),
        "is_part": view.is_part,
        "name": said.name,
        "notes": said.notes,
        "tags": list(dict.fromkeys([*tags, *said.tags])),
        "archived": said.archived,
        "project": _text(told.get("project")) or _text(summary["project"]),
        "experiment_type": _text(told.get("experiment_type")) or _text(summary["experiment_type"]),
        "state": view.state,
        "host": _text(told.get("host")) or _text(summary["host"]),
        "user": _text(told.get("user")),
        "command": _text(told.get("command")) or _text(summary["command"]),
        "started_at": _text(view.started_at),
        "ended_at": _text(told.get("ended_at")) or _text(summary["finished_at"]),
        "updated_at": view.heard_at,
        "heartbeat_at": view.heard_at,
        "events_bytes": view.events_bytes,
        **counts,
        "n_running": max(counts["n_jobs"] - counts["n_done"] - counts["n_failed"], 0),
        "n_total_jobs": summary["n_total_jobs"],
        "attempt": attempt if type(attempt) is int else None,
        "jobs": summary["jobs"],
        "last": summary["last"],
        "metrics": summary["metrics"],
        "config": _config(told.get("config")) or summary["config"],
        "delivered": view.delivered,
        "dropped": counts_of(told.get("dropped")),
        "n_rejected": n_rejected,
        "stoppable": told.get("written_by") == WRITTEN_BY_MONITOR,
    }
    # A sidecar may be anybody's: Python reads a bare NaN, and a browser does not.
    strict: dict[str, Any] = strictly_json(row)
    return strict


def counts_of(given: object) -> dict[str, int]:
    """What was dropped, by reason, as far as a sidecar tells it."""
    counts = given.items() if isinstance(given, dict) else ()
    return {reason[:_MAX_SHOWN]: count for reason, count in counts if type(count) is int}


def _config(given: object) -> dict[str, Any] | None:
    if not isinstance(given, dict):
        return None
    shown = islice(given.items(), _MAX_CONFIG)
    return {name[:_MAX_SHOWN]: _shown(value) for name, value in shown}


def _shown(value: object) -> object:
    """A hyperparameter: a flat one as it is, and of any other no more than fits a list."""
    if isinstance(value, list):
        return ["[…]" if isinstance(each, list) else _shown(each) for each in value[:_MAX_ENTRIES]]
    if isinstance(value, str):
        return value[:_MAX_SHOWN]
    return "{…}" if isinstance(value, dict) else value


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None
