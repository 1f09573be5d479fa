"""`run.json`: what a run is, written by its one owner, read by everybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from argus.core.jsonl import parsed_object
from argus.rundir import files, layout

FORMAT = 1
_MAX_BYTES = 8_388_608  # a larger file is no sidecar of ours


def write(directory: Path, content: dict[str, Any], private: bool) -> None:
    """Replace the sidecar, durably. Raises OSError where the disk refuses."""
    document = {"format": FORMAT, **content}
    data = json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    files.replace(directory / layout.SIDECAR, data + b"\n", private, durable=True)


def read(directory: Path) -> dict[str, Any]:
    """The sidecar of a run; empty where there is none that can be read."""
    try:
        return parsed_object(files.read_whole(directory / layout.SIDECAR, _MAX_BYTES)) or {}
    except OSError:
        return {}


def is_known_format(content: dict[str, Any]) -> bool:
    """Whether this version may touch a run with that sidecar: a later one may mean other things."""
    version = content.get("format", FORMAT)
    return isinstance(version, int) and version <= FORMAT
