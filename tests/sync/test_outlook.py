from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argus.rundir import layout
from argus.sync.finding import Item, Wanted, found
from argus.sync.outlook import Outlook, is_settled, outlook, size_ahead
from tests.platform.peers import StandIn
from tests.sync.runs import a_file, a_run, a_task, plain_event, sync


def item_at(path: Path) -> Item:
    return found([path])[0][0]


def everything_below(path: Path) -> list[tuple[Path, int]]:
    return [(each, each.stat().st_mtime_ns) for each in sorted(path.rglob("*"))]


def test_what_would_be_sent_is_counted_and_nothing_is_touched(tmp_path: Path):
    figure = tmp_path / "a.png"
    figure.write_bytes(b"x")
    run = a_run(tmp_path / "run", artifacts=(figure,))
    size = (run / layout.EVENTS).stat().st_size
    before = everything_below(tmp_path)
    task = a_task("http://x", state_dir=tmp_path / "state")
    assert outlook(item_at(run), task) == Outlook(7, size, 1)
    assert size_ahead(item_at(run), task) == size
    assert everything_below(tmp_path) == before


def test_what_is_delivered_is_not_ahead(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    file = a_file(tmp_path / "x.jsonl", plain_event(1))
    task = a_task(stand_in.url, state_dir=tmp_path / "state")
    sync(task, run, file)
    for path in (run, file):
        assert outlook(item_at(path), task) == Outlook(0, 0, 0)
        assert outlook(item_at(path), task._replace(again=True)).events > 0
        assert outlook(item_at(path), task._replace(url="http://x")).events > 0
    a_file(file, plain_event(2), plain_event(3))  # another file stands there now
    assert outlook(item_at(file), task).events == 2


def test_of_a_file_only_what_is_meant_counts(tmp_path: Path):
    file = a_file(tmp_path / "x.jsonl", plain_event(1), plain_event(2, batch_id="c"), "[]")
    task = a_task("http://x", wanted=Wanted(ids=("c",)))
    assert outlook(item_at(file), task).events == 1


@pytest.mark.parametrize(
    ("changes", "described", "settled"),
    [
        ({}, {}, True),
        ({"url": "http://y"}, {}, False),
        ({"again": True}, {}, False),
        ({"prunes": True}, {}, False),
        ({"wanted": Wanted(ids=("b",))}, {}, False),
        ({}, {"status": "running"}, False),
    ],
)
def test_a_run_that_is_done_with_is_not_opened(
    tmp_path: Path, changes: dict[str, Any], described: dict[str, Any], settled: bool
):
    run = a_run(tmp_path / "run", url="http://x", **described)
    (run / layout.DELIVERED).write_text(f"{(run / layout.EVENTS).stat().st_size}\n")
    task = a_task("http://x")._replace(**changes)
    assert is_settled(item_at(tmp_path), task) is settled
    assert not is_settled(item_at(run), task)  # one that is named is looked at
