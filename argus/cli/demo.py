"""`argus demo`: a monitor, a real training that reports to it, and a live view of what arrives."""

from __future__ import annotations

from argus.cli.arguments import count, port

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Start a monitor, train a small real model that reports to it, and show what arrives. Needs nothing,
and leaves nothing behind.
"""
_EXAMPLES = """\
examples:
  argus demo                   a few seconds, here in the terminal
  argus demo --keep            and then look around on the page at its address, until Ctrl-C
  argus demo --epochs 400      long enough to watch it there
"""
EPOCHS = 25  # of each job: a few seconds on a slow core

_INTERRUPTED = 130  # as a shell reports a command that SIGINT ended
_TERMINATED = 143  # as a shell reports a command that SIGTERM ended


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    import argparse

    parser = subparsers.add_parser(
        "demo",
        help="train a small model and watch what it reports",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="afterwards, leave the monitor running, and keep the run directory",
    )
    parser.add_argument(
        "--port", type=port, default=0, help="of the monitor; 0 picks a free one (0)"
    )
    parser.add_argument(
        "--epochs",
        type=count,
        default=EPOCHS,
        metavar="N",
        help="epochs of each of its two jobs (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo. 0 where all that was reported has arrived; 1, with a line on stderr, if not."""
    import shutil
    import signal
    import sys
    import tempfile
    from pathlib import Path

    from argus.cli.demonstration import Training, complain, demonstrate

    command = [sys.executable, "-m", "argus.cli.training", "--epochs", str(args.epochs)]
    place = Path(tempfile.mkdtemp(prefix="argus-demo-"))
    # Like Ctrl-C: what was started is stopped on the way out.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        complete = demonstrate(place, args.port, Training(command, args.epochs), args.keep)
    except KeyboardInterrupt:
        complain(f"interrupted; {place} is kept" if args.keep else "interrupted")
        return _INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
        if not args.keep:
            shutil.rmtree(place, ignore_errors=True)
    return 0 if complete else 1
