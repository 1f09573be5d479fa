from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argus.core.delivery import Gate
from argus.core.events import Encoder
from argus.delivery.notices import Notices
from argus.delivery.outbox import Outbox
from argus.delivery.shipment import Shipment
from argus.rundir.run import RunDirectory
from argus.transport.address import Address
from argus.transport.client import HttpClient
from tests.delivery.conftest import epoch
from tests.platform.peers import StandIn

_encoder = Encoder("b", {"project": "p"}, bytes(10))


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[HttpClient]:
    client = HttpClient(
        Address.parse(stand_in.url), None, pytest.fail, print, lambda patience: None
    )
    yield client
    client.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    run = RunDirectory.create(tmp_path / "run", kept=False)
    yield run
    run.release()


def shipment_of(run: RunDirectory) -> Shipment:
    outbox = Outbox(run.journal, 1_000_000, kept=False, sends=True, trouble=lambda error: None)
    return Shipment(outbox, run, Gate(random.Random(1).random), Notices())


def put(shipment: Shipment, *data: dict[str, object]) -> None:
    records = [epoch(number, **fields) for number, fields in enumerate(data)]
    lines = [_encoder.encode(record) for record in records]
    shipment.outbox.put(lines, time.monotonic(), urgent=True)


def test_a_request_moves_the_position_over_what_is_confirmed(
    stand_in: StandIn, client: HttpClient, run: RunDirectory
):
    shipment = shipment_of(run)
    put(shipment, {}, {})
    outcome = shipment.send(client)
    assert outcome is not None
    assert (outcome.confirmed, outcome.settled_bytes) == (2, run.journal.size)
    assert run.journal.position == run.journal.size
    assert shipment.due_at() is None
    assert shipment.send(client) is None, "nothing to send is no request"
    assert len(stand_in.requests()) == 1


def test_what_is_refused_is_kept_with_its_reason(
    stand_in: StandIn, client: HttpClient, run: RunDirectory
):
    stand_in.mode("reject_poison")
    shipment = shipment_of(run)
    put(shipment, {}, {"poison": 1}, {})
    shipment.send(client)
    (letter,) = (run.path / "rejected.jsonl").read_text("utf-8").splitlines()
    assert json.loads(letter)["event"]["data"] == {"epoch": 1, "poison": 1}
    assert run.journal.position == run.journal.size
    assert len(stand_in.events()) == 2


def test_a_line_that_is_no_event_is_set_aside_and_never_sent(
    stand_in: StandIn, client: HttpClient, run: RunDirectory
):
    run.journal.append([_encoder.encode(epoch(1)), b"garbage \xff", _encoder.encode(epoch(2))])
    shipment = shipment_of(run)
    shipment.send(client)
    assert [event["data"]["epoch"] for event in stand_in.events()] == [1, 2]
    assert b"garbage" in (run.path / "rejected.jsonl").read_bytes()
    assert run.journal.position == run.journal.size


def test_after_a_failure_the_same_events_wait_for_their_next_turn(
    stand_in: StandIn, client: HttpClient, run: RunDirectory
):
    stand_in.mode("status:503", times=1, retry_after="7")
    shipment = shipment_of(run)
    put(shipment, {})
    shipment.send(client)
    due_at = shipment.due_at()
    assert due_at is not None
    assert due_at - time.monotonic() > 6.0
    outcome = shipment.send(client)
    assert outcome is not None
    assert outcome.confirmed == 1
