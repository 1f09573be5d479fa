"""The `argus` command: finds the subcommand and runs it.

A subcommand is a module of this package with `add_parser(subparsers)`, which declares it, and
`run(args)`, which returns the exit code. It imports what it needs inside `run`, so that `argus
--help` loads nothing else.
"""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from argus.core.version import __version__

COMMANDS = (
    "demo",
    "serve",
    "view",
    "run",
    "sync",
    "runs",
    "show",
    "best",
    "export",
    "tag",
    "gc",
    "stop",
    "doctor",
)  # in the order of --help

_DESCRIPTION = "Watch and keep training runs. `argus COMMAND --help` tells more about each command."
_EXAMPLES = """\
examples:
  argus demo                             see it work: a monitor, and a training that reports to it
  argus serve                            a monitor on this machine, keeping runs in ./runs
  argus view                             look at the runs that were kept here, in a browser
  ARGUS_URL=http://127.0.0.1:8765 python train.py
                                         a run that reports to it
  argus run -- ./train.sh                any command, reported with no change to it
  argus doctor                           whether a run here would report, and why not
  argus sync --url http://127.0.0.1:8765
                                         hand in what was kept on disk
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv`, or the command line, names. The exit code."""
    _print_any_text()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            return _run(words)
        finally:
            sys.stdout.flush()  # here, where what goes wrong is told in one line
    except KeyboardInterrupt:
        return 130  # as a shell reports a command that SIGINT ended
    except BrokenPipeError:  # `argus … | head`: whoever read has read enough
        _print_no_more()
        return 141
    except OSError as error:  # a full disk that stdout is on, for one
        _print_no_more()
        print(f"{' '.join(['argus', *words[:1]])}: {_told(error)}", file=sys.stderr)
        return 1


def _run(words: list[str]) -> int:
    parser = _parser()
    if words[:1] == ["tag"]:
        from argus.cli.tag import spelled

        words = spelled(words)
    args, left = parser.parse_known_args(words)
    if args.command == "tag":  # argparse takes no word for a RUN's after an option that follows it
        args.change += [word for word in left if word[:1] in ("+", " ")]
        left = [word for word in left if word[:1] not in ("+", " ")]
    if left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    return int(import_module(f"argus.cli.{args.command}").run(args))


def _told(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"


def _print_no_more() -> None:
    """What could not be printed goes nowhere: the interpreter tries once more at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _print_any_text() -> None:
    """What stdout cannot encode is printed as an escape of JSON: a name that is no UTF-8 for one.
    Where stdout is closed, `>&-`, nobody reads."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as we run
    codecs.register_error("argus.escape", _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="argus.escape")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="argus",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"argus {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"argus.cli.{name}").add_parser(subparsers)
    return parser
