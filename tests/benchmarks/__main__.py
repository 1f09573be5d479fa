"""The command line: `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, Optional

import argus
from tests.benchmarks import table
from tests.benchmarks.processes import Bench, Side, SkippedError
from tests.benchmarks.rows import ROWS, about
from tests.benchmarks.run import Run, installed_peers
from tests.benchmarks.scale import FULL, QUICK

_INTRODUCTION = """\
What reporting costs a training, measured on this machine in one go: every side in
turn, round after round (A B A B ...), each time in a fresh process with a platform, a
state directory and a home of its own. Shown are medians over the rounds, and the ratio
of our median to that of the side named in the line: 1.70 is 1.7 times as much as
there, 1/40 the fortieth part. The last column is what we want to reach.

The figures of one machine at one hour compare with nothing but each other. Run it
where nothing else runs; repeat a row that looks odd."""

_EXAMPLES = """\
examples:
  python -m tests.benchmarks                     everything: three quarters of an hour
  python -m tests.benchmarks --quick             everything, smaller: five minutes
  python -m tests.benchmarks tight import        two rows
  python -m tests.benchmarks tight --against peers/bin/python --against old/bin/python
                                                 beside what is installed there: any of
                                                 argus-reporter (0.1.3 has our module's
                                                 name: give it its own environment), wandb,
                                                 trackio, swanlab, tensorboardX, mlflow

rows:
"""

_CALM = 1.0  # load average
_LINE = 78


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure what the arguments ask for, and print it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    rows = _checked(options.rows, parser)
    progress = _Progress()
    peers = _peers(options.against, progress)
    done: list[dict[str, Any]] = []
    if not options.json:
        print("\n".join([*_machine_lines(), "", table.HEADING]), flush=True)
    with Bench() as bench:
        for number, name in enumerate(rows):
            progress.begin(f"{name} ({number + 1} of {len(rows)})")
            run = Run(bench, QUICK if options.quick else FULL, peers, progress.say)
            try:
                result = ROWS[name](run)
                result = result._replace(remarks=(*result.remarks, *run.remarks))
                lines, plain = table.lines(name, result), table.plain(name, result)
            except SkippedError as error:
                lines = table.skipped(name, str(error))
                plain = {"row": name, "skipped": str(error)}
            progress.end()
            done.append(plain)
            if not options.json:
                print("\n".join(lines), flush=True)
    if options.json:
        print(json.dumps({"machine": _machine(), "rows": done}, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    rows = "".join(f"  {name:<14}{about(name)}\n" for name in ROWS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=_INTRODUCTION,
        epilog=_EXAMPLES + rows,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="what to measure (all of it)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="PYTHON",
        help="an interpreter with other reporters; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with all samples")
    return parser


def _checked(names: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The rows that are wanted, each once; argparse's own `choices` would refuse to have none."""
    for name in names:
        if name not in ROWS:
            parser.error(f"there is no row {name!r}; there are: {', '.join(ROWS)}")
    return list(dict.fromkeys(names)) or list(ROWS)


def _peers(interpreters: Sequence[str], progress: _Progress) -> list[Side]:
    found: list[Side] = []
    for python in interpreters:
        try:
            found += installed_peers(python)
        except SkippedError as error:
            progress.note(f"skipped: {error}")
    return found


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "argus": argus.__version__,
    }


def _machine_lines() -> list[str]:
    machine = _machine()
    load = machine["load_average"]
    lines = [
        f"argus {machine['argus']}, Python {machine['python']}, {machine['cpus']} CPUs, "
        f"{machine['system']}"
    ]
    if load:
        busy = load[0] > _CALM
        advice = ": this machine is busy, take the figures with care" if busy else ""
        lines.append(f"load average {load[0]:.2f}{advice}")
    return lines


class _Progress:
    """What is going on, on standard error: one line that changes, or a line for each row."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._row = ""
        self._began_at = 0.0

    def begin(self, row: str) -> None:
        self._row = row
        self._began_at = time.monotonic()
        if not self._is_terminal:
            self.note(f"{row} ...")

    def say(self, text: str) -> None:
        if self._is_terminal:
            elapsed = f"{time.monotonic() - self._began_at:.0f} s"
            line = f"{self._row}, {elapsed}: {text}"
            print(f"\r\033[K{line[:_LINE]}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._is_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As an exception, so that all that was started ends and all that was made is removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
