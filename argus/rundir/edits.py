"""What people say about a run: its name, notes, tags, and whether it is put away. A file of its
own, so that the run's one writer and they do not get into each other's way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.jsonl import parsed_object
from argus.rundir import files, layout

_MAX_BYTES = 1_048_576
_MAX_TEXT = 65_536
_MAX_TAGS = 100
MAX_TAG = 100


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
        name=name[:_MAX_TEXT] if isinstance(name, str) and name.strip() else None,
        notes=notes[:_MAX_TEXT] if isinstance(notes, str) else "",
        tags=_tags(tags) if isinstance(tags, list) else (),
        archived=document.get("archived") is True,
    )


def write(directory: Path, edits: Edits) -> None:
    """Replace the edits of a run. Raises OSError where they cannot be written."""
    data = json.dumps(edits._asdict(), ensure_ascii=False, indent=1).encode("utf-8", "replace")
    files.replace(directory / layout.EDITS, data + b"\n", private=False, durable=True)


def _tags(given: list[Any]) -> tuple[str, ...]:
    texts = [tag.strip()[:MAX_TAG] for tag in given if isinstance(tag, str)]
    return tuple(dict.fromkeys(filter(None, texts)))[:_MAX_TAGS]
