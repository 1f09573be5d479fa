"""The fake driver of fake_nvml.c, compiled where the machine has a compiler."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fake_nvml.c")


class FakeDriver:
    """A library of its own for each test, so that no setting outlives it."""

    def __init__(self, built: Path, own: Path) -> None:
        shutil.copyfile(built, own)
        self.library = str(own)
        self._loaded = ctypes.CDLL(self.library)

    def set(self, **settings: int) -> None:
        """Set variables of fake_nvml.c."""
        for name, value in settings.items():
            ctypes.c_int.in_dll(self._loaded, name).value = value

    def get(self, name: str) -> int:
        """A variable of fake_nvml.c."""
        return ctypes.c_int.in_dll(self._loaded, name).value

    def set_pids(self, *pids: int) -> None:
        """The processes that each device lists, with 100, 101, … MB each."""
        array = (ctypes.c_uint * 4).in_dll(self._loaded, "pids")
        array[:] = [*pids, *[0] * (4 - len(pids))]


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build a driver with")
    folder = tmp_path_factory.mktemp("driver")
    built = {}
    for name, flags in (("new", []), ("old", ["-DOLD_DRIVER"])):
        built[name] = folder / f"{name}.so"
        command = [compiler, "-shared", "-fPIC", *flags, "-o", str(built[name]), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            pytest.skip(f"the compiler builds no library: {done.stderr[:200]}")
    return built


@pytest.fixture
def driver(_built: dict[str, Path], tmp_path: Path) -> Iterator[FakeDriver]:
    """A driver of today, with two GPUs."""
    made = FakeDriver(_built["new"], tmp_path / "libnvidia-ml.so.1")
    yield made
    made.set(hanging=0)  # whoever hangs in it may go


@pytest.fixture
def old_driver(_built: dict[str, Path], tmp_path: Path) -> FakeDriver:
    """One without the functions of later releases."""
    return FakeDriver(_built["old"], tmp_path / "libnvidia-ml-old.so.1")
