"""`argus run` as a process of its own, reporting to a monitor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import argus
from argus.cli import main
from argus.server.app import Monitor
from tests.environment import clean_environment

__all__ = ["clean_environment"]

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

ROOT = Path(str(argus.__file__)).resolve().parents[1]
LIMIT_S = 60.0
PYTHON = sys.executable
# As `python -m argus`, with less patience: it asks about the stop button, takes its first snapshot,
# and leaves what holds an output open, sooner.
ARGUS = """
import sys
from argus import cli
from argus.core import intervals
from argus.delivery import daemons
from argus.wrap import attempt
intervals.STOP_POLL_S = daemons._FIRST_SNAPSHOT_S = attempt._LAST_OUTPUT_S = 0.1
sys.exit(cli.main())
"""


class Site:
    """A monitor, and what it has heard."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.monitor = Monitor("127.0.0.1", 0, place / "runs")
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            "PYTHONPATH": str(ROOT),
        }

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        """An `argus run` that reports here."""
        return subprocess.Popen(
            [PYTHON, "-c", ARGUS, "run", *arguments],
            env={**self.environ, "ARGUS_URL": self.monitor.url, **environ},
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """Exit code, output and errors of one."""
        return ended(self.start(*arguments, **environ))

    def known(self) -> list[Path]:
        """The event files of the batches that have been heard of."""
        return list((self.place / "runs").glob("*/*/*/events.jsonl"))

    def press_stop(self) -> None:
        """What the button on the page does, once the monitor knows the batch."""
        deadline = time.monotonic() + LIMIT_S
        while not self.known():
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)
        url = f"{self.monitor.url}/api/batches/{self.known()[0].parent.name}/stop"
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=LIMIT_S).close()

    def events(self, *types: str) -> list[dict[str, Any]]:
        """What has come, of these types; all that tells of the command where none is named."""
        [file] = self.known()
        events = [json.loads(line) for line in file.read_bytes().splitlines()]
        unasked = ("env_snapshot", "resource_snapshot")
        return [
            e
            for e in events
            if e["event_type"] in types or (not types and e["event_type"] not in unasked)
        ]


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return process.returncode, out.decode(), err.decode()


def said(process: subprocess.Popen[bytes]) -> str:
    """The next line of its output."""
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


def lines_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["line"] for event in events if event["event_type"] == "log_line"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with made.monitor:
        yield made


def test_a_script_is_run_unchanged_and_reported(site: Site) -> None:
    script = site.place / "train.sh"
    script.write_text("#!/bin/sh\nprintf 'epoch 1\\rep'; echo och 2; echo oh >&2; exit 3\n")
    script.chmod(0o700)
    done = site.run("--project", "paper", "--", "./train.sh", "--lr", "0.1", "--token", "x")

    assert done == (3, "epoch 1\repoch 2\n", "oh\n")
    start, job, *printed, failed, last = site.events()
    assert start["source"]["project"] == last["source"]["project"] == "paper"
    assert start["data"] == {
        "experiment_type": "command",
        "n_total_jobs": 1,
        "command": "./train.sh --lr 0.1 --token ***",
    }
    assert (job["event_type"], job["job_id"], job["data"]) == ("job_start", "train", {"attempt": 1})
    assert sorted(lines_of(printed)) == ["epoch 2", "oh"]
    elapsed_s = failed["data"].pop("elapsed_s")
    assert 0 < elapsed_s < LIMIT_S
    assert sorted(failed["data"].pop("last_lines")) == ["epoch 2", "oh"]
    assert failed["data"] == {
        "status": "FAILED",
        "error": "exit code 3",
        "reason": "exit code 3",
        "exit_code": 3,
        "attempt": 1,
    }
    assert (last["event_type"], last["data"]["error"]) == ("batch_failed", "exit code 3")
    assert (last["data"]["n_failed"], last["data"]["exit_code"]) == (1, 3)


