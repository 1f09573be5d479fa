"""Costs that must not grow: with the calls that were made, with leftovers, with one's neighbours."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from typing import Any

from tests.benchmarks.caller import encoded_line
from tests.benchmarks.delivering import leave_run
from tests.benchmarks.figures import Figure, Goal, Result, median_of
from tests.benchmarks.processes import ARGUS
from tests.benchmarks.run import Run, Sample, figure

_NOT_MORE = Goal(1.1, of_ratio=True)  # a tenth is what two medians differ by on a shared machine


def late(run: Run) -> Result:
    """The last of millions of calls against the first"""
    count = run.scale.late_calls
    edge = min(run.scale.tight_calls, count // 3)

    def take() -> Sample:
        run.bench.warm(ARGUS)
        with run.bench.sink() as sink:
            return run.bench.measure(ARGUS, "late", sink.url, count=count, edge=edge)

    seen = run.alternate({ARGUS.name: take}, run.scale.late_rounds)[ARGUS.name]
    first, last = (
        median_of(name, [sample[key] for sample in seen])
        for name, key in (("the first ones", "first_us"), ("the last ones", "last_us"))
    )
    growth = median_of(ARGUS.name, [sample["growth_mib"] for sample in seen])
    return Result(
        f"the last {edge:,} of {count:,} calls against the first",
        (
            Figure("p50", "µs", (last, first), _NOT_MORE),
            Figure("memory growth", "MiB", (growth,)),
        ),
    )


def leftovers(run: Run) -> Result:
    """Opening a block beside what dead processes have left"""
    count = run.scale.leftovers

    def take(number: int) -> Sample:
        run.bench.warm(ARGUS)
        with run.bench.sink() as sink, run.bench.directory() as state:
            for i in range(number):
                directory = leave_run(state, f"left.host.{i}.aa", sink.url)
                (directory / "events.jsonl").write_bytes(encoded_line(i) + b"\n")
            return run.bench.measure(ARGUS, "opening", sink.url, state, exit_s=5.0)

    beside, alone = f"beside {count:,}", "beside none"
    seen = run.alternate(
        {beside: lambda: take(count), alone: lambda: take(0)}, run.scale.start_rounds
    )
    return Result(
        f"opening a block beside {count:,} leftovers",
        (figure(seen, "wall time", "open_ms", "ms", [beside, alone], _NOT_MORE),),
    )


def crowd(run: Run) -> Result:
    """Many reporters on one machine against one"""
    scale = run.scale
    run.bench.warm(ARGUS)

    def take(number: int) -> Sample:
        options: dict[str, Any] = {
            "count": scale.crowd_calls,
            "pause_us": scale.crowd_pause_us,
            "waits": 1,
        }
        with run.bench.sink() as sink, ExitStack() as stack:
            callers = []
            for _ in range(number):
                place = stack.enter_context(run.bench.directory())
                caller = run.bench.start(ARGUS, "calls", sink.url, place, **options)
                stack.callback(caller.end)
                callers.append(caller)
            for caller in callers:
                caller.wait_until_ready()
            time.sleep(scale.crowd_settle_s)
            for caller in callers:
                caller.go()
            results = [caller.result() for caller in callers]
        return {
            key: statistics.median(result[key] for result in results)
            for key in ("p50_us", "cpu_per_call_us")
        }

    many, one = f"{scale.crowd} reporters", "one reporter"
    seen = run.alternate(
        {many: lambda: take(scale.crowd), one: lambda: take(1)}, scale.crowd_rounds
    )
    return Result(
        f"{scale.crowd} reporters on one machine, a call each {scale.crowd_pause_us / 1e3:g} ms",
        (
            figure(seen, "CPU an event", "cpu_per_call_us", "µs", [many, one], _NOT_MORE),
            figure(seen, "p50 of a call", "p50_us", "µs", [many, one], _NOT_MORE),
        ),
    )
