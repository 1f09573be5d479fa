"""The token is in its `Secret`, and in the bytes of a request while they are written: nowhere else
in all that can be reached from a Reporter, its threads and what they say."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from argus import Reporter
from argus.core.secret import Secret
from argus.transport import answer
from argus.transport.client import HttpClient
from tests.chaos import figures
from tests.environment import clean_environment, platform, quiet
from tests.platform.peers import Proxy, StandIn

__all__ = ["clean_environment", "platform"]

TOKEN = "em_live_walk-all-the-way_9c1d"
PASSWORD = "s3cret-of-the-proxy"

MODES = [
    *("ok", "close", "garbage", "html", "endless_body", "status:500", "redirect_loop"),
    *("stored_but_no_answer", "redirect:http://127.0.0.1:9{path}", "redirect:/a b"),
    *("informational", "wrong_length", "unauthorized_until_token:other"),
]


def reachable(roots: Iterable[Any]) -> list[Any]:
    """All objects below `roots`, but for what lies in a Secret, in modules, classes and code."""
    seen: dict[int, Any] = {}
    waiting = list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (ModuleType, type, CodeType, FrameType)):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, Secret):
            continue
        if isinstance(thing, FunctionType):  # its globals are the module's
            waiting += [thing.__closure__, thing.__defaults__, thing.__kwdefaults__, vars(thing)]
        else:
            waiting += gc.get_referents(thing)
            waiting.append(getattr(thing, "__dict__", None))
    return list(seen.values())


def texts_of(things: Iterable[Any]) -> list[str]:
    """Each text among them as it is, and each of our own objects as it shows itself."""
    texts = []
    for thing in things:
        if isinstance(thing, str):
            texts.append(thing)
        elif isinstance(thing, (bytes, bytearray)):
            texts.append(bytes(thing).decode("latin-1"))
        elif type(thing).__module__.startswith("argus"):
            texts += [repr(thing), str(thing), repr(getattr(thing, "__dict__", None))]
    return texts


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("argus-")]


def frames_of(thread: threading.Thread) -> list[FrameType]:
    assert thread.ident is not None
    frame = sys._current_frames().get(thread.ident)
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def things_of_threads(least: int) -> list[Any]:
    """What hangs on the frames of our threads alone, once so many of them have an HttpClient."""
    until = time.monotonic() + 10.0
    while True:
        frames = [frame for thread in threads() for frame in frames_of(thread)]
        own = [frame.f_locals.get("self") for frame in frames]
        if sum(isinstance(thing, HttpClient) for thing in reachable(own)) >= least:
            return own
        assert time.monotonic() < until, own
        threading.Event().wait(0.01)


def assert_unseen(roots: Iterable[Any]) -> None:
    things = reachable(roots)
    texts = texts_of(things)
    assert not [text for text in texts if TOKEN in text or PASSWORD in text]
    figures.count("objects searched for the token", len(things))


def test_the_walk_finds_what_is_not_hidden(platform: StandIn) -> None:
    with quiet(token=TOKEN) as r:
        platform.wait_for(1)
        for hidden in ({"a": [TOKEN]}, Holder(), (TOKEN.encode(),), closure()):
            r._notices.extra = hidden  # type: ignore[attr-defined]
            with pytest.raises(AssertionError):
                assert_unseen([r])
        del r._notices.extra  # type: ignore[attr-defined]
        assert_unseen([r])


class Holder:
    __slots__ = ("token",)

    def __init__(self) -> None:
        self.token = TOKEN


def closure() -> Any:
    token = TOKEN[:-1] + TOKEN[-1]
    return lambda: token


@pytest.mark.parametrize("mode", MODES)
def test_no_object_of_a_reporter_or_its_threads_holds_the_token(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.2")
    Path("a.png").write_bytes(b"x")
    platform.mode(mode)
    with Reporter(token=TOKEN, stop_polling=0.05, heartbeat=0.05) as r, r.job("j") as j:
        j.epoch(0, val_loss=0.5)
        j.upload("a.png", wait=False)
        platform.wait_for(connections=2)
        own = things_of_threads(least=3)  # sender, stop poll, uploads
        assert_unseen([r, j, *threads(), *own])


def test_no_frame_that_waits_for_an_answer_holds_the_token(
    stand_in: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.2")
    monkeypatch.setenv("ARGUS_URL", "http://argus.invalid")
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", f"//ann:{PASSWORD}@"))
    proxy.set(auth=f"ann:{PASSWORD}", forward_to=f"127.0.0.1:{stand_in.port}")
    stand_in.mode("hang")
    with quiet(token=TOKEN) as r:
        stand_in.wait_for(body_bytes=1)
        (sender,) = [thread for thread in threads() if thread.name == "argus-sender"]
        frames = frames_of(sender)
        assert "exchange" in [frame.f_code.co_name for frame in frames]  # in the middle of one
        assert_unseen([r, *(dict(frame.f_locals) for frame in frames)])
    (request,) = proxy.requests()
    assert request["headers"]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("mode", ["ok", "close"])
def test_no_traceback_shows_the_token(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    def broken(line: str) -> Any:
        raise LookupError("an error that nobody thought of")

    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.2")
    monkeypatch.setattr(answer, "_status_line", broken)
    caplog.set_level(logging.DEBUG)
    platform.mode(mode)
    with quiet(token=TOKEN, stop_polling=0.05) as r, r.job("j") as j:
        j.epoch(0)
        platform.wait_for(connections=2)
    said = []
    for record in caplog.records:
        said.append(logging.Formatter().format(record))
        if record.exc_info and record.exc_info[1] is not None:
            shown = traceback.TracebackException(*record.exc_info, capture_locals=True)
            said += shown.format()
    assert said != []
    assert not [text for text in said if TOKEN in text]
