"""One run of the benchmark: where it measures, how much, beside whom, and in which order."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from tests.benchmarks.figures import Figure, Goal, median_of
from tests.benchmarks.processes import CALLER, Bench, Side, SkippedError
from tests.benchmarks.scale import Scale

PROBE_S = 60.0

Sample = dict[str, Any]
Turn = Callable[[], Sample]
Samples = dict[str, list[Sample]]


class Run:
    """What rows measure with. `say` is told what is going on, a line each time."""

    def __init__(
        self, bench: Bench, scale: Scale, peers: Sequence[Side], say: Callable[[str], None]
    ) -> None:
        self.bench = bench
        self.scale = scale
        self.peers = tuple(peers)
        self.remarks: list[str] = []
        self._say = say

    def alternate(self, turns: Mapping[str, Turn], rounds: Optional[int] = None) -> Samples:
        """All sides in turn, round after round: what the machine does meanwhile is done to each.

        A peer that cannot run is left out, with a remark. Peers take fewer rounds than we do.
        """
        rounds = rounds or self.scale.rounds
        peers = {peer.name for peer in self.peers}
        seen: Samples = {name: [] for name in turns}
        failed: set[str] = set()
        for number in range(rounds):
            for name, turn in turns.items():
                if name in failed or (name in peers and number >= self.scale.peer_rounds):
                    continue
                self._say(f"round {number + 1} of {rounds}: {name}")
                try:
                    seen[name].append(turn())
                except SkippedError as error:
                    if name not in peers:
                        raise
                    failed.add(name)
                    self.remarks.append(f"skipped: {error}")
        return seen

    def calls(self, side: Side, count: int, pause_us: int = 0, task: str = "calls") -> Sample:
        """Calls of one side beside a platform that is well, and what of them arrived there."""
        self.bench.warm(side)
        options: dict[str, Any] = {"count": count}
        if pause_us:
            options["pause_us"] = pause_us
        with self.bench.sink() as sink:
            sample = self.bench.measure(side, task, sink.url, **options)
            stats = sink.stats()
        if stats.events:
            sample["requests"] = float(stats.requests)
            sample["delivered"] = float(min(stats.events, count))
        return sample

    def opened(self, side: Side) -> Sample:
        """A block that is opened in a fresh process."""
        self.bench.warm(side)
        with self.bench.sink() as sink:
            return self.bench.measure(side, "opening", sink.url, exit_s=5.0)


def figure(
    seen: Samples,
    name: str,
    key: str,
    unit: str,
    sides: Sequence[str],
    goal: Optional[Goal] = None,
) -> Figure:
    """The medians of what `sides` have seen under `key`; who has seen nothing is left out."""
    values = [(side, [sample[key] for sample in seen[side] if key in sample]) for side in sides]
    return Figure(name, unit, tuple(median_of(*pair) for pair in values if pair[1]), goal)


def installed_peers(python: str) -> list[Side]:
    """The peers in the environment of that interpreter. Raises SkippedError where it has none."""
    try:
        probe = subprocess.run(
            [python, str(CALLER), "-", "peers"],
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SkippedError(f"{python} cannot be run: {error}") from None
    if probe.returncode:
        raise SkippedError(f"{python}: {probe.stderr.strip()[-150:]}")
    versions: dict[str, str] = json.loads(probe.stdout)
    if not versions:
        raise SkippedError(f"{python} has none of the reporters to compare with")
    return [
        Side(f"{name} {version}", name, python, is_peer=True) for name, version in versions.items()
    ]
