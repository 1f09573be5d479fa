"""What it costs to have the reporter in a process: to import it, open it, and leave it open."""

from __future__ import annotations

import os
import subprocess
import time
from functools import partial

from tests.benchmarks.caller import MODULES
from tests.benchmarks.figures import Figure, Goal, Result, median_of
from tests.benchmarks.processes import ARGUS, MOST_S, Side, SkippedError
from tests.benchmarks.run import Run, Sample, figure

_HTTP_CLIENT = Side("http.client alone", "http.client")


def importing(run: Run) -> Result:
    """`import argus`, over a bare interpreter"""
    sides = [ARGUS, *run.peers]
    for side in sides:
        _import_ms(run, side)  # so that the bytecode is cached
    seen = run.alternate(
        {side.name: partial(_import_ms, run, side) for side in sides},
        run.scale.start_rounds,
    )
    imports = figure(seen, "import", "import_ms", "ms", [side.name for side in sides])
    bare = median_of("a bare interpreter", [sample["bare_ms"] for sample in seen[ARGUS.name]])
    ours, *peers = imports.sides
    return Result(
        "import, over a bare interpreter",
        (Figure("wall time", "ms", (ours, bare, *peers), Goal(8.0)),),
    )


def _import_ms(run: Run, side: Side) -> Sample:
    module = MODULES.get(side.impl, side.impl)
    bare_ms = _wall_ms(run, side, "pass")
    return {"bare_ms": bare_ms, "import_ms": _wall_ms(run, side, f"import {module}") - bare_ms}


def _wall_ms(run: Run, side: Side, program: str) -> float:
    with run.bench.directory() as place:
        environment = run.bench.environment(side, place)
        began_at = time.perf_counter()
        done = subprocess.run(
            [side.python, "-c", program],
            env=environment,
            cwd=place,
            capture_output=True,
            timeout=MOST_S,
            check=False,
        )
        wall_ms = (time.perf_counter() - began_at) * 1e3
    if done.returncode:
        raise SkippedError(f"{side.name}: {program} fails")
    return wall_ms


def opening(run: Run) -> Result:
    """Entering the block, first of all in a fresh process"""
    sides = [ARGUS, *run.peers]
    seen = run.alternate(
        {side.name: partial(run.opened, side) for side in sides}, run.scale.start_rounds
    )
    return Result(
        "opening the block, all daemons on, after the import",
        (figure(seen, "wall time", "open_ms", "ms", [side.name for side in sides], Goal(3.0)),),
    )


def memory(run: Run) -> Result:
    """What is resident when everything has been at work"""
    _require_proc()
    scale = run.scale
    run.bench.warm(ARGUS)

    def take(side: Side) -> Sample:
        with run.bench.sink() as sink:
            return run.bench.measure(
                side,
                "memory",
                sink.url,
                count=scale.memory_calls,
                settle_s=scale.memory_settle_s,
            )

    sides = [ARGUS, _HTTP_CLIENT, *run.peers]
    seen = run.alternate({side.name: partial(take, side) for side in sides})
    return Result(
        f"memory after {scale.memory_calls:,} events, daemons on, over http",
        (figure(seen, "growth", "growth_mib", "MiB", [side.name for side in sides], Goal(8.0)),),
    )


def snapshot(run: Run) -> Result:
    """One look at the machine (resource snapshot)"""
    run.bench.warm(ARGUS)
    count = run.scale.snapshots
    seen = run.alternate({ARGUS.name: lambda: run.bench.measure(ARGUS, "snapshot", count=count)})
    return Result(
        "one resource snapshot",
        (figure(seen, "CPU", "snapshot_us", "µs", [ARGUS.name], Goal(300.0)),),
    )


def idle(run: Run) -> Result:
    """An open block where nothing is called"""
    scale = run.scale

    def take(side: Side) -> Sample:
        run.bench.warm(side)
        with run.bench.sink() as sink:
            return run.bench.measure(
                side, "idle", sink.url, settle_s=scale.idle_settle_s, watch_s=scale.idle_s
            )

    sides = [ARGUS, *(peer for peer in run.peers if peer.impl == "argus-reporter")]
    seen = run.alternate({side.name: partial(take, side) for side in sides}, scale.idle_rounds)
    return Result(
        f"an idle block, all daemons on, {scale.idle_s:g} s scaled to an hour",
        (figure(seen, "CPU", "cpu_s_per_h", "s/h", [side.name for side in sides], Goal(1.0)),),
    )


def _require_proc() -> None:
    if not os.path.exists("/proc/self/statm"):
        raise SkippedError("memory is read from /proc, which this machine has not")
