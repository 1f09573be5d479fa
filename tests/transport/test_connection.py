from __future__ import annotations

import json
import math
import socket

import pytest

from argus.core.verdicts import Reply
from argus.transport import connection as connection_module
from argus.transport.address import EVENTS_PATH, job_artifacts_path
from argus.transport.answer import MAX_ANSWER_BYTES, BadAnswerError
from argus.transport.connection import Connection, Headers, open_stream, open_tunnel
from argus.transport.patience import Patience
from argus.transport.resolver import SocketAddress
from tests.platform.client import event
from tests.platform.peers import StandIn, free_port
from tests.transport.exchanges import (
    SHORT_S,
    TIMEOUT_S,
    batch,
    ends_after,
    form_of,
    nothing_meanwhile,
)

HEADERS: Headers = {"Host": "platform.example"}


def patience(timeout_s: float = TIMEOUT_S) -> Patience:
    return Patience(timeout_s, nothing_meanwhile)


def address_of(port: int) -> SocketAddress:
    return SocketAddress(socket.AF_INET, ("127.0.0.1", port))


@pytest.fixture
def connection(stand_in: StandIn):
    connection = Connection()
    connection.stream = open_stream([address_of(stand_in.port)], patience())
    yield connection
    connection.close()


def post(connection: Connection, body=None, timeout_s: float = TIMEOUT_S):
    return connection.exchange(
        "POST", EVENTS_PATH, HEADERS, body or batch(event()), patience(timeout_s)
    )


def test_nothing_is_sent_but_what_is_meant(connection, stand_in: StandIn):
    body = batch(event())
    assert post(connection, body).status == 200
    assert connection.exchange("GET", "/x?y", HEADERS, None, patience()).status == 404
    with form_of(10) as form:
        connection.exchange("POST", job_artifacts_path("j1"), HEADERS, form, patience())
    assert [(r["method"], r["path"], r["headers"]) for r in stand_in.requests()] == [
        (
            "POST",
            EVENTS_PATH,
            {
                "host": "platform.example",
                "content-type": "application/json",
                "content-length": str(len(body)),
            },
        ),
        ("GET", "/x?y", {"host": "platform.example"}),
        (
            "POST",
            job_artifacts_path("j1"),
            {
                "host": "platform.example",
                "content-type": form.content_type,
                "content-length": str(form.size),
            },
        ),
    ]
    assert stand_in.stats()["connections"] == 1


def test_the_reply_is_whole(connection, stand_in: StandIn):
    one = event()
    reply = post(connection, batch(one))
    assert json.loads(reply.body)["results"][0]["event_id"] == one["event_id"]
    assert (reply.retry_after, reply.redirect) == (None, None)
    stand_in.mode("status:429", retry_after="17", body="slow down")
    assert post(connection) == Reply(429, b"slow down", "17")
    stand_in.mode("redirect:/there:303")
    assert post(connection) == Reply(303, redirect="/there")


@pytest.mark.parametrize("mode", ["ok", "chunked", "status:204", "status:500"])
def test_a_connection_lives_on_after_a_complete_reply(connection, stand_in: StandIn, mode):
    stand_in.mode(mode)
    for _ in range(3):
        assert post(connection).status in (200, 204, 500)
        assert connection.is_usable()
    assert stand_in.stats()["connections"] == 1


def test_a_chunked_reply_is_read_whole(connection, stand_in: StandIn):
    events = [event() for _ in range(100)]
    stand_in.mode("chunked")
    results = json.loads(post(connection, batch(*events)).body)["results"]
    assert [result["event_id"] for result in results] == [e["event_id"] for e in events]


def test_a_connection_that_the_reply_says_is_the_last_one_is_closed(connection, stand_in: StandIn):
    stand_in.mode("close_each")
    assert json.loads(post(connection).body)["accepted"] == 1
    assert not connection.is_usable()
    assert connection.stream is None


def test_a_connection_that_the_server_closed_while_idle_is_not_usable(
    connection, stand_in: StandIn
):
    post(connection)
    assert connection.is_usable()
    stand_in.mode("idle_close:0.02", times=1)
    post(connection)
    stand_in.wait_for(lambda s: s.stats()["open_connections"] == 0)
    assert not connection.is_usable()


def test_a_connection_that_was_never_opened_or_is_closed_is_not_usable(connection):
    assert not Connection().is_usable()
    connection.close()
    connection.close()
    assert not connection.is_usable()


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("garbage", BadAnswerError),
        ("wrong_length", BadAnswerError),
        ("endless_headers", BadAnswerError),
        ("reset_request", ConnectionError),
        ("reset_reply", ConnectionError),
        ("stored_but_no_answer", ConnectionError),
    ],
)
def test_a_broken_answer_is_an_error_at_once(connection, stand_in: StandIn, mode, error):
    stand_in.mode(mode)
    with pytest.raises(error):
        post(connection)


