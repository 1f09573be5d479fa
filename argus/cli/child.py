"""The training of the demo as a process: started apart from us, never waited for without an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import argus
from argus.core.settings import url_host

_STOPPING_S = 8.0  # more than a reporter takes to close
_SHOWN_LINES = 15


class Child:
    """A child process, whose output goes to a file: a full pipe would stop it."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], place: Path) -> None:
        """Start `command`. `place` is where it works: no configs/monitor.yaml of the caller's."""
        self._output = place / "output.log"
        with open(self._output, "wb") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; the child hears of it in stop()
            )

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None where the child still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """End a child that still runs: politely, so that its reporter can close, then for good."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.terminate()
        else:
            self._process.send_signal(signal.SIGINT)
        if self.wait(_STOPPING_S) is None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> list[str]:
        """The end of what it printed."""
        return self._output.read_text("utf-8", "replace").splitlines()[-_SHOWN_LINES:]


def child_environment(environ: Mapping[str, str], url: str, state: Path) -> dict[str, str]:
    """The environment of a child that reports to `url`: none of the caller's own settings."""
    environment = {key: value for key, value in environ.items() if not key.startswith("ARGUS_")}
    environment["ARGUS_URL"] = url
    environment["ARGUS_STATE_DIR"] = str(state)
    # The same package as ours, installed or not. The child works in another directory, where
    # relative entries would lead nowhere.
    paths = [str(Path(argus.__file__).parents[1])]
    paths += [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths)
    for name in ("no_proxy", "NO_PROXY"):  # no proxy can reach the loopback of this machine
        environment[name] = ",".join(filter(None, (environ.get(name), url_host(url))))
    return environment
