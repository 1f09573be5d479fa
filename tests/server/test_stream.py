import contextlib
import socket
import threading

import pytest

from argus.server import stream as stream_module
from argus.server.connections import FRESH, KEPT, WORKING, Connection
from argus.server.reply import RefusalError
from argus.server.stream import ClientGoneError, Stream

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def joined():
    """A stream, its connection, and the client's end of it."""
    ours, client = socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(client):
        client.settimeout(10)
        connection = Connection(ours, "somebody")
        yield Stream(connection), connection, client


def test_requests_are_read_one_behind_the_other(joined):
    stream, connection, client = joined
    client.sendall(HEAD + b"body" + HEAD)
    assert (connection.phase, stream.read_head().path) == (FRESH, "/a")
    assert (connection.phase, stream.holds_input) == (WORKING, True)
    stream.begin_body()
    assert [stream.read_body(3), stream.read_body(1)] == [b"bod", b"y"]
    stream.send(b"reply")
    assert (connection.phase, client.recv(9)) == (KEPT, b"reply")
    assert stream.read_head().path == "/a"
    assert not stream.holds_input


def test_a_head_that_is_none_is_refused_at_once(joined):
    stream, _, client = joined
    client.sendall(b"\x16\x03\x01")
    with pytest.raises(RefusalError):
        stream.read_head()


@pytest.mark.parametrize(
    ("limit", "sent"), [("FIRST_BYTE_S", b""), ("HEAD_S", b"GET / HTTP/1.1\r\nHost:")]
)
def test_a_client_that_falls_silent_is_gone(joined, monkeypatch, limit, sent):
    stream, _, client = joined
    monkeypatch.setattr(stream_module, limit, 0.01)
    client.sendall(sent)
    with pytest.raises(ClientGoneError):
        stream.read_head()


def test_between_requests_a_client_may_be_silent_for_longer(joined, monkeypatch):
    stream, connection, client = joined
    monkeypatch.setattr(stream_module, "FIRST_BYTE_S", 0.0)
    connection.enter(KEPT)
    threading.Timer(0.1, client.sendall, (HEAD,)).start()
    assert stream.read_head().path == "/a"
    monkeypatch.setattr(stream_module, "IDLE_S", 0.01)
    connection.enter(KEPT)
    with pytest.raises(ClientGoneError):
        stream.read_head()


def test_a_head_that_comes_byte_by_byte_has_no_longer_than_a_whole_one(joined, monkeypatch):
    stream, _, client = joined
    monkeypatch.setattr(stream_module, "HEAD_S", 0.3)
    gone = threading.Event()

    def drip():
        for byte in b"GET / HTTP/1.1\r\nA: " + b"b" * 10_000:
            if gone.wait(0.02):
                return
            client.sendall(bytes([byte]))

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises(ClientGoneError):
        stream.read_head()
    gone.set()
    dripping.join()


def test_a_body_that_comes_more_slowly_than_its_pace_ends_the_connection(joined, monkeypatch):
    stream, _, client = joined
    monkeypatch.setattr(stream_module, "BODY_GRACE_S", 0.1)
    monkeypatch.setattr(stream_module, "BODY_BYTES_PER_S", 1_000_000)
    stream.begin_body()
    client.sendall(b"x" * 10)
    assert stream.read_body(100) == b"x" * 10
    with pytest.raises(ClientGoneError):
        stream.read_body(100)


def test_a_client_that_reads_nothing_cannot_hold_a_reply_up_for_ever(joined, monkeypatch):
    stream, _, _ = joined
    monkeypatch.setattr(stream_module, "SEND_S", 0.05)
    with pytest.raises(OSError):
        stream.send(b"x" * 50_000_000)


def test_what_nobody_wants_is_read_until_its_end_or_for_a_while(joined, monkeypatch):
    stream, _, client = joined
    monkeypatch.setattr(stream_module, "LINGER_S", 0.05)
    client.sendall(b"x" * 1_000)
    stream.send(b"no")
    with pytest.raises(OSError):
        stream.linger()
    assert [client.recv(9), client.recv(9)] == [b"no", b""]
