"""How fast events get to the platform: those of a live process, and those of a dead one."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

from tests.benchmarks.caller import encoded_line
from tests.benchmarks.figures import Goal, Result
from tests.benchmarks.processes import ARGUS, NOTHING, Side, SkippedError
from tests.benchmarks.run import Run, Sample, figure

_BARE_POST = NOTHING._replace(name="json and http.client")
_BARE_READ = NOTHING._replace(name="a file and http.client")


def throughput(run: Run) -> Result:
    """Events delivered per second, by one process that does nothing else"""
    count = run.scale.steady_calls

    def take(side: Side, count: int) -> Sample:
        sample = run.calls(side, count, task="throughput")
        delivered = sample["delivered"]
        return {
            "events_per_s": delivered / sample["until_closed_s"],
            "cpu_us": sample["cpu_per_call_us"],
            "part": 100 * delivered / count,
        }

    peers = [peer for peer in run.peers if peer.impl == "argus-reporter"]
    turns = {side.name: partial(take, side, count) for side in (ARGUS, _BARE_POST)}
    turns.update({side.name: partial(take, side, run.scale.tight_calls) for side in peers})
    seen = run.alternate(turns)
    return Result(
        f"{count:,} events in a tight loop, from the first call until all are delivered",
        (
            figure(seen, "delivered", "events_per_s", "/s", [*turns], Goal(100_000, at_most=False)),
            figure(seen, "CPU an event", "cpu_us", "µs", [*turns]),
            figure(seen, "arrived", "part", "%", [*turns], Goal(100, at_most=False)),
        ),
    )


def replay(run: Run) -> Result:
    """A big file that a dead process has left, delivered by the next one"""
    size_mb = run.scale.replay_mb
    if not os.path.exists("/proc/self/status"):
        raise SkippedError("memory is read from /proc, which this machine has not")
    with run.bench.directory() as place:
        events = place / "events.jsonl"
        write_events(events, size_mb * 1_000_000)

        def take(side: Side) -> Sample:
            run.bench.warm(side)
            with run.bench.sink() as sink, run.bench.directory() as state:
                left = leave_run(state, "left.host.1.aa", sink.url)
                os.link(events, left / "events.jsonl")  # no one copies a gigabyte for each turn
                return run.bench.measure(
                    side, "replay", sink.url, state, exit_s=5.0, directory=left
                )

        sides = [ARGUS, _BARE_READ]
        seen = run.alternate(
            {side.name: partial(take, side) for side in sides}, run.scale.replay_rounds
        )
    names = [side.name for side in sides]
    return Result(
        f"replay of {size_mb:,} MB that a dead process left",
        (
            figure(seen, "by the clock", "mb_per_s", "MB/s", names, Goal(30, at_most=False)),
            figure(seen, "by CPU", "mb_per_cpu_s", "MB/s", names),
            figure(seen, "peak resident", "peak_mib", "MiB", names, Goal(40)),
        ),
    )


def leave_run(state: Path, name: str, url: str) -> Path:
    """The directory of a run whose process is dead, without its events."""
    directory = state / "spill" / name
    directory.mkdir(parents=True, mode=0o700)
    content = {"format": 1, "batch_id": "left", "project": "bench", "url": url, "pid": 1}
    (directory / "run.json").write_text(json.dumps(content))
    return directory


def write_events(path: Path, most_bytes: int) -> None:
    """An event file of about that size."""
    written = number = 0
    with path.open("wb") as file:
        while written < most_bytes:
            lines = b"".join(encoded_line(n) + b"\n" for n in range(number, number + 2_000))
            written += file.write(lines)
            number += 2_000
