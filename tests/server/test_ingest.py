import pytest

from argus.server.ingest import Stored, batch_reply, check_batch, check_single, ingest
from argus.server.parsing import Received
from argus.server.reply import RefusalError
from tests.server.events import event


class Memory:
    """A store in memory, or a disk that is full."""

    def __init__(self, full=()):
        self.lines = []
        self.full = full

    def add(self, batch_id, arrivals):
        if batch_id in self.full:
            raise OSError("no space left")
        self.lines += [(batch_id, arrival.line) for arrival in arrivals]
        return [Stored(number, number % 2 == 1) for number, _ in enumerate(arrivals, 1)]


def received(*events):
    return [Received(each, b"line %d" % number) for number, each in enumerate(events)]


def refusal(*events):
    with pytest.raises(RefusalError) as refused:
        check_batch(received(*events))
    return refused.value.reply


def test_every_malformed_envelope_is_named():
    bad = [event(event_id="x"), event(event_type="heartbeat"), event(extra=1), 7]
    reply = refusal(event(), *bad, event())
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.body["detail"]] == [
        ["body", "events", 1, "event_id"],
        ["body", "events", 2, "event_type"],
        ["body", "events", 3, "extra"],
        ["body", "events", 4],
    ]


def test_another_schema_version_is_415_whatever_else_is_wrong():
    assert refusal(event(event_id="x"), event(schema_version="1.2", new_key=1)).status == 415


def test_a_missing_schema_version_is_a_malformed_envelope():
    given = event()
    del given["schema_version"]
    reply = refusal(given)
    assert (reply.status, reply.body["detail"][0]["loc"][3]) == (422, "schema_version")


def test_a_single_event_is_named_without_an_index():
    with pytest.raises(RefusalError) as refused:
        check_single(Received(event(batch_id=""), b""))
    assert refused.value.reply.body["detail"][0]["loc"] == ["body", "batch_id"]


def test_bad_data_does_not_take_its_neighbours_along():
    store = Memory()
    events = [event(), event(data={}), event(data={"epoch": 1.5}), event()]
    reply = batch_reply(ingest(received(*events), store))
    assert (reply["accepted"], reply["rejected"]) == (2, 2)
    assert [item["status"] for item in reply["results"]] == [
        "accepted",
        "rejected",
        "rejected",
        "deduplicated",
    ]
    assert [item["event_id"] for item in reply["results"]] == [each["event_id"] for each in events]
    assert [item["db_id"] for item in reply["results"]] == [1, None, None, 2]
    assert reply["results"][1]["error"].startswith("[{'type': 'missing', 'loc': ('data', 'epoch')")
    assert reply["results"][2]["error"].startswith("[{'type': 'wrong_type'")
    assert [line for _, line in store.lines] == [b"line 0", b"line 3"]


def test_a_disk_that_fails_one_batch_makes_its_events_come_again():
    store = Memory(full={"b"})
    events = [event(batch_id="a"), event(batch_id="b"), event(batch_id="a")]
    results = ingest(received(*events), store)
    assert [item["status"] for item in results] == ["accepted", "rejected", "deduplicated"]
    assert results[1]["error"] == "internal: no space left"
    assert store.lines == [("a", b"line 0"), ("a", b"line 2")]
