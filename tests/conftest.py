"""The fixtures that tests of every folder may ask for, and the one option of the suite."""

import pytest

from tests.platform.fixtures import _session_proxy, _session_stand_in, proxy, stand_in

__all__ = ["_session_proxy", "_session_stand_in", "proxy", "stand_in"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="play tests/chaos in full: half an hour")
