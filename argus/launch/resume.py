"""Which earlier run a new one continues. Pure: it decides from records, and reads none.

A job that SLURM has requeued runs its script again. What was the n-th run of a project in that
script continues as the n-th one, as long as nobody can be mistaken for somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

from argus.core.schema import MAX_BATCH_ID

DONE = "done"

_PROCESS = ("host", "boot_id", "pid_namespace", "pid")


class Seat(NamedTuple):
    """Where a run stands among those of its job: `position` counts the runs of that project and
    script, over all processes of one start of the job, and `repeat` those of that very command."""

    project: str
    script: str
    command: str
    restart_count: int
    position: int
    repeat: int


class Attempt(NamedTuple):
    """One attempt at a batch, as a record tells it."""

    batch_id: str
    number: int  # from 1
    seat: Seat
    directory: Optional[str]  # of the run, where it is one that is kept
    process: Mapping[str, Any]  # see `rundir.writer.identity`
    overlaps: bool  # with another of its script that was still running when it began
    ended: Optional[str]  # how; None where nobody has said


class AmbiguousError(Exception):
    """More than one run could be meant."""


def continued(attempts: Iterable[Attempt], seat: Seat) -> Attempt | None:
    """The latest attempt of an earlier start of the job, at the same seat; None for a fresh run.

    Raises AmbiguousError where that cannot be told.
    """
    earlier = [
        attempt
        for attempt in attempts
        if (attempt.seat.project, attempt.seat.script) == (seat.project, seat.script)
        and attempt.seat.restart_count < seat.restart_count
    ]
    for restart_count in sorted({a.seat.restart_count for a in earlier}, reverse=True):
        beside = [a for a in earlier if a.seat.restart_count == restart_count]
        found = _at_the_seat(beside, seat)
        if found:
            return _only(found)
    return None


def _at_the_seat(beside: list[Attempt], seat: Seat) -> list[Attempt]:
    """Of the runs of one start, those that stand where `seat` is. A loop may leave out what it has
    done before, so the very same command counts first; a command may name a checkpoint by now, so
    where there is no such, the order does. Raises AmbiguousError where the order means nothing, as
    they ran side by side."""
    same = [attempt for attempt in beside if attempt.seat.command == seat.command]
    among = same or beside
    if len({a.batch_id for a in among}) > 1 and any(a.overlaps for a in among):
        raise AmbiguousError
    if same:
        return [attempt for attempt in same if attempt.seat.repeat == seat.repeat]
    return [attempt for attempt in beside if attempt.seat.position == seat.position]


def crashed(
    attempts: Iterable[Attempt], position: int, has_ended: Mapping[int, bool]
) -> Attempt | None:
    """The latest attempt at that position, where it is not done, and its writer is not there any
    more: `has_ended` says so by its place in `attempts`."""
    latest = None
    for index, attempt in enumerate(attempts):
        if attempt.seat.position == position:
            latest = index, attempt
    if latest is None or latest[1].ended == DONE or not has_ended[latest[0]]:
        return None
    return latest[1]


def numbered(attempts: Iterable[Attempt], batch_id: str) -> int:
    """The number of the next attempt at a batch."""
    return 1 + max((a.number for a in attempts if a.batch_id == batch_id), default=0)


def attempts_of(lines: Iterable[Mapping[str, Any] | None]) -> tuple[list[Attempt], bool]:
    """The attempts that the lines of a file tell, in order, and whether all could be read: None
    stands for a line that is cut short, or is none of ours."""
    found: dict[tuple[Any, ...], Attempt] = {}
    same: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    is_whole = True
    for line in lines:
        if line is not None and isinstance(line.get("ended"), str):
            for key in same.get((str(line.get("batch_id")), str(line.get("attempt"))), ()):
                found[key] = found[key]._replace(ended=line["ended"])
            continue
        attempt = None if line is None else attempt_of(line)
        if attempt is None:
            is_whole = False
            continue
        name = attempt.batch_id, str(attempt.number)
        key = (*name, *(str(attempt.process.get(part)) for part in _PROCESS))
        if key not in found:  # else more is told of it
            same.setdefault(name, []).append(key)
        found[key] = attempt
    return list(found.values()), is_whole


def attempt_of(line: Mapping[str, Any]) -> Attempt | None:
    """An attempt out of its record, or out of the sidecar of its run; None for another's."""
    texts = [line.get(name) for name in ("batch_id", "project", "script", "command")]
    numbers = [line.get(name) for name in ("attempt", "restart_count", "position", "repeat")]
    if not all(isinstance(text, str) for text in texts):
        return None
    if not all(type(number) is int and 0 <= number < 2**31 for number in numbers):
        return None
    batch_id, project, script, command = map(str, texts)
    number, restart_count, position, repeat = (int(number or 0) for number in numbers)
    if not 1 <= len(batch_id) <= MAX_BATCH_ID:
        return None
    directory = line.get("directory")
    return Attempt(
        batch_id,
        number,
        Seat(project, script, command, restart_count, position, repeat),
        directory if isinstance(directory, str) else None,
        line,
        line.get("overlaps") is True,
        None,
    )


def _only(found: list[Attempt]) -> Attempt:
    if len({attempt.batch_id for attempt in found}) != 1:
        raise AmbiguousError
    return found[-1]
