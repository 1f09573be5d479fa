"""The fixtures that tests of every folder may ask for, and the one option of the suite."""

import signal

import pytest

from tests.platform.fixtures import _session_proxy, _session_stand_in, proxy, stand_in

__all__ = ["_session_proxy", "_session_stand_in", "proxy", "stand_in"]


# A shell starts what it puts in the background with SIGINT ignored, and all that a test starts would
# inherit that: Ctrl-C is tried here as in the foreground.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="play tests/chaos in full: half an hour")
