from __future__ import annotations

import socket
import threading

import pytest

from argus.transport.patience import Patience
from argus.transport.resolver import Resolver, SocketAddress
from tests.transport.exchanges import SHORT_S, TIMEOUT_S, ends_after, nothing_meanwhile


def patience(timeout_s: float = TIMEOUT_S) -> Patience:
    return Patience(timeout_s, nothing_meanwhile)


class HangingResolver:
    """A system's resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self.getaddrinfo = socket.getaddrinfo

    def __call__(self, host, port, **how):
        self.asked.append(host)
        self.go_on.wait()
        return self.getaddrinfo("127.0.0.1", port, **how)


@pytest.fixture
def hanging(monkeypatch):
    resolver = HangingResolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.go_on.set()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", SocketAddress(socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", SocketAddress(socket.AF_INET6, ("::1", 80, 0, 0))),
    ],
)
def test_a_number_needs_no_thread(monkeypatch, host, expected):
    monkeypatch.setattr(threading.Thread, "start", None)
    assert Resolver().lookup(host, 80, patience()) == [expected]


def test_a_name_has_its_addresses():
    found = Resolver().lookup("localhost", 80, patience())
    assert ("127.0.0.1", 80) in [address for _, address in found]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "1.2.3.4.5"])
def test_a_name_without_an_address_is_an_os_error(host):
    with pytest.raises(socket.gaierror):
        Resolver().lookup(host, 80, patience())


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_what_can_be_no_name_is_an_os_error(host):
    with pytest.raises(OSError, match="cannot be a host name"):
        Resolver().lookup(host, 80, patience())


def test_a_failed_lookup_is_asked_again_next_time():
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            resolver.lookup("no-such-host.invalid", 80, patience())


def test_a_resolver_that_hangs_is_asked_once_and_its_late_answer_is_used(hanging):
    resolver = Resolver()
    for _ in range(3):
        with ends_after(SHORT_S), pytest.raises(TimeoutError):
            resolver.lookup("platform.example", 80, patience(SHORT_S))
    assert hanging.asked == ["platform.example"]
    hanging.go_on.set()
    assert resolver.lookup("platform.example", 80, patience()) == [
        SocketAddress(socket.AF_INET, ("127.0.0.1", 80))
    ]
    assert hanging.asked == ["platform.example"]
    resolver.lookup("platform.example", 80, patience())
    assert hanging.asked == ["platform.example"] * 2


def test_an_answer_to_another_question_is_not_taken(hanging):
    resolver = Resolver()
    with pytest.raises(TimeoutError):
        resolver.lookup("proxy.example", 3128, patience(0.05))
    hanging.go_on.set()
    [found] = resolver.lookup("platform.example", 80, patience())
    assert found.address == ("127.0.0.1", 80)


def test_meanwhile_is_called_while_a_resolver_hangs(hanging):
    turns: list[Patience] = []
    with pytest.raises(TimeoutError):
        Resolver().lookup("platform.example", 80, Patience(0.25, turns.append))
    assert len(turns) >= 2


def test_a_machine_without_threads_left_gives_an_os_error(monkeypatch):
    def cannot_start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", cannot_start)
    with pytest.raises(OSError, match="cannot be looked up"):
        Resolver().lookup("localhost", 80, patience())
