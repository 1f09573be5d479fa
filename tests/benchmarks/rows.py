"""The rows of the benchmark, by the names that the command line knows them by."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks import calls, delivering, footprint, growth, training
from tests.benchmarks.figures import Result
from tests.benchmarks.run import Run

ROWS: dict[str, Callable[[Run], Result]] = {
    "tight": calls.tight,
    "paced": calls.paced,
    "outages": calls.outages,
    "throughput": delivering.throughput,
    "import": footprint.importing,
    "opening": footprint.opening,
    "memory": footprint.memory,
    "snapshot": footprint.snapshot,
    "idle": footprint.idle,
    "training": training.training,
    "replay": delivering.replay,
    "late": growth.late,
    "leftovers": growth.leftovers,
    "crowd": growth.crowd,
}


def about(name: str) -> str:
    """What a row measures, in one line."""
    return (ROWS[name].__doc__ or "").strip()
