"""The places on disk: the state directory, the runs directory, and what dead runs have left."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.settings import BACKUP, DISABLED, Settings
from argus.inspection.filesystems import is_remote, kind_of
from argus.inspection.finding import FAIL, OK, WARN, Finding
from argus.rundir import files, layout, sidecar, writer
from argus.rundir.lock import RunLock
from argus.transport.address import Address

SECTION = "disk"

_MOUNTS = Path("/proc/self/mounts")
_LITTLE_SPACE = 104_857_600
_MOST_RUNS = 10_000
_ALIVE_S = 90.0  # three signs of life


def disk_findings(settings: Settings, now: float) -> Iterator[Finding]:
    """A line for each place that a run of these settings would use. `now` is the wall clock's."""
    if settings.mode == DISABLED:
        yield Finding(SECTION, "state", OK, "not looked at: nothing is written with these settings")
        return
    candidates = layout.state_dir_candidates(
        settings.state_dir, os.environ, tempfile.gettempdir(), writer.user_id()
    )
    yield from state_findings(candidates)
    if settings.keeps_runs:
        yield runs_finding(Path(settings.runs_dir or "runs").expanduser().absolute(), settings)
    yield from leftover_findings(candidates, settings, now)


def state_findings(candidates: list[Path]) -> Iterator[Finding]:
    """Whether undelivered events have a place, with locks. It is made where it is missing, as a run
    would make it."""
    advice = "set ARGUS_STATE_DIR to a directory of your own on a local disk"
    problem = ""
    for place in candidates:
        try:
            layout.usable_state_dir([place], writer.user_id())
            has_locks = _has_locks(place / "spill")
        except OSError as error:
            problem = problem or f"{place} cannot be used ({error.strerror or error})"
            continue
        if problem:
            yield Finding(SECTION, "state", WARN, f"{problem}; {place} is used instead", advice)
        yield _place("state", place, advice)
        if not has_locks:
            text = "there are no locks on that file system"
            more = f"what a dead run leaves is found by its own machine alone: {advice}"
            yield Finding(SECTION, "locks", WARN, text, more)
        return
    text = problem or "there is no place for undelivered events"
    yield Finding(
        SECTION, "state", WARN, f"{text}: an outage costs what memory cannot hold", advice
    )


def runs_finding(place: Path, settings: Settings) -> Finding:
    """Whether runs can be kept. Nothing is made there."""
    above = next(path for path in (place, *place.parents) if path.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        found = _place("runs", place, "make room, or set ARGUS_RUNS_DIR to another disk")
        return found if above == place else found._replace(text=f"{found.text}; not there yet")
    text = (
        f"{place} cannot be written: {above} is {'read-only' if above.is_dir() else 'no directory'}"
    )
    mark = FAIL if settings.mode == BACKUP else WARN
    return Finding(SECTION, "runs", mark, text, "set ARGUS_RUNS_DIR to a directory of your own")


class Leftover(NamedTuple):
    """A run that is not delivered and that nobody seems to write."""

    undelivered_bytes: int
    has_dead_letters: bool
    age_s: float
    url: Optional[str]


def leftover_findings(candidates: list[Path], settings: Settings, now: float) -> Iterator[Finding]:
    """What dead runs have left, in any of the places that a run may have used."""
    places = [place for place in candidates if (place / "spill").is_dir()]
    runs = [path for place in places for path in islice(layout.spilled_runs(place), _MOST_RUNS)]
    found = [leftover for leftover in (_leftover(path, now) for path in runs) if leftover]
    waiting = [one for one in found if one.undelivered_bytes]
    refused = sum(one.has_dead_letters for one in found)
    if refused:
        text = f"{refused} run{'s' * (refused != 1)} with events that the platform refused"
        advice = f"see rejected.jsonl below {' and '.join(f'{place}/spill' for place in places)}"
        yield Finding(SECTION, "refused", WARN, text, advice, facts={"runs": refused})
    facts: dict[str, Any] = {
        "runs": len(waiting),
        "bytes": sum(one.undelivered_bytes for one in waiting),
        "oldest_s": round(max((one.age_s for one in waiting), default=0.0)),
    }
    if not waiting:
        yield Finding(SECTION, "leftovers", OK, "none", facts=facts)
        return
    others = sum(one.url != _own_url(settings) for one in waiting)
    text = (
        f"{len(waiting)} undelivered run{'s' * (len(waiting) != 1)}, {_size(facts['bytes'])}, "
        f"the oldest of {_age(facts['oldest_s'])} ago"
    )
    if others:
        text += f"; {others} for another platform than this one"
    advice = "the next run with that ARGUS_URL delivers them"
    if others < len(waiting):
        advice = "the next run here delivers them"
    yield Finding(SECTION, "leftovers", WARN, text, advice, facts=facts)


def _own_url(settings: Settings) -> str | None:
    """The address as the sidecar of a run has it."""
    try:
        return Address.parse(settings.url).url if settings.url else None
    except ValueError:
        return None


def _leftover(path: Path, now: float) -> Leftover | None:
    content = sidecar.read(path)
    try:
        size = os.lstat(path / layout.EVENTS).st_size
        changed = max(os.lstat(path / name).st_mtime for name in _signs_of_life(path))
    except (OSError, ValueError):  # somebody else's, or gone by now
        return None
    if now - changed < _ALIVE_S and not writer.is_certainly_dead(content):
        return None
    try:
        delivered = int(files.read_whole(path / layout.DELIVERED, 64))
    except (OSError, ValueError):
        delivered = 0
    url = content.get("url")
    has_dead_letters = os.path.lexists(path / layout.REJECTED)
    age_s = max(now - changed, 0.0)
    return Leftover(max(size - delivered, 0), has_dead_letters, age_s, url if url else None)


def _signs_of_life(path: Path) -> list[str]:
    names = (layout.EVENTS, layout.HEARTBEAT)
    return [name for name in names if os.path.lexists(path / name)]


def _has_locks(directory: Path) -> bool:
    """Try one, on a file of our own. Raises OSError where that cannot be written."""
    path = directory / f".doctor-{os.getpid()}"
    lock = RunLock.acquire(path, private=True)
    if lock is None:
        return True  # somebody has it, so there are some
    try:
        return lock.sure
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def _place(name: str, place: Path, advice: str) -> Finding:
    kind = kind_of(str(place), _MOUNTS)
    free = _free_bytes(place)
    text = str(place) + (f", on {kind}" if kind else "")
    facts = {"path": str(place), "file_system": kind, "free_bytes": free}
    if free is not None:
        text += f", {_size(free)} free"
        if free < _LITTLE_SPACE:
            return Finding(SECTION, name, WARN, text, advice, facts=facts)
    if is_remote(kind):
        text += "; other machines write there too"
    return Finding(SECTION, name, OK, text, facts=facts)


def _free_bytes(place: Path) -> int | None:
    if not hasattr(os, "statvfs"):
        return None
    above = next(path for path in (place, *place.parents) if path.exists())
    try:
        info = os.statvfs(above)
    except OSError:
        return None
    return info.f_bavail * info.f_frsize


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _age(seconds: float) -> str:
    for unit, most in (("s", 120), ("min", 7_200), ("h", 172_800)):
        if seconds < most:
            return f"{seconds / {'s': 1, 'min': 60, 'h': 3600}[unit]:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
