import contextlib
import socket
import threading

import pytest

from argus.server.connections import (
    FRESH,
    IN_HEAD,
    KEPT,
    LEAVING,
    TRANSFER,
    WORKING,
    Connection,
    Connections,
)


@pytest.fixture
def connect():
    """Makes connections in a phase, each with the client's end of it."""
    with contextlib.ExitStack() as stack:

        def make(phase=FRESH):
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            theirs.settimeout(10)
            connection = Connection(ours, "somebody")
            connection.enter(phase)
            return connection, theirs

        yield make


def is_ended(client):
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_the_one_that_can_best_be_missed_makes_room(connect):
    phases = [WORKING, TRANSFER, KEPT, IN_HEAD, FRESH, LEAVING]
    made = [connect(phase) for phase in phases]
    connections = Connections(len(made))
    assert all(connections.add(connection) for connection, _ in made)
    ended = []
    for _ in range(5):
        assert connections.add(connect(WORKING)[0])
        ended.append([phase for phase, (_, client) in zip(phases, made) if is_ended(client)])
    assert [len(each) for each in ended] == [1, 2, 3, 4, 5]
    assert [sorted(each)[-1] for each in ended] == [LEAVING, FRESH, IN_HEAD, KEPT, TRANSFER]
    assert not connections.add(connect()[0])  # all are at work: none of them is ended for it
    assert len(connections) == 6


def test_of_two_alike_the_one_goes_that_has_been_so_for_longer(connect):
    (older, older_client), (newer, newer_client) = connect(FRESH), connect(FRESH)
    newer.since = older.since + 1.0
    connections = Connections(2)
    connections.add(newer)
    connections.add(older)
    connections.add(connect()[0])
    assert (is_ended(older_client), is_ended(newer_client)) == (True, False)


def test_a_body_has_been_coming_since_its_head(connect):
    connection, _ = connect(IN_HEAD)
    connection.since = -1.0
    for phase in (TRANSFER, WORKING, TRANSFER):
        connection.enter(phase)
    begun = connection.since
    assert begun > -1.0
    connection.enter(WORKING)
    assert connection.since == begun
    connection.enter(KEPT)
    assert connection.since >= begun


def test_the_end_waits_for_those_that_are_at_work(connect):
    connection, client = connect(WORKING)
    connections = Connections(2)
    connections.add(connection)

    def work():
        assert connection.socket.recv(1) == b""
        connection.socket.sendall(b"reply")
        connections.discard(connection)

    worker = threading.Thread(target=work)
    worker.start()
    connections.end_all(30.0)
    assert len(connections) == 0
    worker.join()
    assert client.recv(5) == b"reply"


def test_what_has_not_finished_in_time_is_ended_as_it_is(connect):
    """A viewer can have hundreds of megabytes to come."""
    connection, client = connect(TRANSFER)
    connections = Connections(2)
    connections.add(connection)
    connections.end_all(0.0)
    assert client.recv(1) == b""
    with pytest.raises(OSError):
        connection.socket.sendall(b"more")
