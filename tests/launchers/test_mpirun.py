"""Open MPI's own launcher."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import clean_environment, platform
from tests.launchers.scripts import ONE, batches, ids_in, starts, training
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

pytestmark = pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed")


def run(*words: str, **environ: str) -> str:
    root = ["--allow-run-as-root"] if getattr(os, "getuid", lambda: 1)() == 0 else []
    done = subprocess.run(
        ["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-n", "4", *words],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_ranks_of_each_mpirun_are_one_batch(platform: StandIn, tmp_path: Path) -> None:
    script = training(tmp_path)
    first = ids_in(run(sys.executable, script))
    second = ids_in(
        run("bash", "-c", f"{sys.executable} {script} --gpu $OMPI_COMM_WORLD_LOCAL_RANK")
    )

    assert [len(ids) for ids in (first, second)] == [4, 4]
    assert [len(set(ids)) for ids in (first, second)] == [1, 1]
    assert batches(platform) == {first[0]: ONE, second[0]: ONE}
    assert {(s["launcher"], s["world_size"]) for s in starts(platform)} == {("mpirun", 4)}


def test_two_programs_of_one_mpirun_are_one_batch(platform: StandIn, tmp_path: Path) -> None:
    script = training(tmp_path)
    other = tmp_path / "other.py"
    other.write_text(Path(script).read_text())
    ids = ids_in(run(sys.executable, script, ":", "-n", "2", sys.executable, str(other)))

    assert len(ids) == 6
    assert batches(platform) == {ids[0]: ONE}
    assert set(ids) == {ids[0]}


def test_the_stop_button_ends_the_training_on_all_ranks(platform: StandIn, tmp_path: Path) -> None:
    script = training(tmp_path)
    platform.stop_requested()
    ids = ids_in(run(sys.executable, script, HOLD_S="50"))

    assert len(ids) == 4
    assert batches(platform) == {ids[0]: ONE}
