"""What only the tests of the stand-in itself need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.platform.client import Client
from tests.platform.peers import StandIn


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[Client]:
    """A keep-alive connection to `stand_in`."""
    client = Client(stand_in.port)
    with contextlib.closing(client.connection):
        yield client
