import contextlib
import socket
import threading

import pytest

from argus.server import listener as listener_module
from argus.server.app import Monitor
from argus.server.listener import listening_socket
from tests.server.events import Client, event


def connection_to(monitor):
    return socket.create_connection(("127.0.0.1", monitor.port), timeout=20)


def test_silent_connections_do_not_keep_a_reporter_out(tmp_path, monkeypatch):
    monkeypatch.setattr(listener_module, "MAX_CONNECTIONS", 4)
    with Monitor("127.0.0.1", 0, tmp_path) as monitor, contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connection_to(monitor)) for _ in range(12)]
        client = Client(monitor.port)
        assert client.send(event())["accepted"] == 1
        assert silent[0].recv(1) == b""  # whoever has been silent for longest has gone
        client.connection.close()


def test_no_thread_to_be_had_turns_one_client_away_and_no_more(tmp_path, monkeypatch):
    with Monitor("127.0.0.1", 0, tmp_path) as monitor:

        def refuse(_self):
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with connection_to(monitor) as client:
                assert client.recv(1) == b""
        later = Client(monitor.port)
        assert later.ask("GET", "/health").status == 200
        later.connection.close()


def test_an_address_that_is_taken_is_an_error():
    with listening_socket("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(OSError):
            listening_socket("127.0.0.1", first.getsockname()[1])
