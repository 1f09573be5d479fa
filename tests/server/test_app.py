import socket

import pytest

from argus.server.app import Monitor, TokenRequiredError
from argus.server.store import RunsInUseError
from tests.server.events import Client, event


def test_others_are_let_in_only_with_a_token(tmp_path):
    for host in ("0.0.0.0", "", "192.0.2.1", "::"):
        with pytest.raises(TokenRequiredError):
            Monitor(host, 0, tmp_path)
    Monitor("0.0.0.0", 0, tmp_path, token="em_live_a")
    assert list(tmp_path.iterdir()) == []


def test_the_token_is_not_shown(tmp_path):
    assert "em_live_a" not in str(vars(Monitor("127.0.0.1", 0, tmp_path, token="em_live_a")))


def test_the_url_names_where_it_listens(tmp_path):
    with Monitor("localhost", 0, tmp_path) as monitor:
        assert monitor.url == f"http://localhost:{monitor.port}"
        assert monitor.port > 0


def test_it_listens_on_ipv6(tmp_path):
    monitor = Monitor("::1", 0, tmp_path)
    try:
        monitor.start()
    except OSError:
        pytest.skip("no IPv6 here")
    with socket.create_connection(("::1", monitor.port), timeout=10):
        assert monitor.url == f"http://[::1]:{monitor.port}"
    monitor.close()


def test_what_cannot_start_leaves_nothing_locked(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path / "a") as monitor:
        with pytest.raises(OSError):
            Monitor("127.0.0.1", monitor.port, tmp_path / "b").start()
        with Monitor("127.0.0.1", 0, tmp_path / "b"), pytest.raises(RunsInUseError):
            Monitor("127.0.0.1", 0, tmp_path / "b").start()


def test_closing_ends_idle_connections_and_frees_the_port(tmp_path):
    monitor = Monitor("127.0.0.1", 0, tmp_path).start()
    port, client = monitor.port, Client(monitor.port)
    client.send(event())
    monitor.close()
    monitor.close()
    assert client.connection.sock.recv(1) == b""
    with Monitor("127.0.0.1", port, tmp_path):
        client.connection.close()
        assert client.ask("GET", "/api/batches").body[0]["n_events"] == 1
    client.connection.close()


def test_a_name_that_leads_to_others_needs_a_token_too(tmp_path, monkeypatch):
    monkeypatch.setattr("argus.server.app.listening_socket", lambda *_: listening("0.0.0.0"))
    with pytest.raises(TokenRequiredError):
        Monitor("localhost", 0, tmp_path).start()
    Monitor("127.0.0.1", 0, tmp_path, token="em_live_a").start().close()


def listening(host):
    sock = socket.socket()
    sock.bind((host, 0))
    return sock


def test_what_is_no_host_name_is_told_as_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match="no name of a host"):
        Monitor("é" * 70, 0, tmp_path, token="em_live_a").start()
