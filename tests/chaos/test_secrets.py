"""Secrets in all places that a user, a platform or an error puts them, and none that leaves."""

from __future__ import annotations

import gc
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argus import emit
from argus.core import settings
from tests.chaos import figures
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

TOKEN = "em_live_never-shown_7f3a"


def report_the_token_everywhere(ending: type[Exception] | None) -> None:
    r = quiet(token=TOKEN, command=f"train.py {TOKEN}")
    with r, r.job(TOKEN, model=f"a{TOKEN}b", dataset=TOKEN) as j:
        j.epoch(0, **{TOKEN: TOKEN, "nested": [{TOKEN: (TOKEN, TOKEN.encode())}]})
        j.metrics({TOKEN: TOKEN})
        j.log(f"the token is {TOKEN}", level=TOKEN)
        r.emit(TOKEN, job_id=f"{TOKEN}-2", batch_id=f"{TOKEN}-3", x=TOKEN)
        emit("env_snapshot", pip_freeze=[TOKEN], git_sha=TOKEN)
        if ending:
            raise ending(f"no access with {TOKEN}")


@pytest.mark.parametrize("mode", ["ok", "close"])
@pytest.mark.parametrize("ending", [None, ValueError])
def test_own_token_leaves_in_no_event_and_is_in_no_file(
    platform: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    ending: type[Exception] | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    platform.mode(mode)
    try:
        report_the_token_everywhere(ending)
    except ValueError as error:
        assert TOKEN in str(error), "the exception is the user's, and untouched"

    written = [path.read_bytes() for path in Path("kept").rglob("events.jsonl")]
    lines = b"".join(written).splitlines()
    assert len(lines) == 8
    assert [json.loads(line)["schema_version"] for line in lines] == ["1.1"] * 8
    assert not [line for line in lines if TOKEN.encode() in line]
    assert len(platform.events()) == (8 if mode == "ok" else 0)
    assert platform.stats()["rejected"] == 0
    assert not [record for record in caplog.records if TOKEN in record.getMessage()]
    figures.count("lines and objects searched for secrets", len(lines))


SECRETS = {
    "postgresql://ann:S3cret@db/x": "S3cret",
    "https://h/x?access_token=S3cret&n=1": "S3cret",
    "Authorization: Bearer S3cret": "S3cret",
    "{'api_key': 'S3cret'}": "S3cret",
    "hf_S3cretabcdefghijklmnopqrst": "S3cret",
    "-----BEGIN RSA PRIVATE KEY-----\nS3cret": "S3cret",
}


def test_error_of_a_failure_hides_what_looks_like_a_secret(platform: StandIn) -> None:
    class ApiError(Exception):
        pass

    for text in SECRETS:
        with pytest.raises(ApiError), quiet() as r, r.job("j") as j:
            j.log(text)
            raise ApiError(f"refused: {text}")

    failed = platform.events("job_failed") + platform.events("batch_failed")
    assert len(failed) == 2 * len(SECRETS)
    for event in failed:
        assert event["data"]["error"].startswith("ApiError: refused: ")
        assert "S3cret" not in json.dumps(event)
    # A line of a log is the user's own: it arrives as it was written.
    assert [event["data"]["line"] for event in platform.events("log_line")] == list(SECRETS)
    figures.count("lines and objects searched for secrets", len(SECRETS))


def own_objects() -> Iterator[Any]:
    for thing in gc.get_objects():
        # From the class itself: other tests leave classes that answer no question.
        if str(vars(type(thing)).get("__module__")).split(".")[0] == "argus":
            yield thing


def attributes(thing: Any) -> Iterator[Any]:
    yield from dict(getattr(thing, "__dict__", {})).values()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, slot, None)


def test_no_object_of_any_thread_shows_the_token(platform: StandIn) -> None:
    Path("a.png").write_bytes(b"x")
    token = "em_live_of-this-test-alone"
    with quiet(token=token, stop_polling=0.05, heartbeat=0.05) as r, r.job("j") as j:
        j.upload("a.png")
        platform.wait_for(lambda p: p.requests("stop-requested"))
        shown = [
            (type(thing).__name__, f"{thing!r} {list(attributes(thing))!r}")
            for thing in own_objects()
        ]

    names = {name for name, _ in shown}
    assert {"Sender", "HttpClient", "StopPoll", "Uploader", "Encoder", "Secret"} <= names
    assert [name for name, text in shown if token in text] == []
    assert {q["headers"]["authorization"] for q in platform.requests()} == {f"Bearer {token}"}
    figures.count("lines and objects searched for secrets", len(shown))


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_traceback_with_all_values_shows_no_token(
    platform: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    given: str,
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    caplog.set_level(logging.DEBUG, "argus")
    monkeypatch.setattr(settings, "_token_for", fails)
    monkeypatch.setenv("ARGUS_TOKEN", TOKEN if given == "environment" else "other")
    quiet(token=TOKEN if given == "argument" else None)

    (error,) = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert error is not None
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "resolve" in told
    assert "guarded" in told
    assert TOKEN not in told
