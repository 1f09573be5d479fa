from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import argus
from argus.cli.child import Child, child_environment


def python(place, code):
    return Child([sys.executable, "-c", code], os.environ, place)


def test_environment_has_our_platform_and_nothing_of_the_callers():
    given = {
        "HOME": "/home/ann",
        "ARGUS_TOKEN": "em_live_x",
        "ARGUS_DISABLE": "1",
        "ARGUS_BATCH_ID": "other",
        "PYTHONPATH": os.pathsep.join(["/lib/ann", ""]),
        "no_proxy": "example.org",
    }
    package = str(Path(argus.__file__).parents[1].absolute())
    assert child_environment(given, "http://127.0.0.1:99", Path("/tmp/state")) == {
        "HOME": "/home/ann",
        "ARGUS_URL": "http://127.0.0.1:99",
        "ARGUS_STATE_DIR": str(Path("/tmp/state")),
        "PYTHONPATH": os.pathsep.join([package, os.path.abspath("/lib/ann")]),
        "no_proxy": "example.org,127.0.0.1",
        "NO_PROXY": "127.0.0.1",
    }


def test_the_last_words_of_a_child_are_kept(tmp_path):
    child = python(tmp_path, "import sys; print('é', flush=True); sys.exit('no luck')")
    assert child.wait(30) == 1
    assert child.last_words()[-1] == "no luck"


def test_a_child_that_runs_on_is_interrupted_and_may_close(tmp_path):
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    child = python(
        tmp_path,
        "import select, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's & switches it off
        "try:\n"
        "    open('ready', 'w').close(); select.select([], [], [])\n"
        "except KeyboardInterrupt:\n"
        "    print('closed well')\n",
    )
    ready.read_bytes()  # waits until the child is inside its try
    assert child.wait(0) is None
    child.stop()
    assert (child.wait(0), child.last_words()) == (0, ["closed well"])


def test_a_child_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("argus.cli.child._STOPPING_S", 0.05)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    child = python(
        tmp_path,
        "import select, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "open('ready', 'w').close(); select.select([], [], [])\n",
    )
    ready.read_bytes()
    child.stop()
    assert child.wait(0) not in (None, 0)


def test_stopping_a_child_that_has_ended_is_nothing(tmp_path):
    child = python(tmp_path, "")
    assert child.wait(30) == 0
    child.stop()
    assert child.wait(0) == 0


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT and named pipes")
