"""What a training has of it: steps of a small PyTorch network, with one call each and without."""

from __future__ import annotations

from importlib.util import find_spec

from tests.benchmarks.figures import Figure, Goal, Result, median_of
from tests.benchmarks.processes import ARGUS, SkippedError
from tests.benchmarks.run import Run


def training(run: Run) -> Result:
    """A training step with one call against one without"""
    if find_spec("torch") is None:
        raise SkippedError("this interpreter has no torch")
    run.bench.warm(ARGUS)
    with run.bench.sink() as sink:
        seen = run.alternate(
            {
                ARGUS.name: lambda: run.bench.measure(
                    ARGUS,
                    "training",
                    sink.url,
                    rounds=run.scale.training_rounds,
                    block_s=run.scale.training_block_s,
                )
            },
            rounds=1,
        )[ARGUS.name]
    with_call, without, again = (
        median_of(name, [sample[key] for sample in seen])
        for name, key in (
            ("with a call", "with_ms"),
            ("without", "without_ms"),
            ("without, again", "again_ms"),
        )
    )
    return Result(
        f"one training step on {seen[0]['device']}, one call a step",
        (
            Figure("a step", "ms", (with_call, without), Goal(1.001, of_ratio=True)),
            Figure("the same, control", "ms", (again, without)),
        ),
        (f"{run.scale.training_rounds} blocks of steps on each side, alternating in one process",),
    )
