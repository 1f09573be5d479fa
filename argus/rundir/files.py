"""Opening and writing files so that a reader never sees half of one, only who should sees it at
all, and nothing but a file is ever opened."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
SHARED_DIR = 0o777  # less the user's umask
SHARED_FILE = 0o666

# What looks like a run must not lead a writer elsewhere, nor have it wait for the other end of a
# FIFO or for a device.
_WARY = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


def make_dir(path: Path, private: bool) -> None:
    """Create `path` and what is missing above it. A private one is 0700 whatever the umask."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_dir(path.parent, private)
    try:
        path.mkdir(mode=PRIVATE_DIR if private else SHARED_DIR)
    except FileExistsError:
        if path.is_dir():  # somebody was faster: then it has the mode that they want
            return
        raise
    if private:
        path.chmod(PRIVATE_DIR)


def make_inner_dir(path: Path) -> None:
    """Create a directory of a kept run. Raises OSError where a link stands there: who may write to
    the runs of others must not lead them elsewhere."""
    make_dir(path, private=False)
    if path.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "a symbolic link", str(path))


def open_append(path: Path, private: bool) -> int:
    """A file descriptor that appends to `path`, created where it is missing.

    Raises OSError where something else than a file stands there, a symbolic link for one.
    """
    return _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, private)


def open_read(path: Path) -> int:
    """A file descriptor that reads `path`. Raises OSError as `open_append` does."""
    return _opened(path, os.O_RDONLY, private=False)


def read_whole(path: Path, max_bytes: int) -> bytes:
    """What is in a small file. Raises OSError also where it is larger than that."""
    fd = open_read(path)
    with os.fdopen(fd, "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def replace(path: Path, data: bytes, private: bool, durable: bool) -> None:
    """Put `data` in place of the file at `path`, whole or not at all.

    `durable` also survives a power cut, at the price of waiting for the disk.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = _opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, private)
        try:
            write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _opened(path: Path, flags: int, private: bool) -> int:
    fd = os.open(path, flags | _WARY, PRIVATE_FILE if private else SHARED_FILE)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if private and hasattr(os, "fchmod"):  # a umask may have taken the owner's own bits away
            os.fchmod(fd, PRIVATE_FILE)
    except OSError:
        os.close(fd)
        raise
    return fd


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however small the pieces that the system takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def append_lines(path: Path, lines: list[bytes], private: bool) -> None:
    """Append whole lines in one write, beginning on a line of their own."""
    fd = open_append(path, private)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and read_at(fd, 1, size - 1) != b"\n"
        write_all(fd, (b"\n" if torn else b"") + b"".join(line + b"\n" for line in lines))
    finally:
        os.close(fd)


def touch(path: Path, private: bool) -> None:
    """Set the times of a file to now, and create it where it is missing."""
    fd = open_append(path, private)
    try:
        os.utime(fd if os.utime in os.supports_fd else path)
    finally:
        os.close(fd)


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Up to `size` bytes from `offset` on. An appending descriptor loses nothing by the seek."""
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, size)
