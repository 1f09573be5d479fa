"""What a kept run holds beside its events, and that it is the same whether the platform was there."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from argus.delivery import environment
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.launch.repositories import needs_git, own_git, repository
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "own_git", "platform", "said"]

# Ids and times: all that two runs of one script may differ in.
UNLIKE = re.compile(rb'"(event_id|timestamp)":"[^"]*"|"(elapsed_s|total_elapsed_s)":[0-9.e-]+')
OF_DELIVERY = {"delivered", "heartbeat", "lock", "media.jsonl", "run.json"}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    return Path("kept")


def run_in(runs: Path) -> Path:
    (run,) = runs.glob("*/*/*")
    return run


def contents(run: Path) -> dict[str, bytes]:
    """Each file that tells of the run, and not of its delivery."""
    names = [name for name in files_below(run) if name not in OF_DELIVERY]
    return {name: UNLIKE.sub(rb'"\1\2":""', (run / name).read_bytes()) for name in names}


def script(**options: Any) -> None:
    """A training that writes its figure anew, epoch after epoch."""
    figure = Path("loss.png")
    for name in ("a.pdf", "b.svg", "c.txt"):
        Path("out").mkdir(exist_ok=True)
        (Path("out") / name).write_bytes(name.encode())
    with quiet(batch_id="b", config={"lr": 0.1, "token": "abc"}, **options) as r:
        with r.job("j", model="m") as j:
            for epoch in range(3):
                j.epoch(epoch, train_loss=float("nan"))
                figure.write_bytes(b"figure of epoch %d" % epoch)
                j.upload(figure)
            j.metrics({"MSE": 0.5})
        with pytest.raises(KeyError), r.job("k"):
            raise KeyError("x")
        r.emit("log_line", line="ü")


@needs_git
def test_a_run_kept_offline_is_the_run_kept_online(
    platform: StandIn, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path)
    (tmp_path / "train.py").write_text("changed\n", "utf-8")
    found = []
    for mode in ("online", "backup"):
        monkeypatch.setenv("ARGUS_RUNS_DIR", str(tmp_path / mode))
        script(mode=mode, auto_upload_dirs=["out"])
        found.append(run_in(tmp_path / mode))
    online, offline = map(contents, found)

    assert online == offline
    assert sorted(online) == [
        "events.jsonl",
        *(f"files/{n}" for n in ("config.json", "diff.patch", "git.json", "packages.txt")),
        "files/system.json",
        *(f"media/000{n}-loss.png" for n in (1, 2, 3)),
        *("media/0004-a.pdf", "media/0005-b.svg"),
    ]
    assert online["media/0001-loss.png"] == b"figure of epoch 0"
    assert b"+changed" in online["files/diff.patch"]
    assert b"abc" not in b"".join(online.values())
    (snapshot,) = platform.events("env_snapshot")
    assert sorted(snapshot["data"]) == ["config", "hostname", "python_version"], "as of leaving"
    uploads = platform.uploads()
    assert sorted(upload["filename"] for upload in uploads) == ["a.pdf", "b.svg", *["loss.png"] * 3]
    assert len({upload["sha256"] for upload in uploads}) == 5
    states = [
        [json.loads(line)["state"] for line in (run / "media.jsonl").read_bytes().splitlines()]
        for run in found
    ]
    assert states[0][:6] == ["pending", "delivered"] * 3
    assert sorted(states[0][6:]) == ["delivered", "delivered", "pending", "pending"]
    assert states[1] == ["pending"] * 5
    assert platform.events("batch_done")[0]["data"]["uploaded"] == 3
    assert said == []


def test_a_run_that_is_not_kept_has_neither_files_nor_copies(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.kill()
    script()

    (run,) = Path("state").glob("spill/*")
    assert [name for name in files_below(run) if "/" in name] == []
    platform.restart()


def test_a_long_run_has_its_files_while_it_goes_on(
    platform: StandIn, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FIRST_S", 0.0)
    deadline = time.monotonic() + 30.0
    with quiet() as r:
        while not list(kept.glob("*/*/*/files/system.json")):
            assert time.monotonic() < deadline
            r.emit("job_start", job_id="urgent")  # has the sender look up
            threading.Event().wait(0.02)


def test_what_cannot_be_gathered_in_time_does_not_hold_the_exit(
    kept: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from argus.launch import snapshot

    may_end = threading.Event()

    def parts(*_: Any) -> Any:
        yield {"platform": "Linux"}
        may_end.wait(30.0)
        yield {"command": "too late"}

    monkeypatch.setattr(snapshot, "parts", parts)
    r = quiet(config={"lr": 1}, mode="backup")
    with r:
        r.emit("hello")
        before = time.monotonic()
    assert time.monotonic() - before < 4.0, "the exit timeout is 5 s"
    may_end.set()

    files = run_in(kept) / "files"
    assert files_below(files) == ["config.json", "system.json"]
    told = json.loads((files / "system.json").read_bytes())
    assert (told["platform"], "command" in told) == ("Linux", False)
    assert said == []


def test_a_full_disk_costs_the_files_and_nothing_else(
    platform: StandIn, kept: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from argus.rundir import copies
    from argus.rundir import kept as rundir_kept

    def refuse(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rundir_kept, "write", refuse)
    monkeypatch.setattr(copies.Copies, "add", refuse)
    script()

    assert len(platform.uploads()) == 3
    assert len(platform.events("batch_done")) == 1
    assert said == []


def test_the_token_is_in_none_of_the_files(
    platform: StandIn, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_TOKEN", "tok-which-looks-like-nothing")
    with quiet(config={"note": "it is tok-which-looks-like-nothing"}):
        pass

    run = run_in(kept)
    assert json.loads((run / "files" / "config.json").read_bytes()) == {"note": "it is ***"}
