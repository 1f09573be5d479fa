"""`argus gc`: what need not be kept any more, and removing it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from argus.cli.arguments import age

if TYPE_CHECKING:
    import argparse

    from argus.rundir.view import View

_DESCRIPTION = """\
Say which runs need not be kept: those that have ended a while ago, and that a platform has whole.
What is not delivered never goes, nor what somebody has tagged, named or noted.
"""
_EXAMPLES = """\
examples:
  argus gc                              say what can go; nothing is removed
  argus gc --older-than 30d --yes       remove what ended a month ago and is delivered
  argus gc --runs /data/runs --json     for a script
"""
_DEFAULT_AGE = "7d"


class Candidate(NamedTuple):
    """A run directory, whether it can go, and why or why not."""

    path: Path
    can_go: bool
    reason: str
    size: int  # bytes


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places

    parser = subparsers.add_parser(
        "gc",
        help="say what can go, and remove it with --yes",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_places(parser)
    parser.add_argument(
        "--older-than",
        type=age,
        default=_DEFAULT_AGE,
        metavar="AGE",
        help="since its last sign of life: 12h, 7d, 2w (%(default)s)",
    )
    parser.add_argument("--yes", action="store_true", help="remove what can go")
    parser.add_argument("--verbose", action="store_true", help="say what stays, too")
    parser.add_argument("--json", action="store_true", help="a list of objects")


def run(args: argparse.Namespace) -> int:
    """Say what can go. 0; 1 where something could not be removed; 2 where it could not be read."""
    from argus.cli.finding import Finder, NotFoundError

    finder = Finder("gc", args.runs)
    now = time.time()
    try:
        found = [view for each in finder.all() for view in each.views]
    except NotFoundError as error:
        finder.complain(str(error))
        return 2
    candidates = [judged(view, now, args.older_than) for view in found]
    going = [each.path for each in candidates if each.can_go and args.yes]
    removed = {path: _remove(path, args.older_than) for path in going}
    if args.json:
        rows = [
            {**each._asdict(), "path": str(each.path), "removed": removed.get(each.path, False)}
            for each in candidates
        ]
        print(json.dumps(rows, indent=1))
    else:
        _print(candidates, removed, args)
    if not all(removed.values()):
        return 1
    return 2 if finder.has_failed else 0


def judged(view: View, wall_now: float, older_than_s: float) -> Candidate:
    """Whether a run can go."""
    from argus.core.state import ENDED
    from argus.rundir.removal import why_it_stays

    try:
        spoken_for = why_it_stays(view.path)
    except OSError as error:
        spoken_for = error.strerror or str(error)
    reasons = (
        (view.state not in ENDED, f"it is {view.state}"),
        (view.delivered is None, "a monitor keeps it"),
        (view.delivered is False, "it is not delivered: `argus sync` does that"),
        (spoken_for is not None, spoken_for or ""),
        (wall_now - view.heard_at < older_than_s, "it is too young: see --older-than"),
    )
    reason = next((text for holds, text in reasons if holds), None)
    size = _size(view.path)
    if reason is None:
        return Candidate(view.path, True, f"{view.state} and delivered", size)
    return Candidate(view.path, False, reason, size)


def _remove(path: Path, older_than_s: float) -> bool:
    """Remove a run that nobody holds. False, with a line on stderr, where that fails."""
    from argus.rundir import layout, removal
    from argus.rundir.run import RunDirectory
    from argus.rundir.view import look

    try:
        run = RunDirectory.recover(path, kept=path.parent.name != layout.SPILL)
        if run is None:
            raise OSError("somebody is at work on it")
        try:
            now = time.time()  # once more: it may have gone on since it was looked at
            if not judged(look(path, now), now, older_than_s).can_go:
                raise OSError("it has changed meanwhile")
            removal.remove(run)
        finally:
            run.release()
    except OSError as error:
        print(f"argus gc: {path} cannot be removed: {error.strerror or error}", file=sys.stderr)
        return False
    return True


def _size(path: Path) -> int:
    size = 0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return size


def _print(
    candidates: list[Candidate], removed: dict[Path, bool], args: argparse.Namespace
) -> None:
    going = [each for each in candidates if each.can_go]
    for each in candidates if args.verbose else going:
        verb = "removed" if removed.get(each.path) else "can go" if each.can_go else "stays"
        print(f"{verb:<8} {each.path}  ({each.reason}, {each.size / 1e6:.1f} MB)")
    size = sum(each.size for each in going) / 1e6
    if args.yes:
        print(f"{sum(removed.values())} of {len(candidates)} runs removed, {size:.1f} MB")
    else:
        hint = ": --yes removes them" if going else "" if args.verbose else "; --verbose says why"
        print(f"{len(going)} of {len(candidates)} runs can go, {size:.1f} MB{hint}")
