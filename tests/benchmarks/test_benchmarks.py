"""Each row of the benchmark works, in a tiny size. Nothing is timed here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

import pytest

from tests.benchmarks import table
from tests.benchmarks.__main__ import main
from tests.benchmarks.figures import Figure, Goal, Median
from tests.benchmarks.processes import Bench, SkippedError
from tests.benchmarks.rows import ROWS, about
from tests.benchmarks.run import Run
from tests.benchmarks.scale import TINY


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.mark.parametrize("name", ROWS)
def test_row_prints_finite_figures_and_a_verdict_on_each_goal(bench: Bench, name: str) -> None:
    try:
        result = ROWS[name](Run(bench, TINY, (), lambda text: None))
    except SkippedError as error:
        pytest.skip(str(error))
    values = [side.value for figure in result.figures for side in figure.sides]
    goals = [figure for figure in result.figures if figure.goal is not None]

    assert values
    assert all(math.isfinite(value) for value in values)
    assert goals
    shown = "\n".join(table.lines(name, result))
    assert shown.startswith(f"\n{name}: ")
    assert len(re.findall("reached|missed", shown)) == len(goals)
    json.dumps(table.plain(name, result), allow_nan=False)


def test_figure_is_judged_by_its_value_or_by_its_ratio() -> None:
    sides = (Median("ours", 2.0, (2.0,)), Median("theirs", 80.0, (80.0,)))

    assert Figure("cost", "µs", sides, Goal(1.0)).is_reached is False
    assert Figure("rate", "/s", sides, Goal(1.0, at_most=False)).is_reached is True
    assert Figure("cost", "µs", sides, Goal(1.1, of_ratio=True)).is_reached is True
    assert table.times(Figure("cost", "µs", sides).ratio(sides[1])) == "1/40"


def test_help_names_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    text = capsys.readouterr().out
    assert all(f"  {name} " in text and about(name) in text for name in ROWS)


def test_unknown_row_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tigth"])

    assert "'tigth'" in (said := capsys.readouterr().err)
    assert "tight, paced" in said
