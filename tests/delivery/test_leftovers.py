from __future__ import annotations

import json
import random
from pathlib import Path

from argus.core.delivery import Gate
from argus.core.events import Encoder
from argus.delivery.leftovers import RESCAN_S, Leftovers
from argus.delivery.notices import Notices
from argus.delivery.shipment import Shipment
from argus.rundir import layout
from argus.rundir.run import RunDirectory
from tests.delivery.conftest import NOWHERE, epoch

_encoder = Encoder("b", {"project": "p"}, bytes(10))


def abandoned(state: Path, name: str, url: str = NOWHERE, events: int = 3, **content) -> Path:
    """What a dead process has left: written, unlocked, undelivered."""
    path = layout.spill_dir(state, name, "host", 1, "0a")
    run = RunDirectory.create(path, kept=False)
    run.describe({"url": url, "batch_id": name, **content})
    run.journal.append([_encoder.encode(epoch(number)) for number in range(events)])
    run.release()
    return path


def leftovers_in(state: Path) -> Leftovers:
    return Leftovers(state, NOWHERE, Gate(random.Random(1).random), Notices())


def all_of(leftovers: Leftovers, now: float = 0.0) -> list[Shipment]:
    found = []
    while leftovers.advance(now):
        if leftovers.current is not None:
            found.append(leftovers.current)
            run = leftovers.finished()
            assert run is not None
            run.release()
    return found


def test_each_abandoned_run_for_our_platform_is_found_once(state: Path):
    abandoned(state, "one")
    abandoned(state, "two")
    abandoned(state, "elsewhere", url="http://other:1")
    leftovers = leftovers_in(state)
    found = all_of(leftovers)
    assert [shipment.run.path.name.split(".")[0] for shipment in found if shipment.run] == [
        "one",
        "two",
    ]
    assert not leftovers.advance(1.0)
    assert len(all_of(leftovers, now=RESCAN_S + 1.0)) == 2


def test_a_run_whose_writer_lives_is_not_touched(state: Path):
    path = abandoned(state, "alive")
    run = RunDirectory.recover(path, kept=False)
    assert run is not None
    assert all_of(leftovers_in(state)) == []
    run.release()
    assert len(all_of(leftovers_in(state))) == 1


def test_a_run_of_a_later_format_is_left_to_a_later_version(state: Path):
    path = abandoned(state, "future")
    content = json.loads((path / "run.json").read_text("utf-8"))
    (path / "run.json").write_text(json.dumps({**content, "format": 99}), "utf-8")
    assert all_of(leftovers_in(state)) == []


def test_a_run_without_a_readable_sidecar_goes_nowhere(state: Path):
    path = abandoned(state, "unknown")
    (path / "run.json").write_text("{", "utf-8")
    assert all_of(leftovers_in(state)) == []


def test_delivery_goes_on_where_it_stopped(state: Path):
    path = abandoned(state, "half", events=4)
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    (path / "delivered").write_text(str(len(lines[0] + lines[1])))
    leftovers = leftovers_in(state)
    assert leftovers.advance(0.0)
    assert leftovers.current is not None
    taken = leftovers.current.outbox.take(10)
    assert [line.data + b"\n" for line in taken] == lines[2:]
    leftovers.release()


def test_a_torn_last_line_is_no_event_and_holds_nothing_up(state: Path):
    path = abandoned(state, "torn")
    with (path / "events.jsonl").open("ab") as file:
        file.write(b'{"event_id":"')
    leftovers = leftovers_in(state)
    assert leftovers.advance(0.0)
    assert leftovers.current is not None
    outbox = leftovers.current.outbox
    taken = outbox.take(10)
    assert len(taken) == 3
    outbox.confirm(sum(line.size for line in taken))
    assert outbox.take(10) == []
    assert outbox.is_delivered
    leftovers.release()
