from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest

from argus.transport.patience import Patience
from argus.transport.stream import Stream
from argus.transport.tls import TlsStream, tls_context
from tests.platform.peers import CA_FILE, CERTS, free_port
from tests.transport.exchanges import SHORT_S, TIMEOUT_S, ends_after, nothing_meanwhile


def patience(timeout_s: float = TIMEOUT_S) -> Patience:
    return Patience(timeout_s, nothing_meanwhile)


@pytest.fixture
def pair():
    """A stream, and the socket at its other end."""
    near, far = socket.socketpair()
    far.settimeout(TIMEOUT_S)
    stream = Stream(near, patience())
    yield stream, far
    stream.close()
    far.close()


@pytest.fixture(scope="module")
def trusting() -> ssl.SSLContext:
    return tls_context((CA_FILE,), pytest.fail)


@pytest.fixture
def tls_pair(trusting):
    """The same in TLS, which the other end spoke first as a server does."""
    near, far = socket.socketpair()
    far.settimeout(TIMEOUT_S)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(str(CERTS / "good.pem"), str(CERTS / "server.key"))
    accepted = []
    server = threading.Thread(
        target=lambda: accepted.append(server_context.wrap_socket(far, server_side=True))
    )
    server.start()
    stream = TlsStream(Stream(near, patience()), trusting, "localhost")
    stream.shake_hands()
    server.join()
    yield stream, accepted[0]
    stream.close()
    accepted[0].close()


PAIRS = pytest.mark.parametrize("kind", ["pair", "tls_pair"])


@pytest.fixture
def ends(request, kind):
    return request.getfixturevalue(kind)


def received(stream: Stream, count: int) -> bytes:
    """So many bytes at least, or all there are."""
    data = piece = stream.receive()
    while piece and len(data) < count:
        piece = stream.receive()
        data += piece
    return data


def readable(stream: Stream) -> None:
    """Waits until the other side has said something."""
    deadline = time.monotonic() + TIMEOUT_S
    while not stream.has_input():
        assert time.monotonic() < deadline


def listener(family: socket.AddressFamily = socket.AF_INET, backlog: int = 5) -> socket.socket:
    server = socket.socket(family)
    server.bind(("127.0.0.1", 0))
    server.listen(backlog)
    return server


@PAIRS
def test_what_is_sent_arrives_in_both_directions(ends):
    stream, far = ends
    stream.sendall(b"ping")
    stream.sendall(memoryview(b"!"))
    assert far.recv(1) + far.recv(3) + far.recv(1) == b"ping!"
    far.sendall(b"pong")
    assert received(stream, 1) == b"pong"


@PAIRS
def test_much_is_sent_to_a_slow_reader_and_received_from_a_slow_writer(ends):
    stream, far = ends
    content = bytes(range(256)) * 20_000
    read: list[bytes] = []

    def echo() -> None:
        while sum(map(len, read)) < len(content):
            read.append(far.recv(70_000))
        far.sendall(b"".join(read))
        far.shutdown(socket.SHUT_WR)

    echoing = threading.Thread(target=echo)
    echoing.start()
    stream.sendall(content)
    assert received(stream, len(content) + 1) == content
    echoing.join()


@PAIRS
def test_input_is_seen_without_being_lost(ends):
    stream, far = ends
    assert not stream.has_input()
    far.sendall(b"pong")
    readable(stream)
    assert stream.has_input()
    assert received(stream, 4) == b"pong"
    assert not stream.has_input()


@PAIRS
def test_the_end_is_input_and_stays_the_end(ends):
    stream, far = ends
    far.close()
    readable(stream)
    assert [received(stream, 1) for _ in range(2)] == [b"", b""]
    assert stream.has_input()


def test_tickets_of_tls_are_no_input(tls_pair):
    stream, far = tls_pair
    assert far.version() == "TLSv1.3"  # which sends them right after the handshake
    assert not stream.has_input()


def test_a_reset_is_input():
    with listener() as server, socket.create_connection(server.getsockname()) as near:
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        resettable = Stream(near, patience())
        accepted.close()
        readable(resettable)
        assert received(resettable, 1) == b""
        resettable.close()


@PAIRS
def test_waiting_for_a_byte_ends_in_time(ends):
    stream, _ = ends
    stream.patience = patience(SHORT_S)
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        received(stream, 1)


@PAIRS
def test_sending_to_one_who_does_not_read_ends_in_time(ends):
    stream, _ = ends
    stream.patience = patience(SHORT_S)
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        stream.sendall(bytes(50_000_000))


def test_the_deadline_holds_where_there_is_always_something_to_do(pair):
    stream, far = pair
    far.sendall(b"never read")
    stream.patience = patience(0.0)
    with pytest.raises(TimeoutError):
        received(stream, 1)
    with pytest.raises(TimeoutError):
        stream.sendall(b"never sent")


def test_meanwhile_has_its_turn_while_bytes_trickle_in(pair):
    stream, far = pair
    turns: list[Patience] = []
    stream.patience = Patience(TIMEOUT_S, turns.append)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        far.sendall(b"x")
        assert received(stream, 1) == b"x"
    assert 2 <= len(turns) <= 6


def test_sending_to_one_who_is_gone_is_a_connection_error(pair):
    stream, far = pair
    far.close()
    with pytest.raises(ConnectionError):
        stream.sendall(bytes(1_000_000))


def test_closing_twice_is_nothing(pair):
    stream, far = pair
    stream.close()
    assert far.recv(1) == b""
    stream.close()
    assert far.recv(1) == b""


def test_connecting_where_nobody_listens_is_refused():
    stream = Stream(socket.socket(), patience())
    with pytest.raises(ConnectionRefusedError):
        stream.connect(("127.0.0.1", free_port()), TIMEOUT_S)
    stream.close()


@pytest.mark.parametrize(("limit_s", "timeout_s"), [(SHORT_S, TIMEOUT_S), (TIMEOUT_S, SHORT_S)])
def test_connecting_to_one_who_does_not_answer_ends_in_time(full_listener, limit_s, timeout_s):
    stream = Stream(socket.socket(), patience(timeout_s))
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        stream.connect(full_listener, limit_s)
    stream.close()


def test_a_connection_sends_small_pieces_at_once():
    with listener() as server:
        sock = socket.socket()
        stream = Stream(sock, patience())
        stream.connect(server.getsockname(), TIMEOUT_S)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        stream.close()
