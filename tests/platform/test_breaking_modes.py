"""The modes in which the stand-in breaks connections, or sends what is no proper answer."""

from __future__ import annotations

import contextlib
import http.client
import socket

import pytest

from tests.platform.client import Client, event, raw_connection, read_until, request_bytes
from tests.platform.faults import MODES
from tests.platform.peers import StandIn


def test_close_each(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("close_each")
    assert client.statuses(event()) == ["accepted"]
    assert client.headers["Connection"] == "close"


@pytest.mark.parametrize("mode", ["stored_but_no_answer", "close"])
def test_no_answer(client: Client, stand_in: StandIn, mode: str) -> None:
    one = event()
    stand_in.mode(mode, times=1)
    with pytest.raises(ConnectionError):
        client.send(one)
    client.connection.close()
    expected = "deduplicated" if mode == "stored_but_no_answer" else "accepted"
    assert client.statuses(one) == [expected]


def test_close_ends_an_open_connection_too(client: Client, stand_in: StandIn) -> None:
    client.send(event())
    stand_in.mode("close", times=1)
    with pytest.raises(ConnectionError):
        client.send(event())
    assert [r["status"] for r in stand_in.requests()] == [200, None]


def test_hang_reads_and_never_answers(stand_in: StandIn) -> None:
    stand_in.mode("hang")
    with raw_connection(stand_in) as connection:
        connection.sendall(request_bytes(event()))
        stand_in.wait_for(lambda s: s.requests()[0]["events"] == 1 if s.requests() else False)
        connection.settimeout(0.02)
        with pytest.raises(socket.timeout):
            connection.recv(1)
    stand_in.wait_for(lambda s: s.stats()["open_connections"] == 0)
    assert stand_in.events() == []


def test_mute_does_not_even_read(stand_in: StandIn) -> None:
    stand_in.mode("mute")
    with raw_connection(stand_in) as connection:
        stand_in.wait_for(connections=1)
        connection.settimeout(0.05)
        with pytest.raises(socket.timeout):
            connection.sendall(b"POST / HTTP/1.1\r\n" + b"x" * 30_000_000)
        assert stand_in.requests() == []
        stand_in.reset()
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 30_000_000)


def test_reset_within_the_request(stand_in: StandIn) -> None:
    stand_in.mode("reset_request")
    raw = request_bytes(event(line="x" * 100))
    with raw_connection(stand_in) as connection:
        connection.sendall(raw)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    [request] = stand_in.requests()
    assert 0 < request["body_bytes"] < len(raw) / 2
    assert stand_in.events() == []


def test_reset_within_the_reply(stand_in: StandIn) -> None:
    stand_in.mode("reset_reply")
    with raw_connection(stand_in) as connection:
        connection.sendall(request_bytes(event()))
        with pytest.raises(ConnectionResetError):
            read_until(connection, 1 << 20)
    assert len(stand_in.events()) == 1


def test_early_413_leaves_the_rest_unread(stand_in: StandIn) -> None:
    stand_in.mode("early_413")
    with raw_connection(stand_in) as connection:
        connection.sendall(
            b"POST /api/jobs/j1/artifacts HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n"
        )
        connection.sendall(b"x" * 70_000)
        assert b"413" in read_until(connection, 20)
    assert 65536 <= stand_in.requests()[0]["body_bytes"] <= 70_000


@pytest.mark.parametrize(
    ("mode", "beginning"),
    [
        ("endless_headers", b"HTTP/1.1 200 OK\r\nX-More: xxx"),
        ("endless_body", b"HTTP/1.1 200 OK\r\n"),
    ],
)
def test_endless_answers(stand_in: StandIn, mode: str, beginning: bytes) -> None:
    stand_in.mode(mode)
    with raw_connection(stand_in) as connection:
        connection.sendall(request_bytes(event()))
        answer = read_until(connection, 3_000_000)
    assert answer.startswith(beginning)
    assert b"Content-Length" not in answer
    assert len(answer) >= 3_000_000


def test_garbage_is_not_http(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("garbage")
    with pytest.raises(http.client.BadStatusLine):
        client.send(event())


def test_wrong_length(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("wrong_length")
    with pytest.raises(http.client.IncompleteRead):
        client.send(event())
    assert len(stand_in.events()) == 1


def test_drip(client: Client, stand_in: StandIn) -> None:
    stand_in.mode("drip:0.0001")
    assert client.statuses(event()) == ["accepted"]
    stand_in.mode("drip")
    with raw_connection(stand_in) as connection:
        connection.sendall(request_bytes(event()))
        assert connection.recv(100) == b"H"


def test_idle_close(stand_in: StandIn) -> None:
    stand_in.mode("idle_close:0.02")
    with raw_connection(stand_in) as connection:
        connection.sendall(request_bytes(event()))
        assert read_until(connection, 1 << 20).startswith(b"HTTP/1.1 200 OK\r\n")


def test_every_mode_ends_with_reset(stand_in: StandIn) -> None:
    arguments = {"status": ":500", "too_large": ":1", "internal": ":1", "idle_close": ":9"}
    arguments.update({"unauthorized_until_token": ":t", "redirect": ":/"})
    for mode in MODES:
        stand_in.mode(mode + arguments.get(mode, ""))
        with raw_connection(stand_in) as connection, contextlib.suppress(ConnectionError):
            connection.sendall(request_bytes(event()))
            stand_in.wait_for(connections=1)
            stand_in.reset()
            while connection.recv(1 << 20):
                pass
    assert stand_in.wait_for(lambda s: s.stats()["open_connections"] == 0)
