"""`argus sync`: hands in what is on disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from argus.cli.arguments import count, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from argus.cli.sync_report import Report
    from argus.core.settings import Settings
    from argus.sync.finding import Item
    from argus.sync.fleet import Fleet
    from argus.sync.task import Task

_NOT_DONE, _BAD_INPUT, _INTERRUPTED, _TERMINATED = 1, 2, 130, 143
_PATIENCE_S = 120.0
_DRAW_S = 0.1

_DESCRIPTION = """\
Deliver what is kept on disk and a platform does not have yet: runs of ARGUS_MODE=backup, runs that
an outage left behind, files of events. It can be run twice, interrupted and run again, and by two
people at once: the platform has each event once, and nothing is deleted unless --prune is given.

A PATH is a run directory, a directory with runs at any depth, a state directory, or a file of
events, one JSON object a line, also of other reporters (~/.argus-reporter). Without one: the runs
that wait in the state directory, and the kept ones in ARGUS_RUNS_DIR or ./runs.
"""
_EXAMPLES = """\
examples:
  ARGUS_URL=https://argus.example.org argus sync
                                       all that waits for that platform
  argus sync --dry-run                 say what that would be
  argus sync runs/20260422 --url https://argus.example.org
                                       the runs of a day, to a platform they did not know
  argus sync --project paper --id 'bench-*'
                                       some of them; patterns as a shell has them
  argus sync --watch runs              follow what is still being written to its end
  argus sync --prune                   and remove from this disk what has all arrived
  argus sync --all --id bench-1f2e     from the start, where the platform has lost something
  argus sync ~/.argus-reporter         what argus-reporter 0.1 has left

A run whose process has died without a word is told to have failed, with what is known of its end;
--no-close leaves that out. A run that its own reporter is delivering is left to it. Events have
ids, files have none: one whose upload is killed before its answer is noted may be there twice.

