"""What the README says is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import argus
from argus.core.settings import resolve
from tests.platform.peers import MonitorProcess, free_port

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = Path(argus.__file__).resolve().parent.parent  # the checkout, or where the wheel went
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = re.findall(r"<!-- example: .*? -->\n```python\n(.*?)```", README, re.DOTALL)[0]


def run_python(
    *arguments: str, cwd: Path, environ: dict[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ARGUS_", "XDG_"))}
    clean["PYTHONPATH"] = str(PACKAGES)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def script(directory: Path, ends_with: str = "") -> str:
    """The README's example as a file, beside the figures that it uploads."""
    figures = directory / "outputs" / "run" / "visualizations"
    figures.mkdir(parents=True, exist_ok=True)
    (figures / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    path = directory / "train.py"
    path.write_text(EXAMPLE + ends_with, "utf-8")
    return str(path)


def run_directory(runs: Path) -> Path:
    (path,) = runs.glob("*/*/my-run-*")
    return path


def events_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]


def assert_complete(path: Path) -> None:
    """Every event of the example, once and in order."""
    passing = ("resource_snapshot", "env_snapshot")  # they come where there is time
    events = [e for e in events_in(path) if e["event_type"] not in passing]
    types = [event["event_type"] for event in events]
    assert types == ["batch_start", "job_start", *["job_epoch"] * 50, "job_done", "batch_done"]
    assert [e["data"]["epoch"] for e in events[2:52]] == list(range(50))
    assert events[52]["data"]["metrics"] == {"MSE": 0.21}
    assert len({event["event_id"] for event in events}) == len(events)


def test_the_example_leaves_a_run_directory_with_every_event_in_order(tmp_path: Path):
    with MonitorProcess(tmp_path / "runs") as monitor:
        state = tmp_path / "state"
        environ = {"ARGUS_URL": monitor.url, "ARGUS_STATE_DIR": str(state)}
        done = run_python(script(tmp_path), cwd=tmp_path, environ=environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        path = run_directory(tmp_path / "runs")
        assert_complete(path)
        assert [file.suffix for file in (path / "media").iterdir() if file.suffix == ".png"]
        assert list((state / "spill").iterdir()) == []


def test_with_nobody_listening_everything_arrives_with_the_next_run(tmp_path: Path):
    port = free_port()
    state = tmp_path / "state"
    environ = {"ARGUS_URL": f"http://127.0.0.1:{port}", "ARGUS_STATE_DIR": str(state)}
    away = run_python(script(tmp_path), cwd=tmp_path, environ=environ)
    assert away.returncode == 0
    assert away.stderr.count("\n") == 1
    assert "the next run with that ARGUS_URL delivers them" in away.stderr
    first_id = next((state / "spill").iterdir()).name.split(".")[0]

    monitor = MonitorProcess(tmp_path / "runs")
    monitor.port = port
    with monitor:
        done = run_python(script(tmp_path), cwd=tmp_path, environ=environ)
        assert (done.returncode, done.stderr) == (0, "")
        paths = sorted((tmp_path / "runs").glob("*/*/my-run-*"))
        assert len(paths) == 2
        assert first_id in [path.name for path in paths]
        for path in paths:
            assert_complete(path)
        assert list((state / "spill").iterdir()) == []


def test_the_stop_button_ends_the_training_loop(tmp_path: Path):
    code = """
import http.client, os
from argus import Reporter
with Reporter("loop", stop_polling=0.1, resource_snapshot=False) as r:
    with r.job("j") as j:
        j.epoch(0)
        address = os.environ["ARGUS_URL"].partition("://")[2]
        epoch = pressed = 0
        while not j.stopped:
            epoch += 1
            j.epoch(epoch)
            if not pressed:  # until the monitor knows the batch
                connection = http.client.HTTPConnection(address)
                connection.request("POST", f"/api/batches/{r.batch_id}/stop")
                pressed = connection.getresponse().status == 200
                connection.close()
print("stopped")
"""
    with MonitorProcess(tmp_path / "runs") as monitor:
        environ = {"ARGUS_URL": monitor.url, "ARGUS_STATE_DIR": str(tmp_path / "state")}
        done = run_python("-c", code, cwd=tmp_path, environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


NO_TRACE = """
import sys, threading
heavy = "http.client ssl urllib.request subprocess socket email ctypes".split()
assert threading.active_count() == 1, threading.enumerate()
loaded = [name for name in heavy if name in sys.modules]
assert not loaded, loaded
"""


def test_without_a_url_the_example_leaves_no_trace(tmp_path: Path):
    path = script(tmp_path, ends_with=NO_TRACE)
    before = sorted(tmp_path.rglob("*"))
    environ = {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run_python("-S", path, cwd=tmp_path, environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_killed_run_is_delivered_by_the_next_one(tmp_path: Path):
    code = """
import os, signal, time
from argus import Reporter
with Reporter("killed", resource_snapshot=False) as r:
    with r.job("j") as j:
        began = time.monotonic()
        while time.monotonic() < began + 1.6:
            j.epoch(int((time.monotonic() - began) * 1000))
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)
"""
    port = free_port()
    state = tmp_path / "state"
    environ = {"ARGUS_URL": f"http://127.0.0.1:{port}", "ARGUS_STATE_DIR": str(state)}
    assert run_python("-c", code, cwd=tmp_path, environ=environ).returncode == -9
    (left,) = (state / "spill").iterdir()
    assert events_in(left)[-1]["data"]["epoch"] >= 600, "something older than a second is missing"
    written = len(events_in(left))

    monitor = MonitorProcess(tmp_path / "runs")
    monitor.port = port
    with monitor:
        run_python(script(tmp_path), cwd=tmp_path, environ=environ)
        (path,) = (tmp_path / "runs").glob("*/*/killed-*")
        assert len(events_in(path)) == written


@pytest.mark.parametrize("name", re.findall(r"^\| `(ARGUS_\w+)`", README, re.MULTILINE))
def test_each_variable_of_the_table_has_an_effect(name: str):
    values = {
        "ARGUS_URL": "http://elsewhere:1",
        "ARGUS_TOKEN": "em_live_x",
        "ARGUS_DISABLE": "1",
        "ARGUS_MODE": "backup",
        "ARGUS_EXIT_TIMEOUT": "7",
    }
    base = {"ARGUS_URL": "http://127.0.0.1:1"}

    def told(environ: dict[str, str]) -> list[str]:
        settings = resolve(None, None, environ, None)
        token = settings.token.reveal() if settings.token else None
        return [f"{n}={getattr(settings, n)}" for n in settings.__slots__ if n != "token"] + [
            f"token={token}"
        ]

    assert told({**base, name: values.get(name, "something")}) != told(base)


def test_the_example_of_the_settings_file_is_understood():
    text = (ROOT / "configs" / "monitor.yaml").read_text("utf-8")
    settings = resolve(None, None, {}, text)
    assert settings.url == "http://localhost:8765"
    assert settings.complaints == []
    for line in text.splitlines():  # and so is each line that is commented out
        if re.match(r"  # \w+:", line):
            text = text.replace(line, line.replace("  # ", "  ", 1))
    settings = resolve(None, None, {"ARGUS_TOKEN": "em_live_x"}, text)
    assert settings.complaints == []
    assert (settings.mode, settings.exit_timeout_s) == ("online", 5.0)
    assert settings.token is not None
