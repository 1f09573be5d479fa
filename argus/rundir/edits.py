"""What people say about a run: its name, notes, tags, and whether it is put away. A file of its
own, so that the run's one writer and they do not get into each other's way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.jsonl import parsed_object
from argus.rundir import files, layout
from argus.rundir.lock import alone_in

_MAX_BYTES = 1_048_576
_PATIENCE_S = 2.0
MAX_TEXT = 65_536
MAX_TAGS = 100
MAX_TAG = 100

_editing = threading.Lock()  # one thread of this process at a time


class Edits(NamedTuple):
    """What was said; empty where nothing was."""

    name: Optional[str] = None
    notes: str = ""
    tags: tuple[str, ...] = ()
    archived: bool = False


def read(directory: Path) -> Edits:
    """The edits of a run. What cannot be read, or is none, counts as not said."""
    try:
        document = parsed_object(files.read_whole(directory / layout.EDITS, _MAX_BYTES)) or {}
    except OSError:
        return Edits()
    return checked(document)


def checked(document: dict[str, Any]) -> Edits:
    """The edits in a JSON object, with what does not fit left out."""
    name, notes, tags = document.get("name"), document.get("notes"), document.get("tags")
    return Edits(
        name=name[:MAX_TEXT] if isinstance(name, str) and name.strip() else None,
        notes=notes[:MAX_TEXT] if isinstance(notes, str) else "",
        tags=_tags(tags) if isinstance(tags, (list, tuple)) else (),
        archived=document.get("archived") is True,
    )


def change(directory: Path, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Edits:
    """Replace the edits of a run by what `changed` makes of them; of several people at once, each
    goes on from what the last one said. Raises OSError where they cannot be written."""
    with _editing, alone_in(directory, time.monotonic() + _PATIENCE_S):
        before = read(directory)
        after = checked(changed(before._asdict()))
        if after != before:
            _write(directory, after)
    return after


def _write(directory: Path, edits: Edits) -> None:
    data = json.dumps(edits._asdict(), ensure_ascii=False, indent=1).encode("utf-8", "replace")
    files.replace(directory / layout.EDITS, data + b"\n", private=False, durable=True)


def _tags(given: Sequence[Any]) -> tuple[str, ...]:
    texts = [tag.strip()[:MAX_TAG] for tag in given if isinstance(tag, str)]
    return tuple(dict.fromkeys(filter(None, texts)))[:MAX_TAGS]