exit code: 0 all is delivered; 1 something is not; 2 something could not be read; 130 interrupted.
--json prints one JSON object a line: {"type": "run"|"file", "path", "batch_id", "project",
"outcome": "delivered"|"refused"|"nothing"|"left"|"followed"|"passed over"|"busy"|"unreadable",
"reason", "events", "files", "left_events", …}, and a last one with "type": "summary".
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    import argparse

    parser = subparsers.add_parser(
        "sync",
        help="deliver runs that are kept on disk",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("paths", nargs="*", type=Path, metavar="PATH", help="what to deliver")
    add("--url", help="the platform (ARGUS_URL)")
    add("--token", help="its token; ARGUS_TOKEN hides it from `ps`")
    add("--project", action="append", default=[], metavar="P", help="only runs of that project")
    add("--id", action="append", default=[], metavar="ID", help="only that batch")
    add("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    add("--watch", action="store_true", help="follow runs that are being written to their end")
    add("--all", action="store_true", help="send from the start; what is known is not doubled")
    add("--prune", action="store_true", help="remove what is delivered, all of it, from this disk")
    add("--no-close", action="store_true", help="do not report the end of runs that have crashed")
    add("--jobs", type=count, default=4, metavar="N", help="runs at once (%(default)s)")
    add(
        "--patience",
        type=seconds,
        metavar="SECONDS",
        help=f"give up once nothing got through for so long ({_PATIENCE_S:.0f}; never with --watch)",
    )
    add("--json", action="store_true", help="one JSON object a line on stdout")


def run(args: argparse.Namespace) -> int:
    """Deliver. 0 where nothing is left; 1 where something is; 2 for bad input."""
    from argus.cli.sync_report import Report
    from argus.sync.task import Task
    from argus.transport.address import Address

    settings = _settings(args)
    for complaint in settings.complaints:
        print(f"argus sync: {complaint}", file=sys.stderr)
    if settings.url is None:
        return _refuse("no platform to deliver to: give --url, or set ARGUS_URL")
    try:
        address = Address.parse(settings.url)
    except ValueError as error:
        return _refuse(f"{settings.url} is no address: {error}")
    task = Task(
        url=address.url,
        state_dir=_state_dir(settings, writes=not args.dry_run),
        wanted=_wanted(args),
        again=args.all,
        closes=not args.no_close,
        watches=args.watch,
        prunes=args.prune,
    )
    report = Report(address.url, as_json=args.json, is_dry=args.dry_run)
    items = _items(args, settings, task, report)
    if args.dry_run:
        _foresee(items, task, report)
    else:
        _deliver(args, settings, items, task, report)
    return report.finish()


def _settings(args: argparse.Namespace) -> Settings:
    """The reporter's own, but that ARGUS_MODE and ARGUS_DISABLE say nothing about handing in."""
    from argus.arguments import settings_file
    from argus.core.settings import ONLINE, resolve

    environ = {key: value for key, value in os.environ.items() if key != "ARGUS_DISABLE"}
    return resolve(args.url, args.token, environ, settings_file(), ONLINE)


def _state_dir(settings: Settings, writes: bool) -> Path | None:
    """The state directory; where nothing shall be written, only one that is there."""
    import tempfile

    from argus.delivery.workplace import state_dir
    from argus.rundir import layout, writer

    if writes:
        try:
            return state_dir(settings)
        except OSError:
            return None
    candidates = layout.state_dir_candidates(
        settings.state_dir, os.environ, tempfile.gettempdir(), writer.user_id()
    )
    return next((place for place in candidates if (place / layout.SPILL).is_dir()), None)


def _wanted(args: argparse.Namespace) -> Any:
    from argus.sync.finding import Wanted

    return Wanted(tuple(args.project), tuple(args.id))


def _items(args: argparse.Namespace, settings: Settings, task: Task, report: Report) -> list[Item]:
    """What is to be delivered; `report` is told of all that is not."""
    from argus.sync.finding import default_items, found
    from argus.sync.task import PASSED, Tidings

    if args.paths:
        items, complaints = found(args.paths)
        for complaint in complaints:
            report.complain(f"{complaint.path}: {complaint.text}")
    else:
        items = default_items(task.state_dir, Path(settings.runs_dir or "runs").expanduser())
    meant = [
        item for item in items if not item.is_run or task.wanted.takes(item.project, item.batch_id)
    ]
    if items and not meant:
        report.complain("no run of that --project and --id is there")
    if args.paths or args.url:
        return meant
    # A URL of the environment is for what reports to it now. What was meant for another platform
    # may be none of its business.
    for item in meant:
        if item.home not in (None, task.url):
            tidings = Tidings(item)
            tidings.outcome = PASSED
            tidings.reason = f"it is meant for {item.home}; to send it here, give --url or its path"
            report.tell(tidings)
    return [item for item in meant if item.home in (None, task.url)]


def _foresee(items: list[Item], task: Task, report: Report) -> None:
    from argus.sync.outlook import outlook
    from argus.sync.task import LEFT, UNREADABLE, Tidings

    for item in items:
        tidings = Tidings(item)
        try:
            ahead = outlook(item, task)
        except OSError as error:
            tidings.outcome, tidings.reason = UNREADABLE, error.strerror or str(error)
        else:
            tidings.left_events, tidings.left_files = ahead.events, ahead.files
            tidings.total_bytes = ahead.size
            if ahead.events or ahead.files:
                tidings.outcome = LEFT
        report.tell(tidings)


def _deliver(
    args: argparse.Namespace, settings: Settings, items: list[Item], task: Task, report: Report
) -> None:
    import math
    import signal

    from argus.delivery.trust import trust
    from argus.sync.fleet import Fleet
    from argus.transport.address import Address
    from argus.transport.client import HttpClient

    address, trusted = Address.parse(task.url), trust(settings, report.warn)
    limit_s = args.patience or (math.inf if args.watch else _PATIENCE_S)
    fleet = Fleet(
        items,
        task,
        args.jobs,
        limit_s,
        lambda meanwhile: HttpClient(address, settings.token, trusted, report.warn, meanwhile),
        report.tell,
    )
    ends: list[int] = []
    handled = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda number, _: ends.append(number)) for each in handled]
    try:
        fleet.start()
        _accompany(fleet, report, ends)
    finally:
        for each, handler in zip(handled, before):
            signal.signal(each, handler)
    report.given_up = fleet.pace.given_up
    if ends:
        report.interrupted = _INTERRUPTED if ends[0] == signal.SIGINT else _TERMINATED


def _accompany(fleet: Fleet, report: Report, ends: list[int]) -> None:
    """Show how it goes until it is over; a signal in `ends` has it end soon."""
    has_asked = False
    while not fleet.wait(_DRAW_S):
        report.draw(fleet.tidings, fleet.pace.trouble)
        if ends and not has_asked:
            has_asked = True
            fleet.stop()


def _refuse(message: str) -> int:
    print(f"argus sync: {message}", file=sys.stderr)
    return _BAD_INPUT
