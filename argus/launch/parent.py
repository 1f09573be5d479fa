"""What a process that has become rank 0 later on had begun before: found in its run directories.

Lightning's rank 0 is an ordinary run until it starts the others, which run the script again.
"""

from __future__ import annotations

from pathlib import Path

from argus.core.events import utc_second
from argus.core.settings import Settings
from argus.delivery.workplace import runs_dir, state_dir
from argus.rundir import layout, sidecar, writer
from argus.rundir.find import run_directories
from argus.rundir.view import read_events

_RECENT_DAYS = 2  # of a runs directory, where each has a directory of its own


def batch_begun_by(pid: int, settings: Settings, position: int, wall_before: float) -> str | None:
    """The batch that process `pid` of this machine has begun as its `position`-th, from 1, and before
    that time; None where there is none. Raises OSError where there is no place to look."""
    begun: dict[str, str] = {}
    before = f"{utc_second(wall_before)}.{int(wall_before % 1 * 1e6):06d}"
    here = {**writer.identity(), "pid": pid}
    for root in _roots(settings):
        for path in run_directories(root):
            content = sidecar.read(path)
            batch_id = content.get("batch_id")
            is_its_own = all(content.get(name) == here[name] for name in here)
            if is_its_own and not content.get("joins") and isinstance(batch_id, str):
                first = _first_timestamp(path)
                if first < before:
                    begun.setdefault(batch_id, first)
    in_order = sorted(begun, key=lambda batch_id: begun[batch_id])
    return in_order[position - 1] if position <= len(in_order) else None


def _first_timestamp(path: Path) -> str:
    """When its first event was, to the microsecond; the end of time where there is none yet."""
    try:
        first = next(read_events(path / layout.EVENTS), None)
    except OSError:
        first = None
    return "9999" if first is None else str(first["timestamp"])


def _roots(settings: Settings) -> list[Path]:
    if not settings.keeps_runs:
        return [state_dir(settings) / "spill"]
    try:
        return sorted(path for path in runs_dir(settings).iterdir() if path.is_dir())[
            -_RECENT_DAYS:
        ]
    except OSError:
        return []
