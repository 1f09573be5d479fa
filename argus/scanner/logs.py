"""The logs of a run: which there are, and the newest part of each.

Its own `logs/`, `*.out` and `*.err` beside it, what submitit and SLURM leave, the directory that
Hydra wrote into, and the log lines among its events. Only plain files, and only by a listed name.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.contract import valid_events
from argus.rundir import files, layout
from argus.scanner.names import shown_name

MAX_BYTES = 4_194_304
EVENTS_STREAM = "events"

_MAX_STREAMS = 2_000
_SUFFIXES = (".out", ".err", ".log", ".txt")
_RANK = re.compile(r"(?:_|rank[-_]?)([0-9]{1,6})(?:_log)?\.(?:out|err|log|txt)\Z")
_LOG_LINE = b'"log_line"'  # of a hundred lines some ninety need not be parsed
_HYDRA_DIRECTORIES = ("hydra.runtime.output_dir", "hydra.run.dir", "hydra.sweep.dir", "output_dir")


class Stream(NamedTuple):
    """One log. `stream_id` names it among those of its run."""

    stream_id: str
    name: str
    kind: str
    rank: Optional[int]
    size: int
    modified: float  # seconds since the epoch
    path: Path

    def document(self) -> dict[str, Any]:
        """As JSON, without where it is."""
        return {name: value for name, value in self._asdict().items() if name != "path"}


def streams(run: Path, config: Mapping[str, Any] | None) -> list[Stream]:
    """The logs of a run; the one among its events comes first."""
    found: dict[str, Stream] = {}
    for stream in islice(_all(run, config or {}), _MAX_STREAMS):
        found.setdefault(stream.stream_id, stream)
    return list(found.values())


def content(stream: Stream, max_bytes: int = MAX_BYTES, start: int | None = None) -> dict[str, Any]:
    """The newest part of a log, from a line's beginning on; or what follows byte `start`.

    `start` and `end` tell which bytes of the file the text was made of. Raises OSError.
    """
    max_bytes = min(max(max_bytes, 1), MAX_BYTES)
    fd = files.open_read(stream.path)
    try:
        size = os.fstat(fd).st_size
        begin = max(size - max_bytes, 0) if start is None else min(max(start, 0), size)
        data = files.read_at(fd, min(max_bytes, size - begin), begin)
    finally:
        os.close(fd)
    if start is None and begin > 0:  # in the middle of a line, most likely
        cut = data.find(b"\n") + 1
        begin, data = begin + cut, data[cut:]
    if stream.stream_id == EVENTS_STREAM:
        whole = data.rfind(b"\n") + 1  # half a line waits for its other half
        data = data[:whole] if whole or len(data) < max_bytes else data
        text = "".join(_told(data))
    else:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data)
        data = data[: len(data) - len(decoder.getstate()[0])]  # half a character waits, too
    return {"text": text, "start": begin, "end": begin + len(data), "size": size}


def _told(data: bytes) -> Iterator[str]:
    """The log lines among events, as text."""
    lines = (line for line in data.splitlines() if _LOG_LINE in line)
    for event in valid_events(lines):
        if event["event_type"] != "log_line":
            continue
        line, level = event["data"].get("line"), event["data"].get("level")
        if level != "debug" or line != "heartbeat":
            time = event["timestamp"][:19].replace("T", " ")
            head = f"{time} {str(level or 'info').upper():<7} {event['job_id']}  "
            yield f"{_gap(head, event['data'])}{head}{line}\n"


def _gap(head: str, data: Mapping[str, Any]) -> str:
    """The line that tells of those of a console that were too many to forward."""
    omitted = data.get("omitted")
    if "stream" not in data or type(omitted) is not int or omitted < 1:
        return ""
    told = f"({omitted} lines omitted)"
    return "" if data.get("line") == told else f"{head}{told}\n"


def _all(run: Path, config: Mapping[str, Any]) -> Iterator[Stream]:
    yield from _streams(run / layout.EVENTS, run, "events", EVENTS_STREAM)
    for path in _files(run / "logs"):
        yield from _streams(path, run, "console" if path.stem == "output" else "file")
    for path in _files(run):
        if path.suffix in (".out", ".err"):
            yield from _streams(path, run, "slurm")
    for place in (run, *_directories(run)):
        for path in _submitit(place / ".submitit"):
            yield from _streams(path, run, "submitit")
    for name in _HYDRA_DIRECTORIES:
        told = config.get(name)
        if isinstance(told, str) and os.path.isabs(told) and _same_owner(run, Path(told)):
            yield from _hydra(Path(told))


def _hydra(output: Path) -> Iterator[Stream]:
    for path in _files(output):
        if path.suffix == ".log":
            yield from _streams(path, output, "hydra", f"hydra/{path.name}")
    for path in _submitit(output / ".submitit"):
        yield from _streams(path, output, "submitit", f"submitit/{path.name}")


def _submitit(place: Path) -> Iterator[Path]:
    for directory in (place, *_directories(place)):
        for path in _files(directory):
            if path.name.endswith(("_log.out", "_log.err")):
                yield path


def _streams(path: Path, below: Path, kind: str, stream_id: str = "") -> Iterator[Stream]:
    try:
        info = os.stat(path, follow_symlinks=False)
    except OSError:
        return
    if not stat.S_ISREG(info.st_mode):
        return
    name = shown_name(path.relative_to(below))
    rank = _RANK.search(path.name)
    yield Stream(
        stream_id=stream_id or name,
        name="log lines of the run" if kind == "events" else name,
        kind=kind,
        rank=int(rank[1]) if rank and kind != "events" else None,
        size=info.st_size,
        modified=info.st_mtime,
        path=path,
    )


def _files(directory: Path) -> list[Path]:
    """The logs directly in a directory, by name."""
    return _listed(directory, lambda entry: _is_log(entry) and entry.is_file(follow_symlinks=False))


def _is_log(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(_SUFFIXES)


def _directories(directory: Path) -> list[Path]:
    return _listed(directory, lambda entry: entry.is_dir(follow_symlinks=False))


def _listed(directory: Path, is_wanted: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
    """What is in a directory, by name; nothing where it cannot be read, or is a link: whose run it
    is could lead a reader of other users' runs anywhere."""
    try:
        if os.path.islink(directory):
            return []
        with os.scandir(directory) as entries:
            wanted = (Path(entry.path) for entry in entries if is_wanted(entry))
            return sorted(islice(wanted, _MAX_STREAMS))
    except OSError:
        return []


def _same_owner(run: Path, other: Path) -> bool:
    """Whether both are one user's: a run's configuration can name any directory."""
    try:
        return os.stat(run).st_uid == os.stat(other).st_uid and not other.is_symlink()
    except OSError:
        return False
