"""A stream that is listened to is what it was, and raises what it raised."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argus.console.stream import DeafError, Tap


class Ear:
    """What was heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __call__(self, number: int, text: Any) -> None:
        self.heard.append((number, text))


def test_what_is_printed_is_heard_after_the_stream_has_it():
    stream = io.StringIO()
    seen: list[tuple[str, str]] = []
    tap = Tap(stream, 1, lambda number, text: seen.append((text, stream.getvalue())))
    print("a", 1, file=stream)
    stream.writelines(["b\n", "c\n"])
    tap.leave()
    print("after", file=stream)

    assert "".join(text for text, _ in seen) == "a 1\nb\nc\n"
    assert all(there.endswith(text) for text, there in seen)
    assert stream.getvalue() == "a 1\nb\nc\nafter\n"


def test_the_stream_stays_the_object_that_it_is(tmp_path: Path):
    with open(tmp_path / "f", "w", encoding="latin-1", errors="replace") as stream:
        before = {name: getattr(stream, name) for name in ("encoding", "errors", "buffer", "name")}
        tap = Tap(stream, 0, Ear())
        stream.reconfigure(line_buffering=True)
        assert {name: getattr(stream, name) for name in before} == before
        assert isinstance(stream, io.TextIOWrapper)
        assert stream.isatty() is False
        assert stream.fileno() == before["buffer"].fileno()
        assert stream.write("größer\n") == 7
        tap.leave()
        assert "write" not in vars(stream)
    assert (tmp_path / "f").read_bytes() == "größer\n".encode("latin-1")


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BlockingIOError(11, "full", 3)


@pytest.mark.parametrize(
    ("make", "given", "error"),
    [
        (Broken, ("x",), BlockingIOError),
        (io.StringIO, (b"x",), TypeError),
        (io.StringIO, (), TypeError),
    ],
    ids=["a full pipe", "bytes", "nothing at all"],
)
def test_what_the_stream_raises_is_raised_and_not_heard(
    make: Callable[[], Any], given: tuple[Any, ...], error: type[Exception]
):
    stream, ear = make(), Ear()
    with pytest.raises(error) as bare:
        stream.write(*given)
    tap = Tap(stream, 0, ear)
    with pytest.raises(error) as tapped:
        stream.write(*given)
    tap.leave()
    assert str(tapped.value) == str(bare.value)
    assert ear.heard == []


def test_a_closed_stream_says_so_as_before():
    stream = io.StringIO()
    tap = Tap(stream, 0, Ear())
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        print("x", file=stream)
    tap.leave()


@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError])
def test_what_goes_wrong_with_hearing_is_counted_and_stays_here(error: type[Exception]):
    def fail(number: int, text: Any) -> None:
        raise error

    stream = io.StringIO()
    tap = Tap(stream, 0, fail)
    assert stream.write("x") == 1
    assert (stream.getvalue(), tap.unheard) == ("x", 1)
    tap.leave()


def test_an_interrupt_while_it_is_heard_passes():
    def interrupt(number: int, text: Any) -> None:
        raise KeyboardInterrupt

    stream = io.StringIO()
    tap = Tap(stream, 0, interrupt)
    with pytest.raises(KeyboardInterrupt):
        stream.write("x")
    tap.leave()


@pytest.mark.parametrize("first", [0, 1])
def test_two_listeners_leave_in_any_order_and_leave_nothing_behind(first: int):
    stream, ears = io.StringIO(), [Ear(), Ear()]
    taps = [Tap(stream, number, ear) for number, ear in enumerate(ears)]
    stream.write("both")
    taps[first].leave()
    stream.write("one")
    taps[1 - first].leave()
    stream.write("none")

    assert ears[first].heard == [(first, "both")]
    assert ears[1 - first].heard == [(1 - first, "both"), (1 - first, "one")]
    assert vars(stream) == {}


def test_what_somebody_has_put_before_it_in_between_stays_and_works():
    stream, ear = io.StringIO(), Ear()
    tap = Tap(stream, 0, ear)
    ours = stream.write

    def theirs(text: str) -> int:
        return ours(text.upper())

    stream.write = theirs  # type: ignore[method-assign]
    stream.write("a")
    tap.leave()
    assert stream.write is theirs
    stream.write("b")
    assert (stream.getvalue(), ear.heard) == ("AB", [(0, "A")])


def test_what_somebody_had_put_there_before_is_put_back():
    stream, ear = io.StringIO(), Ear()
    written: list[str] = []
    own = written.append
    stream.write = own  # type: ignore[assignment, method-assign]
    tap = Tap(stream, 0, ear)
    stream.write("x")
    tap.leave()
    assert vars(stream) == {"write": own}
    assert (written, ear.heard) == (["x"], [(0, "x")])


def test_a_stream_put_in_its_place_stays_there(monkeypatch: pytest.MonkeyPatch):
    first, second, ear = io.StringIO(), io.StringIO(), Ear()
    monkeypatch.setattr("sys.stdout", first)
    tap = Tap(first, 0, ear)
    with contextlib.redirect_stdout(second):
        print("theirs")
        tap.leave()
        print("still theirs")
    assert (second.getvalue(), ear.heard) == ("theirs\nstill theirs\n", [])


class Proxy:
    """Sets on what stands behind it whatever is set on it."""

    behind: Any

    def __init__(self, behind: Any) -> None:
        object.__setattr__(self, "behind", behind)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.behind, name, value)

    def write(self, text: str) -> int:
        written: int = self.behind.write(text)
        return written


def test_a_proxy_does_not_call_itself():
    behind, ear = io.StringIO(), Ear()
    proxy = Proxy(behind)
    tap = Tap(proxy, 0, ear)
    proxy.write("x")
    tap.leave()
    proxy.write("y")
    assert (behind.getvalue(), ear.heard, list(vars(proxy))) == ("xy", [(0, "x")], ["behind"])


class Slotted:
    __slots__ = ()

    def write(self, text: str) -> None: ...


class Fixed:
    @property
    def write(self) -> Any:
        return print


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize("stream", [Slotted, Fixed, Hostile, object, int])
def test_what_cannot_be_listened_to_says_so(stream: Callable[[], Any]):
    with pytest.raises(DeafError):
        Tap(stream(), 0, Ear())
