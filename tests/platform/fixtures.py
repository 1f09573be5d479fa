"""The peers as pytest fixtures: one process of each for the whole session, as new for each test.

A test that kills its peer, or needs TLS, makes its own: `with StandIn(tls="good") as platform`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platform.peers import Proxy, StandIn


@pytest.fixture(scope="session")
def _session_stand_in() -> Iterator[StandIn]:
    with StandIn() as platform:
        yield platform


@pytest.fixture(scope="session")
def _session_proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def stand_in(_session_stand_in: StandIn) -> Iterator[StandIn]:
    """A platform that has seen nothing yet, in the mode `ok`."""
    if not _session_stand_in.alive:
        _session_stand_in.restart()
    _session_stand_in.reset()
    yield _session_stand_in
    _session_stand_in.check()


@pytest.fixture
def proxy(_session_proxy: Proxy) -> Iterator[Proxy]:
    """A proxy that is open to all and has seen nothing yet."""
    if not _session_proxy.alive:
        _session_proxy.restart()
    _session_proxy.reset()
    yield _session_proxy
    _session_proxy.check()
