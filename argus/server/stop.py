"""`stop.json`: whether somebody wants a batch to stop, who, and since when.

The file is the only owner of the flag: every poll reads it, so it survives a restart as it is. The
start of a batch that had been started before takes it back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from argus.core.jsonl import parsed_object
from argus.rundir import files
from argus.server.plain import open_plain

STOP = "stop.json"
_MAX_BYTES = 524_288


def stop_state(directory: Path) -> dict[str, Any]:
    """The flag as the platform answers it. A file that cannot be understood requests nothing."""
    try:
        with open_plain(directory / STOP) as file:
            document = parsed_object(file.read(_MAX_BYTES)) or {}
    except OSError:
        document = {}
    return {
        "requested": document.get("requested") is True,
        "requested_at": _text(document.get("requested_at")),
        "requested_by": _text(document.get("requested_by")),
    }


def request_stop(directory: Path, requested_at: str, requested_by: str | None) -> dict[str, Any]:
    """Set the flag; the first request stays. For one thread at a time. Raises OSError."""
    state = stop_state(directory)
    if state["requested"]:
        return state
    state = {"requested": True, "requested_at": requested_at, "requested_by": requested_by}
    data = json.dumps(state).encode("ascii") + b"\n"
    files.replace(directory / STOP, data, private=False, durable=True)
    return state


def forget_stop(directory: Path) -> None:
    """Take the flag back: the batch has been started anew, and is not to end at once."""
    (directory / STOP).unlink(missing_ok=True)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
