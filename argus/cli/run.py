"""`argus run`: any command, reported."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from argus.cli.arguments import number, seconds

if TYPE_CHECKING:
    from argus.core.settings import Settings

_DESCRIPTION = """\
Run a command in any language and report it, with no change to it: its output, resources, exit code
and the signal that killed it; the stop button of the platform ends it. A Reporter inside the
command joins the same batch. The exit code is the command's, 128 and the number for a signal.
"""
_EXAMPLES = """\
examples:
  argus run -- python train.py --lr 0.1      report it to ARGUS_URL; without one, just run it
  argus run --project paper --name baseline -- ./train.sh
  argus run --retry 2 -- julia train.jl      start it again where it fails, twice at most
  argus run --grace 60 -- torchrun train.py  a minute to save itself, once it is stopped

Stopped means SIGINT, after --grace seconds SIGTERM, after as many more SIGKILL. Signals that come to
argus run are passed on. What is printed reaches your terminal or file unchanged and at once; what
the command leaves running in the background is listened to for two more seconds after its end.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "run",
        help="run a command and report it",
        usage="argus run [options] [--] COMMAND [ARGUMENT ...]",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--project", metavar="P", help="project that the run belongs to (default)")
    parser.add_argument("--name", metavar="N", help="name of its job (that of the script)")
    parser.add_argument(
        "--retry",
        type=number,
        default=0,
        metavar="N",
        help="start it again up to N times where it fails, but not where it was stopped",
    )
    parser.add_argument(
        "--grace",
        type=seconds,
        default=10.0,
        metavar="S",
        help="seconds from one step of stopping to the next (%(default)g)",
    )
    parser.add_argument("--dashboard", action="store_true", help="print where to look, on stderr")
    parser.add_argument("--verbose", action="store_true", help="the same, and how it ended")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Run the command. Its exit code; 127 where there is none of that name, 126 where it cannot be
    executed, 2 where none was given."""
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not argv:
        _say("no command was given: argus run [options] -- COMMAND [ARGUMENT ...]")
        return 2
    from argus.arguments import settings_file
    from argus.core.settings import DISABLED, resolve

    settings = resolve(None, None, os.environ, settings_file())
    tells = args.dashboard or args.verbose
    if settings.mode == DISABLED:
        if tells:
            _say("nothing is reported: set ARGUS_URL, or ARGUS_MODE=backup to keep runs on disk")
        if not args.retry and sys.platform != "win32":
            return _become(argv)
    return _wrapped(args, argv, tells)


def _wrapped(args: argparse.Namespace, argv: Sequence[str], tells: bool) -> int:
    from argus.launch.signals import preemption_signals
    from argus.preemption import SCHEDULERS
    from argus.wrap.naming import name_of
    from argus.wrap.wrapper import Order, Wrapper, ensure_standard_streams

    ensure_standard_streams()
    is_scheduled = any(os.environ.get(name) for name in SCHEDULERS)
    order = Order(
        argv,
        args.name or name_of(argv),
        args.project,
        args.retry,
        args.grace,
        frozenset(preemption_signals(os.environ) if is_scheduled else ()),
    )
    wrapper = Wrapper(order, os.environ, _say)
    if tells and wrapper.reporter.is_reporting:
        _say(_whereabouts(wrapper.reporter.settings, wrapper.reporter.batch_id))
    code = wrapper.run()
    if args.verbose:
        _say(wrapper.said_at_end)
    if wrapper.died_of_ctrl_c:
        # As the command did: a script in a shell goes on after one that has only said so.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return code


def _become(argv: list[str]) -> int:
    """Be the command: nothing stands between it and whoever started us."""
    from argus.wrap.ending import not_started
    from argus.wrap.posix import PYTHON_IGNORES, is_there

    for ignored in PYTHON_IGNORES:  # it should find them as we did
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        ending = not_started(argv[0], error, is_there(argv[0]))
    _say(ending.text)
    return ending.code


def _whereabouts(settings: Settings, batch_id: str) -> str:
    if settings.url is not None:
        return f"batch {batch_id}, watch it at {settings.url}"
    return f"batch {batch_id}, kept in {settings.runs_dir or 'runs'}"


def _say(text: str) -> None:
    print(f"argus run: {text}", file=sys.stderr, flush=True)
