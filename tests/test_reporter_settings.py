"""Where a Reporter reports to, and where not: arguments, environment and settings file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from argus import Reporter
from argus.cli import main
from tests.environment import (
    TOKEN,
    clean_environment,
    files_below,
    platform,
    quiet,
    said,
)
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def settings_file(text: str) -> None:
    Path("configs").mkdir()
    Path("configs/monitor.yaml").write_text(text, "utf-8")


def who_was_asked(stand_in: StandIn) -> list[tuple[str, Any]]:
    return [
        (request["path"], request["headers"].get("authorization"))
        for request in stand_in.requests()
    ]


# Precedence


def test_argument_wins_over_environment_over_file(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    asked = []
    settings_file(f"url: {stand_in.url}/file\ntoken: em_live_file\n")
    for step in ("file", "environment", "argument"):
        stand_in.reset()
        given = {}
        if step == "environment":
            monkeypatch.setenv("ARGUS_URL", f"{stand_in.url}/environment/")
            monkeypatch.setenv("ARGUS_TOKEN", "em_live_environment")
        if step == "argument":
            given = {"monitor_url": f"{stand_in.url}/argument", "token": "em_live_argument"}
        with quiet(**given):
            pass
        asked.append(who_was_asked(stand_in)[0])

    assert asked == [
        (f"/{step}/api/events/batch", f"Bearer em_live_{step}")
        for step in ("file", "environment", "argument")
    ]


def test_without_a_token_requests_carry_none(platform: StandIn) -> None:
    with quiet():
        pass

    assert {header for _, header in who_was_asked(platform)} == {None}


def test_values_of_the_settings_file_pass_through_the_environment(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    monkeypatch.setenv("PORT", str(stand_in.port))
    monkeypatch.setenv("WHO", "ann")
    monkeypatch.setenv("PLACE", str(tmp_path))
    settings_file(
        "# ours\nmonitor:\n  url: 'http://127.0.0.1:${PORT}'\n  token: em_live_$WHO  # hers\n"
        "  runs_dir: $PLACE/kept\n  colour: [red]\n"
    )
    with quiet(batch_id="b"):
        pass

    assert {token for _, token in who_was_asked(stand_in)} == {"Bearer em_live_ann"}
    assert len(stand_in.events()) == 2
    assert len(list(Path("kept").glob("*/*/b/events.jsonl"))) == 1
    assert said == ["configs/monitor.yaml: line 6 is not understood and ignored"]


def test_settings_file_is_read_where_the_reporter_is_made(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings_file(f"url: {stand_in.url}\n")
    r = quiet()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with r, quiet():
        pass

    assert len(stand_in.events()) == 2


# Off


@pytest.mark.parametrize("word", ["1", "true", "YES", "on"])
def test_disabled_by_a_word(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, word: str, said: list[str]
) -> None:
    monkeypatch.setenv("ARGUS_DISABLE", word)
    monkeypatch.setenv("ARGUS_RUNS_DIR", "runs")
    _nothing_happens(platform)
    assert said == []


@pytest.mark.parametrize("word", ["0", "false", "no", "off", ""])
def test_not_disabled_by_another_word(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("ARGUS_DISABLE", word)
    with quiet():
        pass

    assert len(platform.events()) == 2


def test_mode_disabled(platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setenv("ARGUS_MODE", "disabled")
    _nothing_happens(platform)
    assert said == []


def _nothing_happens(platform: StandIn) -> None:
    files = files_below(Path())
    with Reporter(heartbeat=0.05, stop_polling=0.05, resource_snapshot=0.05) as r:
        with r.job("j") as j:
            j.epoch(0)
            assert j.upload(__file__) == 0
        r.stop()
        assert r.stopped
    assert files_below(Path()) == files
    assert platform.stats()["connections"] == 0


# Kept runs


@pytest.mark.parametrize("runs_dir", [None, "kept"])
def test_mode_backup_keeps_everything_and_sends_nothing(
    platform: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    runs_dir: str | None,
) -> None:
    monkeypatch.setenv("ARGUS_MODE", "backup")
    if runs_dir:
        monkeypatch.setenv("ARGUS_RUNS_DIR", runs_dir)
    with quiet(batch_id="b") as r, r.job("j") as j:
        j.epoch(0)

    (run,) = Path(runs_dir or "runs").glob("*/*/b")
    assert (run / "events.jsonl").read_text("utf-8").count("\n") == 5
    assert platform.stats()["connections"] == 0
    assert said == []


def test_runs_directory_keeps_what_is_delivered_too(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    with quiet(batch_id="b"):
        pass

    (run,) = Path("kept").glob("*/*/b")
    assert (run / "events.jsonl").read_text("utf-8").count("\n") == 2
    assert len(platform.events()) == 2
    assert said == []


def test_delivered_run_leaves_nothing_in_the_state_directory(platform: StandIn) -> None:
    with quiet():
        platform.wait_for(1)
        assert len(files_below(Path("state"))) > 1

    assert files_below(Path("state")) == []


# What is said to a person


def test_wrong_url_is_said_once(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("ARGUS_URL", f"{stand_in.url}/nowhere")
    with Reporter(heartbeat=0.05, stop_polling=0.05, resource_snapshot=0.05) as r:
        with r.job("j") as j:
            stand_in.wait_for(requests=3)
            j.epoch(0)
        with r.job("k"):
            pass

    assert len(said) == 1
    assert "check ARGUS_URL" in said[0]


def test_refused_token_is_said_once(platform: StandIn, said: list[str]) -> None:
    platform.mode(f"unauthorized_until_token:{TOKEN}")
    with Reporter(heartbeat=0.05, stop_polling=0.05, token="em_live_wrong") as r:
        with r.job("j") as j:
            platform.wait_for(requests=2)
            j.epoch(0)
        with r.job("k"):
            pass

    assert len(said) == 1
    assert "check ARGUS_TOKEN" in said[0]


def test_nobody_there_is_said_once_and_the_next_run_delivers(
    platform: StandIn, said: list[str]
) -> None:
    platform.mode("close")
    with quiet(batch_id="b") as r, r.job("j") as j:
        j.epoch(0)
    assert len(said) == 1
    assert "5 events could not be delivered" in said[0]

    platform.mode("ok")
    with quiet(batch_id="c"):
        pass

    assert len(said) == 1
    assert [e["batch_id"] for e in platform.events()] == ["c", "c", *"bbbbb"]
    assert files_below(Path("state")) == []


def test_a_backup_that_has_no_place_says_what_is_lost(
    said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARGUS_RUNS_DIR", str(tmp_path / "file" / "runs"))
    with quiet(mode="backup"):
        pass
    first, last = said
    assert "events cannot be written to disk" in first
    assert "2 events could not be written to disk: they are lost" in last


def test_a_run_that_is_kept_is_handed_in_by_the_command_that_is_said(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_RUNS_DIR", "runs")
    platform.mode("close")
    with quiet(batch_id="b"):
        pass
    platform.mode("ok")
    with quiet(batch_id="c"):  # another run does not
        pass

    assert [e["batch_id"] for e in platform.events()] == ["c", "c"]
    [message] = said
    [run] = Path("runs").resolve().glob("*/*/b")
    command = f"argus sync {run}"
    assert f"kept in {run}; `{command}` delivers them" in message
    assert main(command.split()[1:]) == 0
    assert len(platform.events()) == 4


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://[::1"])
def test_url_that_is_none_is_said_once(said: list[str], url: str) -> None:
    with quiet(monitor_url=url) as r, r.job("j") as j:
        j.epoch(0)

    assert len(said) == 1
    assert "ARGUS_URL" in said[0]
    assert files_below(Path()) == []


def test_batch_id_that_cannot_be_polled_is_said_once(platform: StandIn, said: list[str]) -> None:
    with Reporter(batch_id="a/b", heartbeat=False, resource_snapshot=False):
        pass

    assert [event["batch_id"] for event in platform.events()] == ["a/b", "a/b"]
    assert len(said) == 1
    assert "stop button" in said[0]


def test_trouble_with_the_network_alone_is_for_developers(
    platform: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "argus")
    platform.mode("status:500", times=1)
    with quiet():
        pass

    assert len(platform.events()) == 2
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert {record.name for record in caplog.records} == {"argus"}


def test_argus_adds_no_handler() -> None:
    assert logging.getLogger("argus").handlers == []


def test_backup_without_a_place_names_the_setting_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    (tmp_path / "taken").write_text("a file where runs should be")
    monkeypatch.setenv("ARGUS_RUNS_DIR", str(tmp_path / "taken"))

    with quiet(mode="backup"):
        pass

    assert len([text for text in said if "ARGUS_RUNS_DIR names another place" in text]) == 1
