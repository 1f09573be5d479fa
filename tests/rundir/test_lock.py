"""One holder at a time, and none after its process is gone, however it went."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import argus
from argus.rundir.lock import RunLock

_HOLD = """
import sys
from pathlib import Path
from argus.rundir.lock import RunLock
lock = RunLock.acquire(Path(sys.argv[1]), private=True)
print("held" if lock else "refused", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that takes the lock, and keeps it until it ends."""

    def __init__(self, path: Path, script: str = _HOLD) -> None:
        root = str(Path(str(argus.__file__)).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            env={**os.environ, "PYTHONPATH": root},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def holder(path: Path) -> Iterator[Holder]:
    holder = Holder(path)
    yield holder
    holder.kill()


def test_second_one_in_the_same_process_is_refused(path: Path) -> None:
    first = RunLock.acquire(path, private=True)
    assert first is not None

    assert RunLock.acquire(path, private=True) is None

    first.release()
    second = RunLock.acquire(path, private=True)
    assert second is not None
    second.release()


def test_releasing_twice_harms_nobody(path: Path) -> None:
    lock = RunLock.acquire(path, private=True)
    assert lock is not None
    lock.release()
    fd = os.open(path, os.O_RDONLY)  # gets the number that the lock had

    lock.release()

    os.fstat(fd)
    os.close(fd)


def test_another_process_is_refused(path: Path) -> None:
    lock = RunLock.acquire(path, private=True)
    assert lock is not None

    other = Holder(path)
    other.end()
    lock.release()

    assert other.said == b"refused"


def test_lock_of_a_living_process_is_respected(path: Path, holder: Holder) -> None:
    assert holder.said == b"held"

    assert RunLock.acquire(path, private=True) is None


def test_lock_of_a_killed_process_is_free(path: Path, holder: Holder) -> None:
    assert holder.said == b"held"

    holder.kill()

    assert os.name == "nt" or holder.process.returncode == -signal.SIGKILL
    lock = RunLock.acquire(path, private=True)
    assert lock is not None
    lock.release()


_FORK = """
import os, sys
from pathlib import Path
from argus.rundir.lock import RunLock
path = Path(sys.argv[1])
lock = RunLock.acquire(path, private=True)
if os.fork() == 0:
    lock.release()
    os._exit(0)
os.wait()
print("held" if RunLock.acquire(path, private=True) is None else "lost", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs fork")
def test_forked_child_that_releases_its_copy_leaves_the_lock_to_its_parent(path: Path) -> None:
    holder = Holder(path, _FORK)
    holder.end()

    assert holder.said == b"held"


_OUTLIVED = """
import os, signal, sys
from pathlib import Path
from argus.rundir.lock import RunLock
lock = RunLock.acquire(Path(sys.argv[1]), private=True)
if os.fork():
    signal.pause()
print("forked", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="needs fork")
def test_forked_child_does_not_keep_the_lock_of_a_parent_that_it_outlives(path: Path) -> None:
    parent = Holder(path, _OUTLIVED)
    assert parent.said == b"forked"
    assert RunLock.acquire(path, private=True) is None
    parent.process.kill()
    parent.process.wait()

    lock = RunLock.acquire(path, private=True)

    parent.end()  # and the child, whose standard input ends
    assert lock is not None
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed there")
def test_lock_is_on_the_file_that_stands_there(path: Path) -> None:
    first = RunLock.acquire(path, private=True)
    assert first is not None
    path.unlink()

    second = RunLock.acquire(path, private=True)

    assert second is not None
    assert RunLock.acquire(path, private=True) is None
    first.release()
    assert RunLock.acquire(path, private=True) is None
    second.release()


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_and_missing_directory_are_errors(tmp_path: Path, path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):
        RunLock.acquire(path, private=True)
    with pytest.raises(FileNotFoundError):
        RunLock.acquire(tmp_path / "nowhere" / "lock", private=True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
@pytest.mark.parametrize("code", ["ENOLCK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EIO"])
def test_without_locks_there_is_one_that_is_not_sure(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    import fcntl

    def flock(fd: int, operation: int) -> None:
        raise OSError(getattr(errno, code), code)

    sure = RunLock.acquire(path, private=True)
    assert sure is not None
    sure.release()
    monkeypatch.setattr(fcntl, "flock", flock)
    unsure = RunLock.acquire(path, private=True)
    assert unsure is not None
    unsure.release()

    assert (sure.sure, unsure.sure) == (True, False)


@pytest.mark.skipif(os.name == "nt", reason="times of descriptors are those of POSIX")
def test_lock_can_look_fresh_without_a_second_descriptor(path: Path) -> None:
    lock = RunLock.acquire(path, private=True)
    assert lock is not None
    os.utime(path, (0, 0))

    lock.touch()

    assert path.stat().st_mtime > 1_000_000_000
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="counts descriptors as POSIX does")
def test_descriptor_of_a_refused_lock_is_given_back(path: Path) -> None:
    lock = RunLock.acquire(path, private=True)
    assert lock is not None
    first = os.open(os.devnull, os.O_RDONLY)
    os.close(first)

    assert RunLock.acquire(path, private=True) is None

    again = os.open(os.devnull, os.O_RDONLY)
    os.close(again)
    assert again == first
    lock.release()
