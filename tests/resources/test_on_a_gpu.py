from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.resources.fake_driver import FakeDriver, _built, driver

__all__ = ["_built", "driver"]


def report(**environ: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    done = subprocess.run(
        [sys.executable, "-m", "tests.resources.on_a_gpu"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_we_and_pynvml_say_the_same_of_one_driver(driver: FakeDriver):
    pytest.importorskip("pynvml")
    code, found = report(LD_LIBRARY_PATH=str(Path(driver.library).parent))
    # There is no device file of this driver: that a snapshot has no gpus is all that is amiss.
    assert found["failures"] in (["a snapshot of this machine has no gpus"], [])
    assert code == bool(found["failures"])
    assert len(found["against pynvml"]) == 2 * 10  # keys of two devices
    assert {line["relative"] < 0.01 for line in found["against pynvml"].values()} == {True}


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="this machine has a driver")
def test_a_machine_without_a_gpu_fails_with_a_reason():
    code, found = report(LD_LIBRARY_PATH="")
    assert code == 1
    assert "the probe says nothing" in found["failures"][0]
