"""What a signal handler raises is the user's; what a value's own methods raise is not."""

from __future__ import annotations

import functools
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from argus.core.interruption import is_interruption
from argus.core.values import bounded_text, plain

if not hasattr(signal, "raise_signal") or not hasattr(signal, "SIGUSR1"):
    pytest.skip("this system has no signals to spare", allow_module_level=True)


class PreemptedError(Exception):
    pass


def end(*_: Any) -> None:
    raise SystemExit(143)


def end_by_name(number: int, frame: Any) -> None:
    deeper()


def deeper() -> None:
    raise PreemptedError


class Handler:
    def __call__(self, number: int, frame: Any) -> None:
        deeper()

    def method(self, number: int, frame: Any) -> None:
        deeper()


@pytest.fixture(
    params=[end, end_by_name, Handler(), Handler().method, functools.partial(end_by_name)],
    ids=["any_arguments", "function", "object", "method", "partial"],
)
def handler(request: pytest.FixtureRequest) -> Iterator[Any]:
    before = signal.signal(signal.SIGUSR1, request.param)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


class Gpu:
    """A number that is waited for, and a signal that comes meanwhile."""

    def item(self) -> float:
        signal.raise_signal(signal.SIGUSR1)
        return 0.5

    __str__ = item  # type: ignore[assignment]


@pytest.mark.parametrize("convert", [plain, bounded_text, lambda value: plain({"a": [value]})])
def test_what_a_signal_handler_raises_during_a_conversion_passes(
    handler: Any, convert: Any
) -> None:
    with pytest.raises((SystemExit, PreemptedError)):
        convert(Gpu())


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), PreemptedError(), ValueError()])
def test_what_the_method_of_a_value_raises_does_not(error: BaseException) -> None:
    class Value:
        def item(self, number: int = 1, frame: object = None) -> None:
            raise error

    assert plain([Value()]) == [f"<Value: {type(error).__name__}>"]
    assert not is_interruption(error)


def test_keyboard_interrupt_is_one_wherever_it_comes_from() -> None:
    assert is_interruption(KeyboardInterrupt())


def test_error_that_answers_no_question_is_judged_all_the_same() -> None:
    def barred(self: object, name: str) -> None:
        raise SystemExit

    assert not is_interruption(type("Barred", (ValueError,), {"__getattribute__": barred})())
