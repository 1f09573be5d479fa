"""What one call costs the training: in a tight loop, now and then, and in an outage."""

from __future__ import annotations

from functools import partial

from tests.benchmarks.figures import Goal, Result
from tests.benchmarks.processes import APPEND, ARGUS, NOTHING, Side
from tests.benchmarks.run import Run, Sample, figure

_EXIT_S = 0.3  # the block is left while the platform or the disk still hangs
_TIGHT, _PACED = "in a tight loop", "one a millisecond"


def tight(run: Run) -> Result:
    """One `epoch` call in a tight loop"""
    count = run.scale.tight_calls
    own = {side.name: partial(run.calls, side, count) for side in (ARGUS, APPEND)}
    peers = {side.name: partial(run.calls, side, run.scale.peer_calls) for side in run.peers}
    seen = run.alternate({**own, **peers})
    sides = [*own, *peers]
    few = (f"peers: {run.scale.peer_calls:,} calls",) if peers else ()
    return Result(
        f"one call in a tight loop of {count:,}",
        (
            figure(seen, "p50", "p50_us", "µs", sides, Goal(1.0)),
            figure(seen, "p99", "p99_us", "µs", sides),
            figure(seen, "p99.9", "p999_us", "µs", sides),
            figure(seen, "the longest", "max_us", "µs", [*own]),  # of as many calls
        ),
        few,
    )


def paced(run: Run) -> Result:
    """One call a millisecond, and what the process and the platform have of it"""
    count, pause_us = run.scale.paced_calls, run.scale.pause_us
    sides = [ARGUS, APPEND, NOTHING, *run.peers]
    seen = run.alternate({side.name: partial(run.calls, side, count, pause_us) for side in sides})
    peers = [peer.name for peer in run.peers]
    least = -(-(count + 4) // 500)
    call = [ARGUS.name, APPEND.name, *peers]
    return Result(
        f"{count:,} calls, one a millisecond",
        (
            figure(seen, "p50", "p50_us", "µs", call, Goal(5.0)),
            figure(seen, "p99", "p99_us", "µs", call),
            figure(seen, "p99.9", "p999_us", "µs", call),
            figure(
                seen, "CPU, process", "cpu_s", "s", [ARGUS.name, NOTHING.name, *peers], Goal(0.2)
            ),
            figure(seen, "requests", "requests", "", [ARGUS.name, *peers], Goal(4)),
        ),
        (
            f"the platform takes 500 events a request: with its four lifecycle events that is {least} at least",
        ),
    )


def outages(run: Run) -> Result:
    """The slowest calls while the platform is well, hangs, or the disk does"""
    well, hanging, stalled = "all is well", "the platform hangs", "the disk hangs"

    def when_well(side: Side) -> Sample:
        with run.bench.sink() as sink:
            return _both(run, side, sink.url)

    def when_hanging() -> Sample:
        with run.bench.hanging() as url:
            return _both(run, ARGUS, url)

    def when_stalled() -> Sample:
        with run.bench.sink() as sink:
            return _both(run, ARGUS, sink.url, stall_s=run.scale.stall_s)

    run.bench.warm(ARGUS)
    seen = run.alternate(
        {
            well: lambda: when_well(ARGUS),
            hanging: when_hanging,
            stalled: when_stalled,
            APPEND.name: lambda: when_well(APPEND),
        }
    )
    return Result(
        "p99.9 of a call, whatever is broken",
        tuple(
            figure(seen, pace, pace, "µs", [name, APPEND.name], Goal(100.0))
            for pace in (_TIGHT, _PACED)
            for name in (well, hanging, stalled)
        ),
        ("the machine's own outliers are in the bare append of the same round",),
    )


def _both(run: Run, side: Side, url: str, **trouble: float) -> Sample:
    """The p99.9 of a tight loop and of a paced one, each in a process of its own."""
    scale = run.scale
    loops = {
        _TIGHT: {"count": scale.tight_calls},
        _PACED: {"count": scale.paced_calls, "pause_us": scale.pause_us},
    }
    return {
        pace: run.bench.measure(side, "calls", url, None, _EXIT_S, **loop, **trouble)["p999_us"]
        for pace, loop in loops.items()
    }
