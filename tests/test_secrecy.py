"""The token goes into the header of requests, and nowhere else."""

from __future__ import annotations

import copy
import logging
import pickle
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from argus.job import JobContext
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

TOKEN = "em_live_never-shown_7f3a"


def visible(thing: Any, seen: set[int]) -> list[str]:
    """Every text that can be reached from `thing` by `vars()`, slots and containers, and each
    `repr` on the way."""
    if id(thing) in seen or isinstance(thing, (type, ModuleType, FunctionType, int, float)):
        return []
    seen.add(id(thing))
    texts = [repr(thing), str(thing)]
    inside: list[Any] = []
    if isinstance(thing, dict):
        inside += [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set, frozenset)):
        inside += thing
    elif not isinstance(thing, (str, bytes)):
        inside += getattr(thing, "__dict__", {}).values()
        for kind in type(thing).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                inside.append(getattr(thing, slot, None))
        inside.append(getattr(thing, "__self__", None))
    for item in inside:
        texts += visible(item, seen)
    return texts


def everything_said(caplog: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter("%(message)s %(args)s")
    return "\n".join(formatter.format(record) for record in caplog.records)


def bytes_below(directory: Path) -> bytes:
    return b"".join(
        str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        for path in directory.rglob("*")
    )


def test_reporter_and_its_parts_show_no_token(platform: StandIn) -> None:
    with quiet(token=TOKEN) as r, r.job("j") as j:
        platform.wait_for(1)
        assert r._channel is not None
        texts = visible(r, set()) + visible(j, set())
        texts += [repr(vars(r)), repr(vars(r._channel)), repr(vars(j)), f"{r._settings.token}"]
        for thing in (r._settings, r._settings.token):
            texts.append(repr(pickle.dumps(thing)))
            texts += visible(copy.deepcopy(thing), set())

    assert any(r.batch_id in text for text in texts)
    assert not any(TOKEN in text for text in texts)
    assert {q["headers"]["authorization"] for q in platform.requests()} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("ok", None),
        ("close", None),
        ("html", None),
        ("garbage", None),
        ("redirect:http://localhost:9{path}", None),
        ("status:401", f'{{"detail": "Bearer {TOKEN} has expired"}}'),
        ("status:500", f"{{'authorization': 'Bearer {TOKEN}'}}"),
        ("status:422", f'{{"detail": [{{"loc": ["body", "events", 0], "msg": "{TOKEN}"}}]}}'),
        ("status:200", f"<p>{TOKEN}</p>"),
    ],
)
@pytest.mark.parametrize("through", ["argument", "environment", "file"])
def test_no_log_and_no_file_shows_the_token(
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    body: str | None,
    through: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    given = {}
    if through == "argument":
        given = {"monitor_url": stand_in.url, "token": TOKEN}
    elif through == "environment":
        monkeypatch.setenv("ARGUS_URL", stand_in.url)
        monkeypatch.setenv("ARGUS_TOKEN", TOKEN)
    else:
        monkeypatch.setenv("ARGUS_TEAM_TOKEN", TOKEN)
        Path("configs").mkdir()
        Path("configs/monitor.yaml").write_text(
            f"url: {stand_in.url}\ntoken: $ARGUS_TEAM_TOKEN\nwhat: [is, this]\n", "utf-8"
        )
    Path("a.png").write_bytes(b"x")
    stand_in.mode(mode, body=body)
    command = f"train.py --token {TOKEN}"
    with quiet(stop_polling=0.05, command=command, **given) as r, r.job("j") as j:
        j.epoch(0)
        j.upload("a.png", wait=False)
        stand_in.wait_for(connections=2)

    asked_by = {q["headers"].get("authorization") for q in stand_in.requests()}
    assert asked_by <= {f"Bearer {TOKEN}"}
    assert asked_by or mode == "close"
    assert TOKEN not in everything_said(caplog)
    assert TOKEN.encode() not in bytes_below(Path("kept")) + bytes_below(Path("state"))


@pytest.mark.parametrize(
    "token", [f"{TOKEN} ", f"{TOKEN}\n", f"a {TOKEN}", f"{TOKEN}\r\nX-A: 1", "ü"]
)
def test_token_that_no_header_can_carry_is_told_without_it(
    platform: StandIn, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with quiet(token=token) as r:
        texts = visible(r, set())

    assert TOKEN not in everything_said(caplog)
    assert not any(TOKEN in text for text in texts)
    assert all("x-a" not in request["headers"] for request in platform.requests())
    assert len(platform.events()) == 2


def test_password_in_the_url_is_neither_sent_nor_shown(
    stand_in: StandIn, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with quiet(monitor_url=f"http://ann:{TOKEN}@127.0.0.1:{stand_in.port}") as r:
        texts = visible(r, set()) + visible(JobContext(r, "j", None, None, {}), set())

    assert not any(TOKEN in text for text in texts)
    assert TOKEN not in everything_said(caplog)
    assert {q["headers"].get("authorization") for q in stand_in.requests()} == {None}
    assert len(stand_in.events()) == 2
    assert len(said) == 1
