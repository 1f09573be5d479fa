"""The stand-in keeps the contract, logs what it sees, and can be waited for.

Everything else that is tested leans on this.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from typing import Any

import pytest

from tests.platform.client import (
    BATCH,
    Client,
    event,
    form,
    raw_connection,
    read_until,
    request_bytes,
)
from tests.platform.peers import StandIn

# The contract


def test_batch_is_answered_item_by_item(stand_in: StandIn, client: Client) -> None:
    first, second = event(line="a"), event(line="b")
    misfit = event("job_epoch", epoch=1.5)
    status, answer = client.send(first, misfit, first, second)
    assert status == 200
    assert (answer["accepted"], answer["rejected"]) == (3, 1)
    assert [(r["event_id"], r["status"], r["db_id"]) for r in answer["results"]] == [
        (first["event_id"], "accepted", 1),
        (misfit["event_id"], "rejected", None),
        (first["event_id"], "deduplicated", 1),
        (second["event_id"], "accepted", 2),
    ]
    assert stand_in.events() == [first, second]


def test_single_event(client: Client) -> None:
    one = event(line="a")
    assert client.ask("POST", "/api/events", one) == (
        200,
        {"accepted": True, "event_id": 1, "deduplicated": False},
    )
    assert client.ask("POST", "/api/events", one)[1]["deduplicated"] is True
    assert client.ask("POST", "/api/events", event("job_epoch"))[0] == 422


def test_bad_envelopes_are_named_and_nothing_is_stored(stand_in: StandIn, client: Client) -> None:
    unknown, sourceless = event("heartbeat"), {**event(), "source": {}}
    status, answer = client.send(event(), unknown, event(), sourceless)
    assert status == 422
    assert [item["loc"] for item in answer["detail"]] == [
        ["body", "events", 1, "event_type"],
        ["body", "events", 3, "source"],
    ]
    assert stand_in.events() == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"events": []}, {}, 422),
        ({"events": [event() for _ in range(501)]}, {}, 422),
        (b'{"events": [NaN]}', {}, 422),
        (b"\xff", {}, 422),
        ({"events": [{**event(), "schema_version": "1.0"}]}, {}, 415),
        ({"events": [event()]}, {"Content-Encoding": "gzip"}, 400),
    ],
)
def test_requests_that_are_refused_as_a_whole(
    client: Client, body: Any, headers: dict[str, str], status: int
) -> None:
    assert client.ask("POST", BATCH, body, headers)[0] == status


def test_unknown_paths_and_methods(client: Client) -> None:
    assert client.ask("POST", "/elsewhere", b"x")[0] == 404
    assert client.ask("GET", BATCH)[0] == 405
    assert client.ask("GET", "/api/batches/a%2Fb/stop-requested")[0] == 404


def test_500_events_and_a_chunked_request_are_taken(stand_in: StandIn, client: Client) -> None:
    events = [event(line="x" * 6000) for _ in range(500)]
    raw = json.dumps({"events": events}).encode()
    pieces = (raw[at : at + 100_000] for at in range(0, len(raw), 100_000))
    client.connection.request("POST", BATCH, pieces, encode_chunked=True)
    response = client.connection.getresponse()
    assert json.loads(response.read())["accepted"] == 500
    assert stand_in.requests()[0]["body_bytes"] == len(raw)


def test_client_that_asks_first_is_told_to_continue(stand_in: StandIn) -> None:
    head, _, body = request_bytes(event()).partition(b"\r\n\r\n")
    with raw_connection(stand_in) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert read_until(connection, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_until(connection, 15).startswith(b"HTTP/1.1 200 OK")


def test_stop_button(stand_in: StandIn, client: Client) -> None:
    path = "/api/batches/bench-1/stop-requested"
    assert client.ask("GET", path)[0] == 404
    client.send(event("batch_start", None))
    assert client.ask("GET", path)[1]["requested"] is False
    stand_in.stop_requested(batch_id="another")
    assert client.ask("GET", path)[1]["requested"] is False
    stand_in.stop_requested(batch_id="bench-1")
    assert client.ask("GET", path)[1]["requested"] is True
    stand_in.stop_requested(False, batch_id="bench-1")
    assert client.ask("GET", path)[1]["requested"] is False


def test_upload_is_hashed_and_described(stand_in: StandIn, client: Client) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n--b2 is not the end\r\n--"
    body, headers = form("größe.png", content, label="fig", meta='{"a": 1}')
    path = "/api/jobs/j%2B1/artifacts"
    assert client.ask("POST", path, body, headers)[0] == 404
    client.send(event("job_start", "j+1"))
    status, answer = client.ask("POST", path, body, headers)
    assert (status, answer["size_bytes"], answer["batch_id"]) == (201, len(content), "bench-1")
    assert stand_in.uploads() == [
        {
            "path": path,
            "job_id": "j+1",
            "filename": "größe.png",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "content_type": "image/png",
            "label": "fig",
            "meta": {"a": 1},
        }
    ]


def test_uploads_that_are_refused(stand_in: StandIn, client: Client) -> None:
    client.send(event("job_start"))
    path = "/api/jobs/j1/artifacts"
    assert client.ask("POST", "/api/batches/bench-1/artifacts", *form("a.png", b""))[0] == 404
    assert client.ask("POST", path, *form("a.png", b"x", meta="[1]"))[0] == 400
    assert client.ask("POST", path, *form("a.exe", b"x"))[0] == 415
    assert client.ask("POST", path, form("a.png", b"x")[0])[0] == 422
    body, headers = form("a.png", b"x")
    assert client.ask("POST", path, body[:-6], headers)[0] == 400
    assert client.ask("POST", path, *form("a.png", b"\0" * 50_000_001))[0] == 413
    assert stand_in.uploads() == []
    assert client.ask("POST", path, *form("empty.png", b""))[0] == 201


def test_request_log(stand_in: StandIn, client: Client) -> None:
    before = time.monotonic()
    client.ask(
        "POST", BATCH, {"events": [event(), event()]}, {"Authorization": "Bearer em_live_a-b"}
    )
    client.ask("GET", "/api/batches/x/stop-requested?y=1")
    other = Client(stand_in.port)
    with contextlib.closing(other.connection):
        other.send(event())
    log = stand_in.requests()
    assert [(r["method"], r["path"], r["connection"], r["events"], r["status"]) for r in log] == [
        ("POST", BATCH, 1, 2, 200),
        ("GET", "/api/batches/x/stop-requested?y=1", 1, None, 404),
        ("POST", BATCH, 2, 1, 200),
    ]
    assert log[0]["headers"]["authorization"] == "Bearer em_live_a-b"
    assert before <= log[0]["at"] <= log[1]["at"] <= log[2]["at"] <= time.monotonic()
    stats = stand_in.stats()
    assert (stats["requests"], stats["items"], stats["connections"]) == (3, 3, 2)
    assert stats["statuses"] == {"200": 2, "404": 1}


# Waiting


def test_waiting_ends_with_the_event_that_is_waited_for(stand_in: StandIn, client: Client) -> None:
    client.send(event())
    sender = threading.Thread(target=client.send, args=(event(), event(line="last")))
    sender.start()
    assert stand_in.wait_for(3)["events"] == 3
    sender.join()
    last = stand_in.wait_for(lambda s: [e for e in s.events() if e["data"] == {"line": "last"}])
    assert len(last) == 1


def test_waiting_gives_up(stand_in: StandIn) -> None:
    with pytest.raises(TimeoutError, match="not within"):
        stand_in.wait_for(1, timeout=0.01)
    with pytest.raises(TimeoutError, match="not within"):
        stand_in.wait_for(lambda s: False, timeout=0.01)
