"""The course of `argus demo`: monitor, training, view, summary, in this order and back.

Owns the order of things and what counts as a failure; what is shown is decided in `screen` and
`narration`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from argus.cli.child import Child, child_environment
from argus.cli.follow import Follower
from argus.cli.narration import summary
from argus.cli.progress import Progress
from argus.cli.terminal import View, say, view_for
from argus.server.app import Monitor

HOST = "127.0.0.1"

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 30.0  # without an event


class DemoError(Exception):
    """The demo is not as it should be; the text says how, for a person."""


class Training(NamedTuple):
    """What to run, and how many epochs each of its jobs will have."""

    command: Sequence[str]
    epochs: int


def demonstrate(place: Path, port: int, training: Training, keep: bool) -> bool:
    """Run the demo in the empty directory `place`; whether all that was reported has arrived.

    With `keep`, it ends only at Ctrl-C. Whatever was started has ended when it does.
    """
    monitor = Monitor(host=HOST, port=port, runs=place / "runs", token=None)
    try:
        monitor.start()
    except (OSError, OverflowError) as error:  # taken, not allowed, or no port at all
        complain(f"cannot listen on port {port} of {HOST}: {error}")
        return False
    follower, progress = Follower(monitor.runs), Progress()
    problem = None
    try:
        try:
            _train(place, monitor.url, training, follower, progress)
        except DemoError as error:
            problem = str(error)
        for line in ("", *summary(progress), _whereabouts(follower.run_directory, keep)):
            say(sys.stdout, line)
        if problem is not None:
            complain(problem)
        if keep:
            _serve_until_interrupted(monitor)
    finally:
        monitor.close()
    return problem is None


def _train(
    place: Path, url: str, training: Training, follower: Follower, progress: Progress
) -> None:
    """Run the training to its end, and show it. Raises DemoError."""
    environment = child_environment(os.environ, url, place / "state")
    with view_for(sys.stdout, os.environ, url, training.epochs) as view:
        view.update(progress, ())
        child = Child(training.command, environment, place)
        try:
            watch(child, follower, progress, view)
        finally:
            child.stop()


def watch(child: Child, follower: Follower, progress: Progress, view: View) -> None:
    """Show what arrives until the child has ended. Raises DemoError where not all went well."""
    exit_code = None
    heard_at = time.monotonic()
    while exit_code is None:
        exit_code = child.wait(_LOOK_EVERY_S)  # first: what came before the end is still read
        arrived = [event for event in follower.read_new() if progress.fold(event)]
        if arrived:
            heard_at = time.monotonic()
            view.update(progress, arrived)
        elif time.monotonic() - heard_at > _PATIENCE_S:
            raise DemoError(f"nothing has arrived for {_PATIENCE_S:.0f} s")
    if exit_code != 0:
        last_words = "".join(f"\n    {line}" for line in child.last_words())
        raise DemoError(f"the training failed, exit code {exit_code}{last_words}")
    missing = progress.missing()
    if missing:
        raise DemoError(f"the training ended well, but these are missing: {', '.join(missing)}")


def complain(text: str) -> None:
    """Tell a person that something is wrong."""
    say(sys.stderr, f"argus demo: {text}")


def _whereabouts(run_directory: Path | None, keep: bool) -> str:
    if run_directory is None:
        return "no run directory was made"
    return f"run directory {run_directory}{'' if keep else ' (removed now; --keep keeps it)'}"


def _serve_until_interrupted(monitor: Monitor) -> None:
    say(sys.stdout, f"look at it in a browser: {monitor.url}/")
    say(sys.stdout, f"runs are in {monitor.runs}; Ctrl-C to stop")
    never = threading.Event()
    try:
        while not never.wait(1.0):  # in pieces: Windows hears of Ctrl-C only in between
            pass
    except KeyboardInterrupt:
        say(sys.stdout, "stopped")
