"""`argus show`: all about one run, for somebody who would rather look than read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
examples:
  argus show bench-1f2e                    by the beginning of its batch id
  argus show runs/20261127/092306/bench-1f2e3d4c5b6a
  argus show bench-1f2e --json | jq .jobs  its series and jobs, for a script
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places

    parser = subparsers.add_parser(
        "show",
        help="show one run: jobs, curves, resources, environment, logs",
        description="Show a run: its jobs and their curves, what it used, where it came from,\n"
        "why it failed, its last words, and what was dropped or refused.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a path, a batch id, its beginning, or a name")
    add_places(parser)
    parser.add_argument("--json", action="store_true", help="one object with all of it")


def run(args: argparse.Namespace) -> int:
    """Show it. 0; 2, with a line on stderr, where there is no such run."""
    from argus.cli.finding import Finder
    from argus.cli.portrait import portrait
    from argus.cli.reading import read_run
    from argus.cli.runs import row
    from argus.cli.table import standard_paper

    finder = Finder("show", args.runs)
    found = finder.named([args.run])
    if not found:
        return 2
    try:
        told = read_run(found[0])
    except OSError as error:
        finder.unreadable(found[0].main.path, error)
        return 2
    if args.json:
        print(json.dumps({"run": row(found[0]), **told}, ensure_ascii=False))
    else:
        print("\n".join(portrait(found[0], told, standard_paper())))
    return 0
