"""What a caller says of a run, and what there is to be found out about it."""

from __future__ import annotations

import sys
from typing import NamedTuple, Optional

_numbers: dict[tuple[object, ...], int] = {}


class Wanted(NamedTuple):
    """What a caller says of the run."""

    batch_prefix: str
    batch_id: Optional[str]  # None where it is to be found out
    project: str
    experiment_type: Optional[str]
    joins: bool
    all_speak: bool
    resumes: bool  # a run that has crashed
    number: int  # among the Reporters of this process that are of its series
    series: str = ""  # of those that all ranks open alike; a callback has one of its own


class Answer(NamedTuple):
    """Which batch it is."""

    batch_id: str
    is_alone: bool = False  # nobody has said so


def next_number(*of: object) -> int:
    """Count the runs of one kind in this process."""
    _numbers[of] = number = _numbers.get(of, 0) + 1
    return number


def worker_name() -> str:
    """The name of a worker of `multiprocessing`; empty in any other process."""
    process = sys.modules.get("multiprocessing.process")
    parent_process = getattr(process, "parent_process", None)
    if parent_process is None or parent_process() is None:
        return ""
    return f":{process.current_process().name}"  # type: ignore[union-attr]
