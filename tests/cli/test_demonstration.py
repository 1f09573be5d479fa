from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from argus.cli import demonstration
from argus.cli.demonstration import DemoError, Training, demonstrate, watch
from argus.cli.follow import Follower
from argus.cli.progress import Progress
from argus.cli.terminal import View
from tests.cli.stories import whole_story

# A training that reports its story by hand: what the demo shows does not hang on our reporter.
REPORT = """
import json, os, urllib.request
body = json.dumps({"events": json.loads(%r)}).encode()
url = os.environ["ARGUS_URL"] + "/api/events/batch"
headers = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
"""


class Silent(View):
    """A view that keeps what it is shown."""

    def __init__(self):
        self.arrived = []

    def update(self, progress, arrived):
        self.arrived += arrived

    def __exit__(self, *exc_info):
        pass


class ScriptedChild:
    """A child that answers from a list when it is waited for; what is callable is called first."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def wait(self, timeout_s):
        answer = self.answers.pop(0)
        return answer() if callable(answer) else answer

    def last_words(self):
        return ["Traceback", "no luck"]


def script(events):
    return [sys.executable, "-c", REPORT % json.dumps(events)]


def writer(runs: Path, events, exit_code):
    """A step of a child: what it sends is written, then it runs on, or ends."""

    def step():
        run = runs / "20260422" / "092306" / "demo-1"
        run.mkdir(parents=True, exist_ok=True)
        with open(run / "events.jsonl", "a") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        return exit_code

    return step


def watched(child, runs):
    view, progress = Silent(), Progress()
    watch(child, Follower(runs), progress, view)
    return view.arrived


def test_everything_is_shown_also_what_came_with_the_end(tmp_path):
    story = whole_story()
    child = ScriptedChild(
        None, writer(tmp_path, story[:4], None), None, writer(tmp_path, story[4:], 0)
    )
    assert watched(child, tmp_path) == story


def test_a_training_that_fails_is_told_with_its_last_words(tmp_path):
    with pytest.raises(DemoError, match=r"exit code 3\n    Traceback\n    no luck"):
        watched(ScriptedChild(writer(tmp_path, whole_story(), 3)), tmp_path)


def test_events_that_are_missing_are_named(tmp_path):
    story = whole_story()
    with pytest.raises(DemoError, match=r"missing: 1 of 3 epochs of a$"):
        watched(ScriptedChild(writer(tmp_path, story[:3] + story[4:], 0)), tmp_path)


def test_a_training_that_says_nothing_is_not_waited_for_without_end(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("argus.cli.demonstration.time.monotonic", lambda: next(clock))
    with pytest.raises(DemoError, match="nothing has arrived for 30 s"):
        watched(ScriptedChild(*[None] * 9), tmp_path)


def test_a_demonstration_with_a_real_monitor(tmp_path, capfd):
    assert demonstrate(tmp_path, 0, Training(script(whole_story()), 3), keep=False) is True
    out, err = capfd.readouterr()
    assert err == ""
    assert "a  epoch 3/3  train_loss 0.25  val_loss 0.25  val_accuracy 0.5" in out.splitlines()
    assert out.splitlines()[-4:-1] == [
        "a        done     3 epochs, best val_loss 0.2500",
        "b        done     3 epochs, best val_loss 0.1250",
        "15 events arrived, 0 of them twice",
    ]


def test_a_demonstration_that_fails_says_why(tmp_path, capfd):
    command = [sys.executable, "-c", "raise SystemExit('no luck')"]
    assert demonstrate(tmp_path, 0, Training(command, 3), keep=False) is False
    out, err = capfd.readouterr()
    assert err == "argus demo: the training failed, exit code 1\n    no luck\n"
    assert "no run directory was made" in out


def test_a_port_that_is_taken_is_said(tmp_path, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert demonstrate(tmp_path, port, Training([], 3), keep=False) is False
    assert capfd.readouterr().err.startswith(
        f"argus demo: cannot listen on port {port} of 127.0.0.1: "
    )


def test_a_port_that_is_none_is_said(tmp_path, capfd):
    assert demonstrate(tmp_path, 70_000, Training([], 3), keep=False) is False
    assert "cannot listen on port 70000" in capfd.readouterr().err


def test_ctrl_c_ends_the_training_and_the_monitor(tmp_path, monkeypatch):
    children = []

    class Interrupted(ScriptedChild):
        stopped = False

        def __init__(self, command, environ, place):
            self.url = environ["ARGUS_URL"]
            children.append(self)

        def wait(self, timeout_s):
            raise KeyboardInterrupt

        def stop(self):
            self.stopped = True

    monkeypatch.setattr(demonstration, "Child", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        demonstrate(tmp_path, 0, Training([], 3), keep=True)
    (child,) = children
    assert child.stopped
    host, _, port = child.url.rpartition("/")[2].partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_kept_the_monitor_runs_on_until_ctrl_c(tmp_path, monkeypatch, capfd):
    class NeverSet:
        def wait(self, timeout_s):
            raise KeyboardInterrupt

    monkeypatch.setattr("argus.cli.demonstration.threading.Event", NeverSet)
    with monkeypatch.context() as patched:
        patched.setattr(demonstration, "Monitor", FakeMonitor)
        patched.setattr(demonstration, "_train", lambda *args: None)
        assert demonstrate(tmp_path, 0, Training([], 3), keep=True) is True
    out = capfd.readouterr().out.splitlines()
    assert out[-3:] == [
        "look at it in a browser: http://127.0.0.1:1/",
        f"runs are in {os.path.join(tmp_path, 'runs')}; Ctrl-C to stop",
        "stopped",
    ]


class FakeMonitor:
    """A monitor that nobody asks anything."""

    url = "http://127.0.0.1:1"

    def __init__(self, host, port, runs, token):
        self.runs = runs

    def start(self):
        pass

    def close(self):
        pass
