"""One `env_snapshot` of a batch: when it comes, what it holds, and who sends none."""

from __future__ import annotations

import json
import os
import platform as python_platform
import threading
from pathlib import Path
from typing import Any

import pytest

from argus import Reporter
from argus.core import contract
from argus.delivery import environment
from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices
from tests.delivery.conftest import settings_for
from tests.environment import clean_environment, platform, quiet, said
from tests.launch.repositories import needs_git, own_git, repository
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "own_git", "platform", "said"]

CONFIG = {"model": {"lr": 0.1, "dims": [1, 2]}, "api_key": "abc"}
FLAT = {"model.lr": 0.1, "model.dims": [1, 2], "api_key": "***"}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is begun with the first event."""
    monkeypatch.setattr(environment, "FIRST_S", 0.0)


def snapshots(stand_in: StandIn) -> list[dict[str, Any]]:
    return stand_in.events("env_snapshot")


def wait_for_snapshot(stand_in: StandIn, r: Reporter) -> dict[str, Any]:
    def look(stand_in: StandIn) -> list[dict[str, Any]]:
        r.emit("job_start", job_id="urgent")  # and nothing lingers
        return snapshots(stand_in)

    event: dict[str, Any] = stand_in.wait_for(look)[0]
    return event


@needs_git
def test_a_batch_tells_once_what_it_runs_from_and_on(
    platform: StandIn, said: list[str], at_once: None, tmp_path: Path, monkeypatch
) -> None:
    sha = repository(tmp_path)
    (tmp_path / "packages" / "torch-2.1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with quiet(config=CONFIG) as r:
        event = wait_for_snapshot(platform, r)

    data = event["data"]
    assert contract.data_error("env_snapshot", data) is None
    assert (event["batch_id"], event["job_id"]) == (r.batch_id, None)
    assert (data["git_sha"], data["git_branch"], data["git_dirty"]) == (sha, "main", False)
    assert data["python_version"] == python_platform.python_version()
    assert data["hostname"] == event["source"]["host"]
    assert data["config"] == FLAT
    assert data["environment"]["SLURM_JOB_ID"] == "17"
    assert "torch==2.1.0" in data["pip_freeze"]
    assert len(snapshots(platform)) == 1, "not again at the end"
    assert platform.events()[0]["event_type"] == "batch_start"
    assert platform.stats()["rejected"] == 0
    assert said == []


def test_a_run_too_short_for_it_tells_its_config_alone(platform: StandIn, said: list[str]) -> None:
    with quiet(config=CONFIG) as r:
        pass

    types = [event["event_type"] for event in platform.events()]
    assert types == ["batch_start", "env_snapshot", "batch_done"]
    assert snapshots(platform)[0]["data"] == {
        "python_version": python_platform.python_version(),
        "hostname": snapshots(platform)[0]["source"]["host"],
        "config": FLAT,
    }
    assert r._notices.mistakes == 0
    assert said == []


def test_a_run_too_short_for_it_and_without_config_tells_nothing(platform: StandIn) -> None:
    with quiet():
        pass

    assert [event["event_type"] for event in platform.events()] == ["batch_start", "batch_done"]


def test_who_leaves_while_it_is_gathered_tells_what_there_is(
    platform: StandIn, said: list[str], at_once: None, monkeypatch
) -> None:
    from argus.launch import snapshot

    has_begun, may_end = threading.Event(), threading.Event()

    def parts(*_: Any) -> Any:
        yield {"command": "train"}
        has_begun.set()
        may_end.wait(30.0)
        yield {"platform": "too late"}

    monkeypatch.setattr(snapshot, "parts", parts)
    with quiet(config=CONFIG) as r:
        assert has_begun.wait(30.0)
    may_end.set()
    for thread in threading.enumerate():
        if thread.name == "argus-environment":
            thread.join(30.0)

    (event,) = snapshots(platform)
    assert event["data"]["command"] == "train"
    assert "platform" not in event["data"]
    assert r._notices.mistakes == 0, "nothing was reported after the block was left"
    assert said == []


def test_what_cannot_be_gathered_harms_nobody(
    platform: StandIn, said: list[str], at_once: None, monkeypatch
) -> None:
    from argus.launch import snapshot

    def parts(*_: Any) -> Any:
        raise ValueError("no")

    monkeypatch.setattr(snapshot, "parts", parts)
    with quiet() as r:
        data = wait_for_snapshot(platform, r)["data"]

    assert sorted(data) == ["hostname", "python_version"]
    assert said == []


def test_a_process_that_joins_a_batch_does_not_speak_for_it(
    platform: StandIn, at_once: None, monkeypatch
) -> None:
    monkeypatch.setenv("ARGUS_BATCH_ID", "theirs")
    with quiet(config=CONFIG) as r:
        r.emit("hello")
        assert r._channel is not None
        assert r._channel.environment is None

    assert [event["event_type"] for event in platform.events()] == ["log_line"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_does_not_speak_for_the_batch(platform: StandIn) -> None:
    with quiet(config=CONFIG) as r:
        r.emit("parent")
        channel = r._channel
        assert channel is not None and channel.environment is not None
        pid = os.fork()
        if pid == 0:
            r.emit("child")
            r.__exit__(None, None, None)
            os._exit(0 if channel.environment is None else 1)
        assert os.waitpid(pid, 0)[1] == 0

    lines = [event["data"]["line"] for event in platform.events("log_line")]
    assert sorted(lines) == ["child", "parent"]
    assert len(snapshots(platform)) == 1


def test_nothing_begins_before_the_first_event(tmp_path: Path, monkeypatch) -> None:
    began: list[Any] = []

    def start(self: environment.Environment) -> None:
        began.append(self)

    monkeypatch.setattr(environment.Environment, "start", start)
    settings = settings_for(None, tmp_path, ARGUS_MODE="backup", ARGUS_RUNS_DIR=str(tmp_path))
    channel = Channel(RunFacts("b", "p", None, None, joins=False), settings, Notices())
    channel.start()
    channel.close("done")
    assert began == []

    channel = Channel(RunFacts("b", "p", None, None, joins=False), settings, Notices())
    channel.start()
    channel.put(("batch_start", 0.0, None, {}, None))
    channel.put(("batch_done", 0.0, None, {}, None))
    channel.close("done")
    assert began == [channel.environment]


def test_without_a_thread_the_config_is_told_all_the_same(
    platform: StandIn, said: list[str], monkeypatch
) -> None:
    began = threading.Event()

    class Thread(threading.Thread):
        def start(self) -> None:
            began.set()
            raise RuntimeError("can't start new thread")

    with quiet(config=CONFIG) as r:
        assert r._channel is not None and r._channel.environment is not None
        with monkeypatch.context() as patch:
            patch.setattr(threading, "Thread", Thread)
            r._channel.environment.start()
        assert began.is_set()

    assert len(snapshots(platform)) == 1
    assert said == []


def test_a_kept_run_has_it_in_its_files(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ARGUS_MODE", "backup")
    monkeypatch.setenv("ARGUS_RUNS_DIR", str(tmp_path / "runs"))
    with quiet(config=CONFIG):
        pass

    (run,) = (tmp_path / "runs").glob("*/*/*")
    events = [json.loads(line) for line in (run / "events.jsonl").read_bytes().splitlines()]
    assert [e["data"]["config"] for e in events if e["event_type"] == "env_snapshot"] == [FLAT]
    assert json.loads((run / "run.json").read_text("utf-8"))["config"] == FLAT
    assert b"abc" not in (run / "events.jsonl").read_bytes()


@pytest.mark.parametrize("config", [5, "lr=0.1", [1], object()])
def test_what_is_no_config_is_a_mistake_and_costs_nothing_else(
    platform: StandIn, said: list[str], config: Any
) -> None:
    with quiet(config=config) as r:
        r.emit("hello")

    assert r._notices.mistakes == 1
    assert said == ["config should be a mapping, a dataclass or a namespace"]
    assert [e["event_type"] for e in platform.events()] == ["batch_start", "log_line", "batch_done"]


def test_a_config_is_taken_as_it_was_at_the_call(platform: StandIn) -> None:
    config = {"lr": 0.1}
    r = quiet(config=config)
    config["lr"] = 0.2
    with r:
        pass

    assert snapshots(platform)[0]["data"]["config"] == {"lr": 0.1}
