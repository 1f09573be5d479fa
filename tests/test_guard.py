"""The outermost line of each public call."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from argus.delivery.notices import Notices
from argus.guard import never_raises, tell


class Owner:
    def __init__(self) -> None:
        self._notices = Notices()

    @never_raises("otherwise")
    def call(self, error: BaseException | None = None, *, value: Any = 1) -> Any:
        """What it is for."""
        if error is not None:
            raise error
        return value

    @never_raises(None)
    def another(self) -> None:
        raise KeyError("x")


def test_good_call_is_not_changed(caplog: pytest.LogCaptureFixture) -> None:
    assert Owner().call() == 1
    assert Owner().call(None, value=2) == 2
    assert (Owner.call.__name__, Owner.call.__doc__) == ("call", "What it is for.")
    assert caplog.records == []


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), OSError(28, "x"), RecursionError(), MemoryError(), StopIteration()],
    ids=repr,
)
def test_error_costs_nothing_but_the_result(error: Exception) -> None:
    assert Owner().call(error) == "otherwise"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
def test_what_is_meant_to_end_the_program_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        Owner().call(error)

    assert caught.value is error


def test_each_call_that_fails_is_told_once_by_its_type(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    for _ in range(3):
        owner.call(ValueError("em_live_x"))
        owner.another()

    assert [record.getMessage() for record in caplog.records] == [
        "call() failed inside and was left out: ValueError",
        "another() failed inside and was left out: KeyError",
    ]


def test_developers_get_the_traceback_each_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "argus")
    owner = Owner()
    error = ValueError("x")
    owner.call(error)
    owner.call(error)

    told = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert told == [error, error]


class _Broken(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("the disk of the log is full")


def test_log_that_raises_harms_no_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "argus")
    handler = _Broken()
    logging.getLogger("argus").addHandler(handler)
    try:
        owner = Owner()
        assert owner.call(ValueError()) == "otherwise"
        tell(owner, "epoch", ValueError())
    finally:
        logging.getLogger("argus").removeHandler(handler)

    assert owner._notices.unsaid == 4  # a warning and a traceback of each
