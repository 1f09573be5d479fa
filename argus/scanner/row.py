"""A run as one row of a list. Pure; what the names mean is in the docstring of `row_of`."""

from __future__ import annotations

from typing import Any

from argus.core.events import strictly_json
from argus.rundir.view import WRITTEN_BY_MONITOR, View

_MAX_CONFIG = 300  # entries of a configuration that a list can use
_MAX_TEXT = 2_000


def row_of(run_id: str, view: View, n_rejected: int) -> dict[str, Any]:
    """The row: times are `2026-04-22T09:23:06Z`, but for `updated_at` and `heartbeat_at`, which
    are seconds since the epoch; what is not known is None."""
    told, summary, said = view.sidecar, view.summary, view.edits
    tags = [tag for tag in told.get("tags") or () if isinstance(tag, str)]
    counts = {name: summary[name] for name in ("n_events", "n_jobs", "n_done", "n_failed")}
    row = {
        "run_id": run_id,
        "batch_id": view.batch_id,
        "is_part": view.is_part,
        "name": said.name,
        "notes": said.notes,
        "tags": list(dict.fromkeys([*tags, *said.tags])),
        "archived": said.archived,
        "project": _text(told.get("project")) or summary["project"],
        "experiment_type": _text(told.get("experiment_type")) or summary["experiment_type"],
        "state": view.state,
        "host": _text(told.get("host")) or summary["host"],
        "user": _text(told.get("user")),
        "command": _text(told.get("command")) or _text(summary["command"]),
        "started_at": view.started_at,
        "ended_at": _text(told.get("ended_at")) or summary["finished_at"],
        "updated_at": view.heard_at,
        "heartbeat_at": view.heard_at,
        "events_bytes": view.events_bytes,
        **counts,
        "n_running": max(counts["n_jobs"] - counts["n_done"] - counts["n_failed"], 0),
        "n_total_jobs": summary["n_total_jobs"],
        "attempt": told.get("attempt") if isinstance(told.get("attempt"), int) else None,
        "jobs": summary["jobs"],
        "last": summary["last"],
        "metrics": summary["metrics"],
        "config": _config(told.get("config")),
        "delivered": view.delivered,
        "dropped": told.get("dropped") if isinstance(told.get("dropped"), dict) else {},
        "n_rejected": n_rejected,
        "stoppable": told.get("written_by") == WRITTEN_BY_MONITOR,
    }
    # A sidecar may be anybody's: Python reads a bare NaN, and a browser does not.
    strict: dict[str, Any] = strictly_json(row)
    return strict


def _config(given: object) -> dict[str, Any] | None:
    if not isinstance(given, dict):
        return None
    return dict(list(given.items())[:_MAX_CONFIG])


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None
