"""A monitor in this process, and a connection to it."""

import pytest

from argus.server.app import Monitor
from tests.server.events import Client


@pytest.fixture
def monitor(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path / "runs") as monitor:
        yield monitor


@pytest.fixture
def client(monitor):
    client = Client(monitor.port)
    yield client
    client.connection.close()


@pytest.fixture
def run_directories(tmp_path):
    """The run directories that exist now, the oldest first."""
    return lambda: sorted(path.parent for path in tmp_path.glob("runs/*/*/*/run.json"))
