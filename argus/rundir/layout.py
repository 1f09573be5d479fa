"""Where things are: names inside a run directory, and the places where run directories live."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from argus.core.identity import short_hash
from argus.rundir.files import PRIVATE_DIR, make_dir

SIDECAR = "run.json"
EVENTS = "events.jsonl"
DELIVERED = "delivered"
REJECTED = "rejected.jsonl"
MEDIA = "media.jsonl"
HEARTBEAT = "heartbeat"
LOCK = "lock"
EDITS = "edits.json"
LOGS = "logs"
OUTPUT = "output.log"

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_MAX_NAME = 100  # of the 255 bytes that file systems allow; host, pid and hex want some too


_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")  # Windows opens one for `nul.txt`, too


def file_name(text: str) -> str:
    """`text` as one harmless file name; different texts stay different."""
    safe = "".join(char if char in _SAFE else "_" for char in text)
    if safe.partition(".")[0].rstrip("0123456789").lower() in _DEVICES:
        safe = f"_{safe}"
    if safe == text and len(text) <= _MAX_NAME and text[:1] not in ("", "."):
        return text
    return f"{safe.strip('.')[:64]}-{short_hash(text)}"


def state_dir_candidates(
    configured: str | None, environ: Mapping[str, str], temporary: str, user_id: int
) -> list[Path]:
    """The places for undelivered runs, best first."""
    if configured:
        place = os.path.expanduser(configured)
    elif environ.get("XDG_STATE_HOME", "").startswith("/"):
        place = environ["XDG_STATE_HOME"] + "/argus"
    else:
        place = os.path.expanduser("~/.local/state/argus")
    # It still begins with ~ where nobody knows the home: a container with a made-up user id.
    places = [] if place.startswith("~") else [Path(place)]
    return [*places, Path(temporary) / f"argus-{user_id}"]


def usable_state_dir(candidates: list[Path], user_id: int) -> Path:
    """The first candidate that is ours alone and can be written. Raises OSError where none is."""
    problem: OSError = FileNotFoundError("no place for undelivered runs")
    for place in candidates:
        try:
            make_dir(place, private=True)
            _require_own(place, user_id)  # first: nothing is made in what is somebody else's
            make_dir(place / "spill", private=True)
            _require_own(place / "spill", user_id)
            if (place / "spill").is_symlink():
                raise NotADirectoryError(f"{place / 'spill'} is a symbolic link")
            if user_id >= 0:  # of what a user configured, only what we put there is ours to close
                os.chmod(place / "spill", PRIVATE_DIR)
            return place
        except OSError as error:
            problem = error
    raise problem


def spill_dir(state_dir: Path, batch_id: str, host: str, pid: int, unique: str) -> Path:
    """The directory of a run that is kept only until it is delivered."""
    return state_dir / "spill" / f"{file_name(batch_id)}.{file_name(host)}.{pid}.{unique}"


def kept_dir(runs_dir: Path, batch_id: str, local_time: Sequence[int]) -> Path:
    """The directory of a run that is kept: `<runs>/YYYYMMDD/HHMMSS/<batch_id>`."""
    year, month, day, hour, minute, second = local_time[:6]
    date, time = f"{year:04d}{month:02d}{day:02d}", f"{hour:02d}{minute:02d}{second:02d}"
    return runs_dir / date / time / file_name(batch_id)


def spilled_runs(state_dir: Path) -> Iterator[Path]:
    """The run directories of the state directory, without looking into any."""
    try:
        with os.scandir(state_dir / "spill") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
    except OSError:
        return


def is_own_dir(path: Path, user_id: int) -> bool:
    """Whether a directory stands there, no link, and belongs to that user. Raises OSError."""
    info = os.lstat(path)
    return stat.S_ISDIR(info.st_mode) and user_id in (-1, info.st_uid)


def _require_own(path: Path, user_id: int) -> None:
    """Refuse a directory in a shared place that somebody else made, or that we cannot write.

    A symbolic link to it must be ours too: on clusters, homes are full of links to larger disks.
    """
    for info in (os.lstat(path), os.stat(path)):
        if user_id >= 0 and info.st_uid != user_id:
            raise PermissionError(f"{path} belongs to somebody else")
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is not a directory")
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} cannot be written")
