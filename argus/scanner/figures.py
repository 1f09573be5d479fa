"""The figures and other artifacts of a run: which there are, and where a page may read them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from argus.core.jsonl import parsed_object
from argus.rundir import files, layout

MEDIA_DIR = "media"
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}

_MAX_FIGURES = 10_000
_MAX_LIST_BYTES = 67_108_864
# `loss_step_200.png`, `epoch=3.png`, `samples-000500.png`
_STEP = re.compile(r"(?:step|epoch|iter|it)[-_=]?([0-9]{1,9})|[-_]([0-9]{1,9})(?=\.[a-z]+\Z)", re.I)


def figures(run: Path) -> list[dict[str, Any]]:
    """The artifacts that are kept in the run itself, the newest last."""
    told = _told(run)
    found = []
    for path, info in islice(_kept(run / MEDIA_DIR), _MAX_FIGURES):
        relative = path.relative_to(run).as_posix()
        note = told.get(relative) or told.get(path.name) or {}
        step = _STEP.search(path.name)
        found.append(
            {
                "path": relative,
                "name": path.name,
                "size": info.st_size,
                "mime": TYPES[path.suffix.lower()],
                "job_id": _text(note.get("job_id")),
                "label": _text(note.get("label")),
                "step": int(step[1] or step[2]) if step else None,
                "modified": info.st_mtime,
            }
        )
    return sorted(found, key=lambda figure: (figure["modified"], figure["path"]))


def figure_path(run: Path, relative: str) -> Path | None:
    """The file of an artifact; None for anything that is none, or lies outside the run."""
    parts = relative.split("/")
    if parts[0] != MEDIA_DIR or any(part in ("", ".", "..") or "\\" in part for part in parts):
        return None
    path = run.joinpath(*parts)
    if "\0" in relative or path.suffix.lower() not in TYPES:
        return None
    # No step may be a link, which could lead anywhere.
    steps = [run.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    if any(os.path.islink(step) for step in steps) or not os.path.isfile(path):
        return None
    return path


def _kept(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    if os.path.islink(directory):
        return
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(filter(_is_text, directories))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in TYPES or not _is_text(name):
                continue
            try:
                info = os.stat(path, follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(info.st_mode):
                yield path, info


def _is_text(name: str) -> bool:
    """Whether a page can ask for a file of that name: one that is no UTF-8 has no address."""
    return name.encode("utf-8", "replace") == os.fsencode(name)


def _told(run: Path) -> dict[str, dict[str, Any]]:
    """What the list of artifacts says, by the path in the run and by the file's name."""
    try:
        data = files.read_whole(run / layout.MEDIA, _MAX_LIST_BYTES)
    except OSError:
        return {}
    told: dict[str, dict[str, Any]] = {}
    for line in data.splitlines():
        document = parsed_object(line)
        path = document.get("path") if document else None
        if document and isinstance(path, str):
            told[path] = told[os.path.basename(path)] = document
    return told


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
