"""Starts what is measured: processes in a clean environment, each with a platform and a directory
of its own. Nothing of it outlives the `Bench`: no process and no file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Optional

import argus

CALLER = Path(__file__).with_name("caller.py")
SINK = Path(__file__).with_name("sink.py")
MOST_S = 600.0  # that one measured process may take
LONG_EXIT_S = 300.0  # what is measured until all is delivered may take its time to leave
NOBODY = "http://127.0.0.1:9"

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What peers would do besides, for which nobody has asked here.
_PEERS_BE_QUIET = {
    "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


class SkippedError(Exception):
    """Why something cannot be measured here."""


class Side(NamedTuple):
    """One implementation, and the interpreter that has it."""

    name: str  # as the table shows it
    impl: str  # as caller.py knows it
    python: str = sys.executable
    is_peer: bool = False


ARGUS = Side(f"argus {argus.__version__}", "argus")
APPEND = Side("a bare append", "append")
NOTHING = Side("the loop alone", "nothing")


class Stats(NamedTuple):
    requests: int
    events: int


class Sink:
    """A platform in a process of its own."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port

    def stats(self) -> Stats:
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.read().rpartition(b"\r\n")[2])
        return Stats(answer["requests"], answer["events"])


class Caller:
    """A measured process that was started."""

    def __init__(self, process: subprocess.Popen[str], what: str) -> None:
        self._process = process
        self._what = what

    def wait_until_ready(self) -> None:
        """It has opened its block, and makes its calls once it is told to."""
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            self.result()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Its figures. Raises SkippedError with the last thing it said where there are none."""
        try:
            out, err = self._process.communicate(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            raise SkippedError(f"{self._what}: not done after {MOST_S:.0f} s") from None
        finally:
            self.end()
        if self._process.returncode:
            said = err.strip().splitlines()[-1:] or [f"status {self._process.returncode}"]
            raise SkippedError(f"{self._what}: {said[0][:150]}")
        figures: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return figures

    def end(self) -> None:
        """End it with all that it has started, where it has not ended by itself."""
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except OSError:
            pass  # it has
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class Bench:
    """Where measured processes run. A context manager, which removes all that they left."""

    def __enter__(self) -> Bench:
        self._root = Path(tempfile.mkdtemp(prefix="argus-benchmarks-"))
        self._count = 0
        self._warm: set[tuple[str, str]] = set()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A fresh directory, which is removed at the end."""
        self._count += 1
        path = self._root / f"{self._count}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def sink(self) -> Iterator[Sink]:
        """A platform that takes everything."""
        process = subprocess.Popen(
            [sys.executable, str(SINK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Sink(int(process.stdout.readline()))
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    @contextmanager
    def hanging(self) -> Iterator[str]:
        """The URL of a platform that accepts connections and never answers."""
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"

    def measure(
        self,
        side: Side,
        task: str,
        url: str = NOBODY,
        state: Optional[Path] = None,
        exit_s: float = LONG_EXIT_S,
        **options: Any,
    ) -> dict[str, Any]:
        """The figures of one process."""
        with self.directory() as place:
            return self.start(side, task, url, place, state, exit_s, **options).result()

    def start(
        self,
        side: Side,
        task: str,
        url: str,
        place: Path,
        state: Optional[Path] = None,
        exit_s: float = LONG_EXIT_S,
        **options: Any,
    ) -> Caller:
        """One process at work in the directory `place`."""
        words = [f"{name}={value}" for name, value in options.items()]
        process = subprocess.Popen(
            [side.python, str(CALLER), side.impl, task, *words],
            env=self.environment(side, place, url, state, exit_s),
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Caller(process, f"{side.name}: {task}")

    def warm(self, side: Side) -> None:
        """Have the bytecode of a side cached: what a first run costs is nobody's figure."""
        if (side.impl, side.python) not in self._warm:
            with self.sink() as sink:
                self.measure(side, "opening", sink.url, exit_s=5.0)
            self._warm.add((side.impl, side.python))

    def environment(
        self,
        side: Side,
        place: Path,
        url: str = NOBODY,
        state: Optional[Path] = None,
        exit_s: float = LONG_EXIT_S,
    ) -> dict[str, str]:
        """A clean environment; the home and the temporary directory are `place` too."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ARGUS_", "PYTHON")) and name.upper() not in _PROXIES
        }
        own = {"PYTHONPATH": str(Path(argus.__file__).parents[1])} if not side.is_peer else {}
        return {
            **kept,
            **own,
            **(_PEERS_BE_QUIET if side.is_peer else {}),
            "PYTHONPYCACHEPREFIX": str(self._root / "bytecode"),
            "HOME": str(place),
            "TMPDIR": str(place),
            "ARGUS_STATE_DIR": str(state or place / "state"),
            "ARGUS_URL": url,
            "ARGUS_TOKEN": "em_live_x",
            "ARGUS_EXIT_TIMEOUT": f"{exit_s:g}",
        }
