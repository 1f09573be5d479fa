"""Servers as subprocesses of a test: started, listened to, ended, never left behind."""

from __future__ import annotations

import queue
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`python ARGUMENTS`, run in the repository's root; its standard output says where it serves.

    Its standard input stays open until `close`, or until this process ends, however it ends.
    """

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        # Both are read to their ends, so that a server which goes on printing never blocks.
        self._readers = [
            threading.Thread(
                target=_read, args=(self._process.stdout, self._lines.put), daemon=True
            ),
            threading.Thread(
                target=_read, args=(self._process.stderr, self._errors.append), daemon=True
            ),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def expect(self, pattern: str) -> re.Match[str]:
        """The next line of the standard output, which must match."""
        try:
            line = self._lines.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            line = "(nothing)"
        match = re.fullmatch(pattern, line)
        if match is None:
            self.close()  # so that its standard error is complete
            raise AssertionError(f"expected {pattern!r}, read {line!r}; stderr:\n{self.stderr()}")
        return match

    def stderr(self) -> str:
        """What it wrote to its standard error until now; all of it once it is closed."""
        return "\n".join(self._errors)

    def terminate(self) -> int:
        """SIGTERM, then the exit status; fails where the server does not end by it."""
        self._process.terminate()
        return self._process.wait(STOP_TIMEOUT_S)

    def close(self) -> None:
        """Kills it, where it still runs, and waits for its end. May be called again."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()


def _read(pipe: IO[bytes], take: Callable[[str], None]) -> None:
    for line in pipe:
        take(line.decode("utf-8", "replace").rstrip("\r\n"))