def test_a_reporter_inside_joins_the_batch(site: Site) -> None:
    (site.place / "train.py").write_text(
        "from argus import Reporter\n"
        "with Reporter('inner', resource_snapshot=False) as r, r.job('inner job') as j:\n"
        "    j.epoch(0, train_loss=0.5)\n"
        "    print(r.batch_id)\n"
    )
    process = site.start("--name", "outer", "--", PYTHON, "train.py")
    code, out, err = ended(process)
    assert (code, err) == (0, "")

    [batch_id] = {event["batch_id"] for event in site.events()}
    assert out == f"{batch_id}\n"
    told = [(e["event_type"], e["job_id"]) for e in site.events() if e["event_type"] != "log_line"]
    # Two processes send them, so only what each of them has said has an order.
    inner = [event_type for event_type, job_id in told if job_id == "inner job"]
    outer = [event_type for event_type, job_id in told if job_id != "inner job"]
    assert inner == ["job_start", "job_epoch", "job_done"]
    assert outer == ["batch_start", "job_start", "job_done", "batch_done"]


def test_what_is_printed_is_forwarded_once_by_whom_it_is_heard(site: Site) -> None:
    (site.place / "train.py").write_text(
        "import sys\n"
        "from argus import Reporter\n"
        "with Reporter(console='forward', resource_snapshot=False) as r, r.job('inner') as j:\n"
        "    print('to the terminal')\n"
        "    print('to a file', file=sys.stderr)\n"
    )
    nested = [PYTHON, "-c", ARGUS, "run", "--", "sh", "-c", "$0 train.py 2>errors.txt", PYTHON]
    code, out, err = site.run("--name", "outer", "--", *nested)
    assert (code, out, err) == (0, "to the terminal\n", "")
    told = [(e["job_id"], e["data"]["line"]) for e in site.events("log_line")]
    assert sorted(told) == [("inner", "to a file"), ("outer", "to the terminal")]


def test_it_starts_again_what_fails_until_it_does_not(site: Site) -> None:
    again = "echo x >>n; test $(wc -l <n) = 3"
    code, out, err = site.run("--retry", "5", "--dashboard", "--", "sh", "-c", again)

    batch_id = site.events("batch_start")[0]["batch_id"]
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        f"argus run: batch {batch_id}, watch it at {site.monitor.url}",
        "argus run: attempt 1 of 6 failed (exit code 1): once more",
        "argus run: attempt 2 of 6 failed (exit code 1): once more",
    ]
    ends = site.events("job_failed", "job_done", "batch_done")
    assert [(e["event_type"], e["data"].get("attempt")) for e in ends] == [
        ("job_failed", 1),
        ("job_failed", 2),
        ("job_done", 3),
        ("batch_done", None),
    ]


def test_the_stop_button_ends_even_what_ignores_it(site: Site) -> None:
    stubborn = "trap '' INT TERM; echo here; while :; do sleep 0.05; done"
    process = site.start("--retry", "5", "--grace", "0.1", "--", "sh", "-c", stubborn)
    assert said(process) == "here"
    site.press_stop()
    code, _, err = ended(process)

    assert (code, err) == (137, "")
    [failed] = site.events("job_failed")
    assert failed["data"]["error"] == "stopped: killed by SIGKILL"
    assert failed["data"]["reason"] == "stopped"