def test_an_answer_without_end_is_given_up_at_its_limit(connection, stand_in: StandIn):
    stand_in.mode("endless_body")
    with pytest.raises(BadAnswerError, match="an answer without end"):
        post(connection)


def test_a_long_answer_up_to_the_limit_is_read(connection, stand_in: StandIn):
    stand_in.mode("status:400", body="x" * MAX_ANSWER_BYTES)
    assert len(post(connection).body) == MAX_ANSWER_BYTES
    stand_in.mode("status:400", body="x" * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(BadAnswerError, match="an answer without end"):
        post(connection)


@pytest.mark.parametrize("mode", ["hang", "mute", "drip:0.01", "drip"])
def test_an_answer_that_does_not_come_ends_in_time(connection, stand_in: StandIn, mode):
    stand_in.mode(mode)
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        post(connection, timeout_s=SHORT_S)


def test_each_exchange_has_a_deadline_of_its_own(connection):
    post(connection, timeout_s=0.0 + TIMEOUT_S)
    with pytest.raises(TimeoutError):
        post(connection, timeout_s=0.0)


# An answer that comes before the request has gone


def test_a_refusal_of_a_file_is_read_while_it_is_sent(connection, stand_in: StandIn):
    stand_in.mode("early_413")
    with form_of(20_000_000) as form:
        reply = connection.exchange("POST", job_artifacts_path("j1"), HEADERS, form, patience())
    assert reply.status == 413
    assert not connection.is_usable()


def test_a_refusal_of_many_events_is_read_while_they_are_sent(connection, stand_in: StandIn):
    stand_in.mode("early_413")
    assert post(connection, b" " * 20_000_000).status == 413
    assert not connection.is_usable()


@pytest.mark.parametrize("mode", ["reset_request", "close"])
def test_an_upload_that_is_cut_off_is_a_connection_error(connection, stand_in: StandIn, mode):
    stand_in.mode(mode)
    with form_of(20_000_000) as form, pytest.raises(ConnectionError):
        connection.exchange("POST", job_artifacts_path("j1"), HEADERS, form, patience())


# Opening


def test_the_first_address_that_takes_a_connection_is_used(stand_in: StandIn):
    addresses = [
        SocketAddress(socket.AF_INET6, ("::1", free_port(), 0, 0)),
        address_of(free_port()),
        address_of(stand_in.port),
        address_of(0),
    ]
    open_stream(addresses, patience()).close()
    stand_in.wait_for(connections=1)


def test_an_address_of_a_family_that_this_machine_lacks_is_passed_over(stand_in: StandIn):
    unknown = SocketAddress(-7, ("somewhere",))
    open_stream([unknown, address_of(stand_in.port)], patience()).close()
    with pytest.raises(OSError, match="family"):
        open_stream([unknown], patience())


def test_an_address_that_does_not_answer_holds_the_next_one_up_for_a_while_only(
    monkeypatch, full_listener, stand_in: StandIn
):
    monkeypatch.setattr(connection_module, "_CONNECT_S", SHORT_S / 2)
    silent = SocketAddress(socket.AF_INET, full_listener)
    with ends_after(SHORT_S):
        open_stream([silent, silent, address_of(stand_in.port)], patience()).close()


def test_the_last_address_has_all_the_time_that_is_left(monkeypatch, full_listener):
    monkeypatch.setattr(connection_module, "_CONNECT_S", 0.0)
    silent = SocketAddress(socket.AF_INET, full_listener)
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        open_stream([silent, silent], patience(SHORT_S))


def test_no_address_is_tried_after_the_deadline(stand_in: StandIn):
    with pytest.raises(TimeoutError):
        open_stream([address_of(stand_in.port)], patience(-math.inf))
    assert stand_in.stats()["connections"] == 0


def test_without_an_address_there_is_no_connection():
    with pytest.raises(OSError, match="no address"):
        open_stream([], patience())


def test_a_tunnel_leads_on(stand_in: StandIn, proxy):
    connection = Connection()
    connection.stream = open_stream([address_of(proxy.port)], patience())
    open_tunnel(connection.stream, f"127.0.0.1:{stand_in.port}", None)
    assert post(connection).status == 200
    connection.close()


@pytest.mark.parametrize("status", [300, 407, 502])
def test_a_tunnel_that_is_refused_is_a_connection_error(proxy, status):
    proxy.set(refuse=status)
    stream = open_stream([address_of(proxy.port)], patience())
    with pytest.raises(ConnectionError, match=f"answered {status} to CONNECT"):
        open_tunnel(stream, "platform.example:443", None)
    stream.close()
