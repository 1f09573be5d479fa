"""The fixtures that tests of every folder may ask for."""

from tests.platform.fixtures import _session_proxy, _session_stand_in, proxy, stand_in

__all__ = ["_session_proxy", "_session_stand_in", "proxy", "stand_in"]
