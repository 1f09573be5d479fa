"""A hook that fails inside is left out, and said once."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from argus.integrations.guard import never_raises
from tests.environment import said

__all__ = ["said"]


class Callback:
    @never_raises
    def hook(self, error: Any) -> Any:
        raise error

    @never_raises
    def other(self) -> int:
        return 7


def test_a_hook_that_raises_returns_none_and_says_so_once(said: list[str]):
    callback = Callback()
    assert [callback.hook(ValueError("em_live_secret")) for _ in range(3)] == [None] * 3
    assert callback.other() == 7
    assert said == ["Callback.hook() failed inside and was left out: ValueError"]


def test_what_ends_the_training_passes():
    for error in (KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            Callback().hook(error())


def test_what_a_signal_handler_raises_is_the_users_and_passes():
    class Slow(Callback):
        @never_raises
        def wait(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def handler(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(TimeoutError):
            Slow().wait()
    finally:
        signal.signal(signal.SIGINT, before)
