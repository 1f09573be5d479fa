"""The module-level functions, and which Reporter they speak to."""

from __future__ import annotations

import hashlib
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import argus
from argus import (
    derive_batch_id,
    emit,
    get_batch_id,
    new_batch_id,
    set_batch_id,
    sub_env,
)
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def lines(platform: StandIn) -> list[tuple[str, str, str]]:
    return [
        (event["data"]["line"], event["batch_id"], event["job_id"])
        for event in platform.events("log_line")
    ]


# emit


def test_without_a_reporter_nothing_happens(platform: StandIn, said: list[str]) -> None:
    emit("event", job_id="j", anything=object())

    assert platform.stats()["connections"] == 0
    assert said == []


def test_emit_speaks_to_the_innermost_reporter(platform: StandIn) -> None:
    assert get_batch_id() is None
    with quiet(batch_id="outer") as outer:
        emit("1")
        assert get_batch_id() == "outer"
        with quiet(batch_id="inner") as inner:
            assert get_batch_id() == "inner"
            emit("2")
            outer.emit("3")
            with inner.job("j"):
                emit("4")
        assert get_batch_id() == "outer"
        emit("5")
    assert get_batch_id() is None
    emit("6")

    assert sorted(lines(platform)) == [
        ("1", "outer", "outer"),
        ("2", "inner", "inner"),
        ("3", "outer", "outer"),
        ("4", "inner", "j"),
        ("5", "outer", "outer"),
    ]


def test_batch_that_was_set_before_a_reporter_is_current_again_after_it(
    platform: StandIn,
) -> None:
    set_batch_id("mine")
    with quiet(batch_id="outer"):
        with quiet(batch_id="inner"):
            assert get_batch_id() == "inner"
        assert get_batch_id() == "outer"
    assert get_batch_id() == "mine"


def test_reporters_closed_in_any_order_leave_none_active(platform: StandIn) -> None:
    outer, inner = quiet(batch_id="outer"), quiet(batch_id="inner")
    with outer:
        inner.__enter__()
    assert get_batch_id() == "inner"
    emit("1")
    inner.__exit__(None, None, None)
    assert get_batch_id() is None

    assert lines(platform) == [("1", "inner", "inner")]


def test_emit_from_many_threads(platform: StandIn) -> None:
    def report(number: int) -> None:
        for at in range(50):
            emit(f"{number}-{at}")

    with quiet(batch_id="b"):
        threads = [threading.Thread(target=report, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(lines(platform)) == sorted(
        (f"{number}-{at}", "b", "b") for number in range(8) for at in range(50)
    )


# Batch ids


def test_set_batch_id_turns_emit_to_another_batch(platform: StandIn) -> None:
    with quiet(batch_id="own") as r:
        set_batch_id("other")
        assert get_batch_id() == "other"
        emit("1")
        emit("2", batch_id="third")
        emit("3", batch_id="own")
        r.emit("4")
        set_batch_id(None)
        assert get_batch_id() is None
        emit("5")
        set_batch_id("")
        emit("6")
    assert r.batch_id == "own"

    assert [(line, batch) for line, batch, _ in lines(platform)] == [
        ("1", "other"),
        ("2", "third"),
        ("3", "own"),
        ("4", "own"),
        ("5", "own"),
        ("6", "own"),
    ]


def test_batch_id_that_was_set_in_the_block_outlives_it(platform: StandIn) -> None:
    with quiet(batch_id="own"):
        set_batch_id("mine")

    assert get_batch_id() == "mine"


def test_new_batch_ids() -> None:
    assert re.fullmatch(r"batch-[0-9a-f]{12}", new_batch_id())
    assert re.fullmatch(r"sweep-[0-9a-f]{12}", new_batch_id("sweep"))
    assert len({new_batch_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (("demo", "exp", "abc123"), "demo|exp|abc123"),
        (("demo", "exp", ""), "demo|exp|no-git"),
        (("projét", "ex|p", "a"), "projét|ex|p|a"),
        ((1, None, "a"), "1|None|a"),
    ],
)
def test_derived_batch_id_follows_the_documented_formula(given: Any, key: str) -> None:
    expected = hashlib.sha256(key.encode()).hexdigest()[:16]

    assert derive_batch_id(*given) == f"bench-{expected}"
    assert derive_batch_id(*given, prefix="sweep") == f"sweep-{expected}"


def test_derived_batch_id_continues_its_batch(platform: StandIn) -> None:
    batch_ids = []
    for _ in range(2):
        with quiet(resume_from=derive_batch_id("demo", "exp", "abc")) as r:
            batch_ids.append(r.batch_id)

    assert batch_ids[0] == batch_ids[1]
    assert {event["batch_id"] for event in platform.events()} == set(batch_ids)


# sub_env


def test_variables_come_from_the_arguments_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WHO", "ann")
    monkeypatch.setenv("WHERE", "node-1")
    monkeypatch.delenv("NOWHERE", raising=False)

    assert sub_env("$WHO@${WHERE}:$PORT/${NOWHERE}/$NOWHERE$", WHERE="node-2", PORT=8000) == (
        "ann@node-2:8000/${NOWHERE}/$NOWHERE$"
    )


@pytest.mark.parametrize("value", [None, 5, 1.5, True, b"$HOME", ["$HOME"], {}], ids=repr)
def test_what_is_no_text_comes_back_as_it_is(value: Any) -> None:
    assert sub_env(value, HOME="x") is value


def test_long_texts_come_back_whole() -> None:
    text = "x" * 1_000_000

    assert sub_env(text) == text
    assert sub_env("<$X>", X=text) == f"<{text}>"


@pytest.mark.parametrize("template", ["${\ud800}", "${}", "${\0}", "${=}", "$", "${" * 10_000])
def test_name_that_no_variable_can_have_stays_as_written(template: str) -> None:
    assert sub_env(template) == template


# The rest


def test_what_the_package_exports() -> None:
    assert argus.SCHEMA_VERSION == "1.1"
    assert re.fullmatch(r"\d+\.\d+\.\d+", argus.__version__)
    assert sorted(argus.__all__) == [
        "JobContext",
        "Reporter",
        "SCHEMA_VERSION",
        "__version__",
        "derive_batch_id",
        "emit",
        "get_batch_id",
        "new_batch_id",
        "set_batch_id",
        "sub_env",
    ]
    assert all(hasattr(argus, name) for name in argus.__all__)
    assert (Path(argus.__file__).parent / "py.typed").exists()
