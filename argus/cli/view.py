"""`argus view`: look at the runs in a directory, in a browser."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from argus.cli.arguments import port

_DESCRIPTION = """\
Show the runs below a directory in a browser: your own, a shared file system's, a colleague's. Only
reads, but for the names, notes and tags that you give; nobody can report to it.
"""
_EXAMPLES = """\
examples:
  argus view                        where runs are kept here (ARGUS_RUNS_DIR, else ./runs)
  argus view /shared/team/runs      somebody else's
  argus view --no-browser --port 0  say the address, and open nothing

from elsewhere, through a tunnel:
  ssh -L 8766:127.0.0.1:8766 HOST argus view --no-browser --port 8766
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "view",
        help="look at runs in a browser",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dir", nargs="?", type=Path, metavar="DIR", help="where the runs are")
    parser.add_argument("--port", type=port, default=0, help="0 picks a free one (%(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="open none")


def run(args: argparse.Namespace) -> int:
    """Show them until interrupted. 0 then; 2, with a line on stderr, where that cannot begin."""
    from argus.cli.finding import default_roots
    from argus.cli.serve import raise_descriptor_limit, stop_signal
    from argus.server.app import Monitor

    place = args.dir or default_roots()[0]
    if args.dir is not None and not place.is_dir():
        return _refuse(f"{place} is no directory")
    stop = stop_signal()
    monitor = Monitor("127.0.0.1", args.port, place, receives=False)
    try:
        raise_descriptor_limit()
        monitor.start()
    except OSError as error:
        return _refuse(f"cannot listen on port {args.port}: {error.strerror or error}")
    try:
        print(f"The runs below {monitor.runs}:  {monitor.url}/\nCtrl-C to stop", flush=True)
        if not args.no_browser and _has_a_screen():
            import webbrowser

            webbrowser.open(f"{monitor.url}/")
        stop.recv(1)
    finally:
        monitor.close()
    return 0


def _has_a_screen() -> bool:
    """Whether a browser would open where somebody sees it, and not in this very terminal."""
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(has_display) or sys.platform in ("darwin", "win32")


def _refuse(message: str) -> int:
    print(f"argus view: {message}", file=sys.stderr)
    return 2