def test_stopped_is_asked_first_and_so_is_what_it_has_started(site: Site) -> None:
    polite = (
        "trap 'echo outer; exit 0' INT;"
        " sh -c 'trap \"echo inner; exit\" INT; echo here; while :; do sleep 0.05; done'; exit 9"
    )
    process = site.start("--grace", "60", "--", "bash", "-c", polite)
    assert said(process) == "here"
    site.press_stop()
    assert ended(process)[0] == 0
    assert sorted(lines_of(site.events("log_line"))) == ["here", "inner", "outer"]
    assert [e["event_type"] for e in site.events()][-2:] == ["job_done", "batch_done"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on_and_the_death_told(site: Site, number: signal.Signals) -> None:
    process = site.start(
        "--retry",
        "5",
        "--",
        PYTHON,
        "-c",
        f"""if True:
        import signal
        signal.signal({int(number)}, signal.SIG_DFL)
        print("here", flush=True)
        signal.pause()""",
    )
    assert said(process) == "here"
    process.send_signal(number)
    if number == signal.SIGUSR1:  # which ends nothing as a rule: once more
        assert said(process) == "here"
        process.send_signal(signal.SIGTERM)
        number = signal.SIGTERM
    assert ended(process)[0] == 128 + number
    last = site.events("job_failed")[-1]["data"]
    assert (last["signal"], last["exit_code"]) == (number.name, 128 + number)


def test_a_scheduler_that_wants_the_machine_back_makes_it_preempted(site: Site) -> None:
    saves = "trap 'echo saved; exit 0' TERM; echo here; while :; do sleep 0.05; done"
    process = site.start("--", "sh", "-c", saves, SLURM_JOB_ID="7")
    assert said(process) == "here"
    process.terminate()
    assert ended(process)[:2] == (0, "saved\n")
    warning = [e["data"] for e in site.events("log_line") if "preempting" in e["data"]]
    assert [(data["preempting"], data["level"]) for data in warning] == [(True, "warning")]
    [last] = site.events("batch_failed")
    assert (last["data"]["reason"], last["data"]["preempted"]) == ("preempted", True)


@pytest.mark.parametrize(
    ("command", "url", "code", "message"),
    [
        ("nowhere-to-be-found", "", 127, "command not found"),
        ("./plain.txt", "", 126, "not executable"),
        ("./orphan", "", 126, "interpreter"),
        ("nowhere-to-be-found", "http://127.0.0.1:9", 127, "command not found"),
    ],
)
def test_what_cannot_be_run_gets_one_line(
    site: Site, command: str, url: str, code: int, message: str
) -> None:
    (site.place / "plain.txt").write_text("text")
    orphan = site.place / "orphan"
    orphan.write_text("#!/no/such/interpreter\n")
    orphan.chmod(0o700)
    got, out, err = site.run("--retry", "3" if url else "0", "--", command, ARGUS_URL=url)
    [line] = [line for line in err.splitlines() if line.startswith("argus run: ")]
    assert (got, out) == (code, "")
    assert command in line
    assert message in line


def test_without_a_platform_it_is_the_command(site: Site) -> None:
    process = site.start(
        "--",
        PYTHON,
        "-c",
        "import os; print(os.getpid(), os.environ.get('ARGUS_BATCH_ID'))",
        ARGUS_URL="",
    )
    assert ended(process) == (0, f"{process.pid} None\n", "")
    killed = site.start("--dashboard", "--", "sh", "-c", "kill -9 $$", ARGUS_URL="")
    code, out, err = ended(killed)
    assert (code, out) == (-9, "")
    assert err.startswith("argus run: nothing is reported: set ARGUS_URL")
    assert site.run("--retry", "1", "--", "sh", "-c", "echo a; exit 4", ARGUS_URL="")[:2] == (
        4,
        "a\na\n",
    )


def test_the_resources_are_those_of_the_whole_tree(site: Site) -> None:
    gate = site.place / "gate"
    os.mkfifo(gate)
    process = site.start("--", "sh", "-c", "echo here; cat gate; true")
    assert said(process) == "here"
    deadline = time.monotonic() + LIMIT_S
    while not site.known() or not site.events("resource_snapshot"):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    gate.write_text("")
    assert ended(process)[0] == 0
    snapshot = site.events("resource_snapshot")[-1]["data"]
    if "n_procs" not in snapshot:
        pytest.skip("this system does not tell the processes of a tree")
    assert (snapshot["n_procs"], snapshot["pid"]) == (3, process.pid), "we, the shell, and cat"


def test_what_is_left_running_does_not_hold_it_up(site: Site) -> None:
    process = site.start("--", "sh", "-c", "sleep 300 & echo $!")
    try:
        assert process.wait(LIMIT_S) == 0
    finally:
        os.kill(int(said(process)), signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command was given"),
        (["--"], "no command was given"),
        (["--retry", "-1", "true"], "'-1' is not a whole number"),
        (["--retry", "x", "true"], "'x' is not a whole number"),
        (["--grace", "nan", "true"], "'nan' is not a number of seconds"),
    ],
)
def test_bad_input_gets_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["run", *arguments])
    except SystemExit as refused:
        code = refused.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert message in said.err.splitlines()[-1]
