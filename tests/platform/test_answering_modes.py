"""The modes in which the stand-in answers, but departs from the contract in what it says."""

from __future__ import annotations

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


def test_status_with_retry_after_and_body_so_many_times(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("status:429", times=2, retry_after="7", body="slow down")
    for _ in range(2):
        assert client.send(event()) == (429, b"slow down")
        assert client.headers["Retry-After"] == "7"
    assert client.statuses(event()) == ["accepted"]
    assert stand_in.stats()["mode"] == "ok"
    assert len(stand_in.events()) == 1


def test_modes_take_turns(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("status:500", "status:503", "html")
    assert [client.send(event())[0] for _ in range(4)] == [500, 503, 200, 200]
    assert len(stand_in.events()) == 1


def test_mode_for_one_path_alone(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("status:500", path="/stop-requested", times=1)
    assert client.statuses(event("batch_start", None)) == ["accepted"]
    path = "/api/batches/bench-1/stop-requested"
    assert [client.ask("GET", path)[0] for _ in range(2)] == [500, 200]


@pytest.mark.parametrize("mode", ["nonsense", "status", "status:x", "hang:1", "redirect:"])
def test_mode_that_does_not_exist(stand_in: StandIn, mode: str) -> None:
    with pytest.raises(ValueError, match="mode"):
        stand_in.mode(mode)


def test_poison(client: Client, stand_in: StandIn) -> None:
    good, bad = event(line="a"), event(poison=True)
    stand_in.mode("nameless_422")
    status, answer = client.send(good, bad)
    assert (status, isinstance(answer["detail"], str)) == (422, True)
    assert client.statuses(good) == ["accepted"]
    stand_in.mode("named_422")
    status, answer = client.send(good, bad)
    assert (status, [d["loc"][:3] for d in answer["detail"]]) == (422, [["body", "events", 1]])
    stand_in.mode("internal_poison")
    status, answer = client.send(good, bad)
    assert [r["error"] for r in answer["results"]] == [None, "internal: database is locked"]
    stand_in.mode("reject_poison")
    status, answer = client.send(good, bad)
    assert [r["error"] for r in answer["results"]] == [None, "poison is not accepted"]
    stand_in.mode("ok")
    assert client.statuses(bad) == ["accepted"]


def test_internal_for_the_first_requests(client: Client, stand_in: StandIn) -> None:
    events = [event() for _ in range(3)]
    stand_in.mode("internal:1")
    assert client.statuses(*events) == ["accepted", "rejected", "accepted"]
    assert client.statuses(*events) == ["deduplicated", "accepted", "deduplicated"]


def test_missing_and_foreign_results(client: Client, stand_in: StandIn) -> None:
    events = [event() for _ in range(3)]
    stand_in.mode("missing_results")
    answer = client.send(*events)[1]
    assert [r["event_id"] for r in answer["results"]] == [e["event_id"] for e in events[::2]]
    stand_in.mode("foreign_results")
    answer = client.send(*events)[1]
    assert [r["event_id"] for r in answer["results"]][1:-1] == [e["event_id"] for e in events]
    assert len(stand_in.events()) == 3


def test_stored_but_answered_with_500(client: Client, stand_in: StandIn) -> None:
    one = event()
    stand_in.mode("store_500", times=1)
    assert client.send(one)[0] == 500
    assert client.statuses(one) == ["deduplicated"]


def test_token_is_asked_for(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("unauthorized_until_token:em_live_a-b")
    body = {"events": [event()]}
    assert client.ask("POST", BATCH, body)[0] == 401
    assert client.ask("POST", BATCH, body, {"Authorization": "Bearer em_live_a-b"})[0] == 200


def test_redirects(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("redirect:http://127.0.0.1:9{path}:301", times=1)
    assert client.send(event())[0] == 301
    assert client.headers["Location"] == f"http://127.0.0.1:9{BATCH}"
    stand_in.mode("redirect:http://127.0.0.1:1234", times=1)
    assert (client.send(event())[0], client.headers["Location"]) == (307, "http://127.0.0.1:1234")
    stand_in.mode("redirect_loop")
    assert (client.send(event())[0], client.headers["Location"]) == (307, BATCH)


def test_too_large(client: Client, stand_in: StandIn) -> None:
    client.send(event("job_start"))
    stand_in.mode("too_large:1000")
    assert client.send(event(line="x" * 1000))[0] == 413
    assert client.statuses(event()) == ["accepted"]
    stand_in.mode("too_large:60000000")
    upload = form("a.png", b"\0" * 50_000_001)
    assert client.ask("POST", "/api/jobs/j1/artifacts", *upload)[0] == 201


def test_chunked_answer(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("chunked")
    assert client.statuses(event()) == ["accepted"]
    assert client.headers["Transfer-Encoding"] == "chunked"
    assert client.statuses(event()) == ["accepted"]
    assert stand_in.stats()["connections"] == 1


def test_informational_answers_come_before_the_body_is_read_and_before_the_answer(
    stand_in: StandIn,
) -> None:
    stand_in.mode("informational", "endless_informational")
    raw = request_bytes(event())
    head, _, body = raw.partition(b"\r\n\r\n")
    with raw_connection(stand_in) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert read_until(connection, len(_EARLY)) == _EARLY
        connection.sendall(body)
        answer = read_until(connection, 2 * len(_EARLY) + 100)
        assert answer.startswith(_EARLY * 2 + b"HTTP/1.1 200 OK\r\n")
        connection.sendall(request_bytes(event()))
        assert read_until(connection, 1_000_000).startswith(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9)


_EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
