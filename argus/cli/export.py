"""`argus export`: the numbers of runs for a spreadsheet or a script."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from argus.core.events import strictly_json

if TYPE_CHECKING:
    import argparse

    from argus.cli.finding import Finder
    from argus.rundir.runs import Run

_EXAMPLES = """\
examples:
  argus export bench-1f2e --csv > epochs.csv             a row for each epoch of each job
  argus export bench-1f2e --csv --table jobs             a row for each job, with final metrics
  argus export bench-1f2e --json --table resources       a line of JSON for each snapshot
"""
_EVENTS = {
    "epochs": ("job_epoch",),
    "jobs": ("job_done", "job_failed"),
    "resources": ("resource_snapshot",),
    "logs": ("log_line",),
    "events": (),  # all
}
_FIRST = ("batch_id", "job_id", "timestamp")


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places

    parser = subparsers.add_parser(
        "export",
        help="write the numbers of runs as CSV or JSON",
        description="Write the numbers of runs to stdout.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run", nargs="+", metavar="RUN", help="a path, a batch id, its beginning, or a name"
    )
    add_places(parser)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--csv", action="store_true", help="a table with a head (RFC 4180)")
    form.add_argument("--json", action="store_true", help="an object a line")
    parser.add_argument("--table", choices=_EVENTS, default="epochs", help="of what (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write them. 0; 2, with a line on stderr, where a run is not there or cannot be read."""
    from argus.cli.finding import Finder

    finder = Finder("export", args.runs)
    rows = Rows(finder, finder.named(args.run), args.table)
    if args.json:
        for row in rows:
            print(_line(row))
    else:
        _write_csv(rows)
    return 2 if finder.has_failed else 0


class Rows:
    """The rows of some runs, each time that they are asked for. A run that cannot be read is told
    once, and the rest is done."""

    def __init__(self, finder: Finder, found: Iterable[Run], table: str) -> None:
        self._finder = finder
        self._found = list(found)
        self._kinds = _EVENTS[table]
        self._with_metrics = table == "jobs"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for each in list(self._found):
            try:
                yield from self._of(each)
            except OSError as error:
                self._found.remove(each)
                self._finder.unreadable(each.main.path, error)

    def _of(self, run: Run) -> Iterator[dict[str, Any]]:
        from argus.cli.reading import events_of

        for event in events_of(run):
            if not self._kinds:
                yield event
            elif event["event_type"] in self._kinds:
                data = dict(event["data"])
                nested = data.pop("metrics", None) if self._with_metrics else None
                first = {name: event.get(name) for name in _FIRST}
                yield {**first, **data, **(nested if isinstance(nested, dict) else {})}


def _line(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False)
    except ValueError:  # a bare NaN: Python reads it, and hardly anybody else
        return json.dumps(strictly_json(row), ensure_ascii=False)


def _write_csv(rows: Rows) -> None:
    """Twice through the events: which columns there are is known only at the end, and there may
    be more events than memory has room for."""
    columns = dict.fromkeys(_FIRST)
    for row in rows:
        columns.update(dict.fromkeys(row))
    # A run that goes on may have new names by the second time; its next export has them.
    writer = csv.DictWriter(sys.stdout, list(columns), lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> object:
    """What a cell of a table holds: a text that a spreadsheet would run is marked as a text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
