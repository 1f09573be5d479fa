"""Clients that are closed after the test, and a platform that speaks TLS."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, Callable

import pytest

from argus.core.secret import Secret
from argus.transport.address import Address
from argus.transport.client import HttpClient
from argus.transport.tls import tls_context
from tests.platform.peers import StandIn
from tests.transport.exchanges import TOKEN, nothing_meanwhile

Connect = Callable[..., HttpClient]


@pytest.fixture(autouse=True)
def _no_proxies_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def complaints() -> list[str]:
    """What clients of `connect` complained about."""
    return []


@pytest.fixture
def connect(complaints: list[str]) -> Iterator[Connect]:
    """Makes clients: `connect(url, ca_bundles=…, meanwhile=…)`."""
    clients = []

    def new(url: str, ca_bundles: Any = (), meanwhile: Any = nothing_meanwhile) -> HttpClient:
        address = Address.parse(url)
        trust = partial(tls_context, ca_bundles, complaints.append)
        client = HttpClient(address, Secret(TOKEN), trust, complaints.append, meanwhile)
        clients.append(client)
        return client

    yield new
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def _session_tls_platform() -> Iterator[StandIn]:
    with StandIn(tls="good") as platform:
        yield platform


@pytest.fixture
def tls_platform(_session_tls_platform: StandIn) -> StandIn:
    """A platform on https that has seen nothing yet; CA_FILE is whom to trust."""
    _session_tls_platform.reset()
    return _session_tls_platform


@pytest.fixture
def full_listener() -> Iterator[tuple[str, int]]:
    """An address whose kernel answers no further attempt to connect, as behind a firewall."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address: tuple[str, int] = listener.getsockname()
        for _ in range(64):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.settimeout(0.05)
            try:
                waiting.connect(address)
            except socket.timeout:
                break
        else:
            pytest.skip("this system takes any number of connections")
        yield address
