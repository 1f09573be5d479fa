"""That a call was left with an error is told, on every Python, by nothing but its frame."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Optional

import pytest

from argus.integrations.frames import FrameWatch, calling
from tests.integrations.reported import PACKAGES


class Training:
    """As a framework's: it calls a hook that is told of no error."""

    def __init__(self) -> None:
        self.told: list[Optional[BaseException]] = []
        self.watch: Any = None

    def fit(self, error: Optional[BaseException] = None) -> None:
        count = 1
        self.hook()
        if error is not None:
            raise type(error)(*error.args)
        assert count == 1

    def hook(self) -> None:
        self.watch = FrameWatch(calling("fit", lambda owner: owner is self), self.told.append)


def test_a_call_that_raises_is_left_once_its_error_is_handled():
    training = Training()
    try:
        training.fit(ValueError())
    except ValueError:
        assert training.told == []
    assert training.told == [None]
    training.watch.end()


def test_a_call_that_returns_is_left_too_but_not_once_the_watch_has_ended():
    training = Training()
    training.fit()
    assert training.told == [None]
    training.watch.end()

    class Careful(Training):
        def hook(self) -> None:
            super().hook()
            self.watch.end()

    careful = Careful()
    careful.fit()
    assert careful.told == []


def test_two_may_watch_one_call():
    class Watched(Training):
        def hook(self) -> None:
            super().hook()
            first = self.watch
            super().hook()
            assert self.watch is not first
            assert self.told == []

    training = Watched()
    training.fit()
    assert training.told == [None, None]


def test_the_call_is_found_by_its_method_and_its_object():
    training = Training()

    class Outer:
        def fit(self) -> None:
            training.fit()

    Outer().fit()
    assert training.told == [None]
    training.watch.end()
    assert calling("fit", lambda owner: True) is None


SCRIPT = """
import sys
sys.path.insert(0, {packages!r})
from argus.integrations.frames import FrameWatch, calling

class Training:
    def fit(self):
        self.watch = FrameWatch(calling("fit", lambda owner: {found}), lambda error: print(repr(error)))
        {error}

{call}
"""


@pytest.mark.parametrize(
    ("error", "call", "found", "told"),
    [
        ("raise ValueError(1)", "Training().fit()", True, "ValueError(1)"),
        ("raise KeyboardInterrupt()", "Training().fit()", True, "KeyboardInterrupt()"),
        ("sys.exit(3)", "Training().fit()", True, "None"),
        ("pass", "t = Training(); t.fit(); 1 / 0", False, "None"),  # and not of another error
    ],
)
def test_at_the_exit_the_error_that_ended_the_process_is_told(
    error: str, call: str, found: bool, told: str
):
    script = SCRIPT.format(packages=str(PACKAGES), error=error, call=call, found=found)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == [told], done.stderr
