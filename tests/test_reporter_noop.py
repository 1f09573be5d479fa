"""Without a platform every call is a silent no-op, and the import of argus costs next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import clean_environment, files_below
from tests.platform.peers import StandIn

__all__ = ["clean_environment"]

ROOT = Path(__file__).resolve().parent.parent
_EVERY_CALL = """
with Reporter("run", n_total=1, auto_upload_dirs=["."]) as r:
    with r.job(None, model=object()) as j:
        j.epoch("x", train_loss={}, ts=1)
        j.metrics(5)
        j.log("line")
        j.upload(None)
        assert j.upload(".") == 0
        argus.emit("event")
        assert not j.stopped
        threads = [thread.name for thread in threading.enumerate()]
"""


def _python(script: str, tmp_path: Path, **environ: str) -> str:
    """What `script` prints, on both streams, in an empty working directory."""
    place = tmp_path / "empty"
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(place)}
    del environment["ARGUS_STATE_DIR"]
    environment.update(environ)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    assert files_below(place) == []
    return done.stdout.decode()


_IMPORT = """
import sys, threading
before = set(sys.modules)
import argus
from argus import Reporter
"""
_NOTHING_HEAVY = """
heavy = {"http.client", "ssl", "urllib.request", "subprocess", "socket", "email", "ctypes"}
assert not heavy & (set(sys.modules) - before), heavy & set(sys.modules)
"""
_NO_THREAD = """
assert threads == ["MainThread"], threads
"""


def test_import_alone_is_light_and_silent(tmp_path: Path) -> None:
    threads = "threads = [thread.name for thread in threading.enumerate()]"

    assert _python(_IMPORT + threads + _NO_THREAD + _NOTHING_HEAVY, tmp_path) == ""


@pytest.mark.parametrize(
    "environ",
    [{}, {"ARGUS_DISABLE": "1", "ARGUS_URL": "http://127.0.0.1:9"}],
    ids=["unset", "disabled"],
)
def test_without_a_platform_every_call_is_a_silent_no_op(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    script = _IMPORT + _EVERY_CALL + _NO_THREAD + _NOTHING_HEAVY

    assert _python(script, tmp_path, **environ) == ""


def test_with_a_platform_nothing_is_printed_either(stand_in: StandIn, tmp_path: Path) -> None:
    script = _IMPORT + "with Reporter() as r, r.job('j') as j:\n    j.epoch(0, val_loss=1.5)"
    state = str(tmp_path / "state")

    assert _python(script, tmp_path, ARGUS_URL=stand_in.url, ARGUS_STATE_DIR=state) == ""
    assert [e["event_type"] for e in stand_in.events()][-1] == "batch_done"
