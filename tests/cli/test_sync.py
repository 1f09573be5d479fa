"""`argus sync`, as a person runs it: in this process, and as one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from argus.cli import main
from argus.rundir import layout
from tests.platform.peers import StandIn, free_port
from tests.sync.runs import a_file, a_run, plain_event, story

ROOT = Path(__file__).resolve().parents[2]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place with a state directory and nothing else."""
    for name in [name for name in os.environ if name.startswith("ARGUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARGUS_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def ids_of(*runs: Path) -> list[str]:
    lines = [line for run in runs for line in (run / layout.EVENTS).read_bytes().splitlines()]
    return sorted(json.loads(line)["event_id"] for line in lines)


def ids_at(platform: StandIn) -> list[str]:
    return sorted(event["event_id"] for event in platform.events())


def start(*arguments: Any, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "argus", "sync", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_what_waits_and_what_is_kept_is_delivered(
    stand_in: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("ARGUS_URL", stand_in.url)
    monkeypatch.setenv("ARGUS_MODE", "backup")  # as where the runs were made
    monkeypatch.setenv("ARGUS_DISABLE", "1")
    kept = a_run(tmp_path / "here" / "runs" / "20260422" / "092306" / "k", story("k"))
    waiting = a_run(tmp_path / "state" / "spill" / "w.h.1.0a", story("w"), url=stand_in.url)
    away = a_run(tmp_path / "state" / "spill" / "a.h.1.0b", story("a"), url="http://127.0.0.1:9")
    assert main(["sync"]) == 0
    out, err = capsys.readouterr()
    assert f"delivered    {kept}  7 events\n" in out
    assert f"passed over  {away}  it is meant for http://127.0.0.1:9; to send it here" in out
    assert f"14 events delivered to {stand_in.url} in " in out
    assert err == ""
    assert ids_at(stand_in) == ids_of(kept, waiting)
    assert main(["sync", "--url", stand_in.url]) == 0
    assert ids_at(stand_in) == ids_of(kept, waiting, away)
    assert all(path.is_dir() for path in (kept, waiting, away))


def test_a_trial_says_what_it_would_send_and_sends_nothing(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = a_run(tmp_path / "run")
    assert main(["sync", str(run), "--url", stand_in.url, "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        f"would send   {run}  7 events\n7 events would be sent to {stand_in.url}\n"
    )
    assert stand_in.requests() == []
    assert not (tmp_path / "state").exists()


def test_some_are_chosen_by_project_and_id(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = [a_run(tmp_path / "runs" / name, story(name)) for name in ("bench-1", "bench-2", "x")]
    sync = ["sync", str(tmp_path / "runs"), "--url", stand_in.url]
    assert main([*sync, "--project", "p", "--id", "bench-*", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {json.loads(line).get("batch_id") for line in lines} == {"bench-1", "bench-2", None}
    assert ids_at(stand_in) == ids_of(*runs[:2])
    assert main([*sync, "--id", "bench-7"]) == 2
    assert "no run of that --project and --id is there" in capsys.readouterr().err


def test_bad_input_is_told_and_the_rest_is_done(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = a_run(tmp_path / "run")
    torn = a_file(tmp_path / "torn.jsonl", plain_event(1))
    torn.write_text(torn.read_text() + '{"event')
    paths = [str(tmp_path / "gone"), str(torn), str(run)]
    assert main(["sync", *paths, "--url", stand_in.url]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"argus sync: {tmp_path / 'gone'}: No such file or directory",
        f"argus sync: {torn} ends in half a line (7 bytes), which is left out",
    ]
    assert len(stand_in.events()) == 8


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no platform to deliver to: give --url, or set ARGUS_URL"),
        (["--url", "ftp://x"], "no platform to deliver to: give --url, or set ARGUS_URL"),
    ],
)
def test_without_a_platform_it_says_what_to_do(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["sync", *arguments]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"argus sync: {complaint}"


@pytest.mark.parametrize("jobs", ["0", "x"])
def test_a_number_of_jobs_is_one_at_least(jobs: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["sync", "--jobs", jobs])
    assert "--jobs" in capsys.readouterr().err


def test_a_refused_token_ends_it_with_a_word_on_what_to_do(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a_run(tmp_path / "run")
    stand_in.mode("status:401")
    assert main(["sync", str(tmp_path), "--url", stand_in.url, "--token", "sesame-7"]) == 1
    out, err = capsys.readouterr()
    assert "0 events delivered" in out
    assert "7 events left" in out
    assert "it refused the token" in err
    assert "check ARGUS_TOKEN" in err
    assert "sesame-7" not in out + err


def test_an_absent_platform_is_tried_for_as_long_as_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a_run(tmp_path / "run")
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["sync", str(tmp_path), "--url", url, "--patience", "0.2"]) == 1
    assert "given up" in capsys.readouterr().err


@posix_only
def test_killed_over_and_over_it_delivers_each_event_once(tmp_path: Path):
    run = a_run(tmp_path / "run", story(epochs=4_000))
    file = a_file(tmp_path / "x.jsonl", *(plain_event(n, event_id=...) for n in range(2_000)))
    with StandIn() as platform:
        command = (run, file, "--url", platform.url)
        for delivered in (500, 1_500, 2_500):
            # So that the next answers never come: it is killed with requests under way.
            platform.mode("ok", "stored_but_no_answer", times=2)
            victim = start(*command)
            platform.wait_for(delivered, timeout=60.0)
            victim.kill()
            victim.communicate(timeout=60)
        platform.mode("ok")
        assert ended(start(*command))[0] == 0
        assert len(platform.events()) == 6_004
        assert set(ids_of(run)) < set(ids_at(platform))
        requests = len(platform.requests("events/batch"))
        code, out, _ = ended(start(*command))
        assert (code, out.split()[0]) == (0, "0")
        assert len(platform.requests("events/batch")) == requests


@posix_only
def test_two_at_once_deliver_each_event_once(stand_in: StandIn, tmp_path: Path):
    runs = [a_run(tmp_path / "runs" / f"{n}", story(f"b{n}", f"j{n}", 600)) for n in range(4)]
    file = a_file(tmp_path / "x.jsonl", *(plain_event(n, event_id=...) for n in range(1_200)))
    command = (tmp_path / "runs", file, "--url", stand_in.url)
    # With state directories of their own, as two people have them, the file has no common lock.
    both = [start(*command, ARGUS_STATE_DIR=str(tmp_path / name)) for name in ("ann", "bob")]
    assert {ended(process)[0] for process in both} <= {0, 1}
    assert ended(start(*command))[0] == 0
    assert len(stand_in.events()) == 4 * 604 + 1_200
    assert set(ids_of(*runs)) < set(ids_at(stand_in))


@posix_only
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_says_how_to_go_on(
    stand_in: StandIn, tmp_path: Path, number: int, code: int
):
    run = a_run(tmp_path / "run", story(epochs=1_500))
    stand_in.mode("ok", "hang", times=2)
    process = start(run, "--url", stand_in.url)
    stand_in.wait_for(1_000, timeout=60.0)
    stand_in.wait_for(lambda platform: len(platform.requests("events/batch")) == 3, timeout=60.0)
    process.send_signal(number)
    ended_with, out, err = ended(process)
    assert ended_with == code
    assert "1,000 events; 504 events left" in out
    assert err == "argus sync: interrupted; the same command goes on where this ended\n"
    stand_in.mode("ok")
    assert ended(start(run, "--url", stand_in.url))[0] == 0
    assert ids_at(stand_in) == ids_of(run)
    assert stand_in.stats()["duplicates"] == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read the peak from")
def test_a_large_file_takes_little_memory(stand_in: StandIn, tmp_path: Path, request: Any):
    size = (256 << 20) if request.config.getoption("--long") else (24 << 20)
    line = json.dumps(plain_event(1, event_id=..., data={"epoch": 1, "note": "x" * 60_000})) + "\n"
    file = tmp_path / "x.jsonl"
    with file.open("w") as growing:
        for _ in range(size // len(line)):
            growing.write(line)
    code = (
        "import sys; from argus.cli import main; code = main(sys.argv[1:]);"
        "peak = [x for x in open('/proc/self/status') if x.startswith('VmHWM')][0];"
        "print(code, int(peak.split()[1]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "sync", str(file), "--url", stand_in.url],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    exit_code, peak_mib = map(int, done.stdout.splitlines()[-1].split())
    assert exit_code == 0
    assert len(stand_in.events()) == size // len(line)
    assert peak_mib < 40
