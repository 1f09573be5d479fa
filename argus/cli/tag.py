"""`argus tag`: what people say about runs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
examples:
  argus tag bench-1f2e +good -old         add a tag, take one away
  argus tag bench-1f2e                    say which there are
  argus tag bench-1f2e --name "best so far" --notes "lr was too high before"
  argus tag bench-1f2e --archive          put it away: `argus runs --archived` still shows it
"""
_TAKEN_AWAY = re.compile(r"-(?!h\Z)[^-].*")


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places

    parser = subparsers.add_parser(
        "tag",
        help="tag, name or put away a run",
        description="Say something about a run. It is kept in a file of its own beside the run.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_places(parser)
    parser.add_argument("--name", help="a name for people; an empty one takes it away")
    parser.add_argument("--notes", help="anything")
    away = parser.add_mutually_exclusive_group()
    away.add_argument("--archive", action="store_true", help="put it away")
    away.add_argument("--restore", action="store_true", help="take it out again")
    parser.add_argument("--json", action="store_true", help="one object")
    parser.add_argument("run", metavar="RUN", help="a path, a batch id, its beginning, or a name")
    parser.add_argument("change", nargs="*", metavar="+TAG|-TAG", help="tags to add, to take away")


def spelled(argv: Sequence[str]) -> list[str]:
    """The words of a command line so that argparse takes `-old` for a tag, and no option: what
    holds a space is none."""
    return [f" {word}" if _TAKEN_AWAY.fullmatch(word) else word for word in argv]


def run(args: argparse.Namespace) -> int:
    """Say it. 0; 2, with a line on stderr, where there is no such run, or it cannot be written."""
    from argus.cli.finding import Finder
    from argus.rundir import edits

    finder = Finder("tag", args.runs)
    args.change = [change.strip() for change in args.change]
    odd = [change for change in args.change if change[:1] not in ("+", "-") or len(change) < 2]
    if odd:
        finder.complain(f"{odd[0]!r} is neither +TAG nor -TAG")
        return 2
    found = finder.named([args.run])
    if not found:
        return 2
    path = found[0].main.path
    try:
        kept = edits.change(path, lambda said: _changed(said, args))._asdict()
    except OSError as error:
        finder.complain(f"{path} cannot be written: {error.strerror or error}")
        return 2
    if args.json:
        print(json.dumps({"batch_id": found[0].main.batch_id, **kept}, ensure_ascii=False))
    else:
        print(f"{kept['name'] or found[0].main.batch_id}: {' '.join(kept['tags']) or 'no tags'}")
    return 0


def _changed(said: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    tags = dict.fromkeys(said["tags"])
    for change in args.change:
        if change.startswith("+"):
            tags[change[1:]] = None
        else:
            tags.pop(change[1:], None)
    changed = {**said, "tags": list(tags)}
    if args.name is not None:
        changed["name"] = args.name
    if args.notes is not None:
        changed["notes"] = args.notes
    if args.archive or args.restore:
        changed["archived"] = args.archive
    return changed
