"""`argus runs`: the runs on this machine's disks, in a table."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from argus.cli.arguments import count, refused
from argus.cli.table import seconds_of

if TYPE_CHECKING:
    import argparse

    from argus.rundir.runs import Run

_EXAMPLES = """\
examples:
  argus runs                                  what was run here, the newest first
  argus runs --state running --state stalled  what has not come to its end
  argus runs --project paper --sort MSE       the lowest MSE first
  argus runs --since 7d --tag good --json     for a script
  argus runs --runs /data/runs                somebody else's
"""
_SHOWN_METRICS = 3
_HEADS = ("STATE", "AGE", "PROJECT", "RUN", "JOBS", "METRICS", "DELIVERED", "TAGS")


def since(text: str) -> float:
    """A moment, as seconds since the epoch: `7d` ago, or `2026-11-27`. Raises ArgumentTypeError."""
    try:
        return time.time() - seconds_of(text)
    except ValueError:
        pass  # then it is a date
    try:
        return calendar.timegm(time.strptime(text[:10], "%Y-%m-%d"))
    except ValueError:
        raise refused(text, "an age, such as 12h, 7d or 2w, nor a date, as 2026-11-27") from None


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places
    from argus.core.state import STATES

    parser = subparsers.add_parser(
        "runs",
        help="list runs: state, jobs, metrics, delivered or not",
        description="List the runs that are kept on disk, the newest first.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_places(parser)
    parser.add_argument("--project", metavar="P", help="only of that project")
    parser.add_argument("--state", choices=STATES, action="append", help="may be given again")
    parser.add_argument("--tag", action="append", default=[], help="all that are given")
    parser.add_argument("--since", type=since, help="begun since then: 12h, 7d, 2w, 2026-11-27")
    parser.add_argument(
        "--sort", default="age", metavar="KEY", help="age, state, project, run, or a metric's name"
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N")
    parser.add_argument("--archived", action="store_true", help="those that were put away, too")
    parser.add_argument("--json", action="store_true", help="a list of objects")


def run(args: argparse.Namespace) -> int:
    """List them. 0; 2 where something could not be read, which is told on stderr."""
    from argus.cli.finding import Finder, NotFoundError

    finder = Finder("runs", args.runs)
    try:
        everything = finder.all()
        found = [each for each in everything if _is_wanted(each, args)]
        shown = _sorted(found, args)[: args.limit]
    except NotFoundError as error:
        finder.complain(str(error))
        return 2
    if args.json:
        print(json.dumps([row(each) for each in shown], ensure_ascii=False, indent=1))
    else:
        _print(shown, len(everything))
    return 2 if finder.has_failed else 0


def row(found: Run) -> dict[str, Any]:
    """A run as JSON, as the monitor's /api/runs has it, and where it is."""
    from argus.rundir.view import dead_letters
    from argus.scanner.row import row_of

    main = found.main
    told = row_of(main.batch_id, main, len(dead_letters(main.path)))
    return {**told, "path": str(main.path), "parts": len(found.parts)}


def _is_wanted(found: Run, args: argparse.Namespace) -> bool:
    main = found.main
    return (
        (args.project is None or project(found) == args.project)
        and (not args.state or main.state in args.state)
        and all(tag in main.edits.tags for tag in args.tag)
        and (args.since is None or started_at(found) >= args.since)
        and (args.archived or not main.edits.archived)
    )


def _sorted(found: list[Run], args: argparse.Namespace) -> list[Run]:
    keys: dict[str, Callable[[Run], Any]] = {
        "age": lambda each: -started_at(each),
        "state": lambda each: each.main.state,
        "project": project,
        "run": lambda each: each.main.batch_id,
    }
    key = keys.get(args.sort)
    if key is None:
        _require_metric(args.sort, found)
        key = _metric_key(args.sort)
    return sorted(found, key=key, reverse=args.reverse)


def _metric_key(name: str) -> Callable[[Run], Any]:
    """By a metric, and those without it last."""

    def key(found: Run) -> tuple[bool, float]:
        value = metrics(found).get(name)
        is_number = type(value) in (int, float)
        return (not is_number, float(value) if is_number and value is not None else 0.0)

    return key


def _require_metric(name: str, found: list[Run]) -> None:
    from argus.cli.finding import NotFoundError

    known = sorted({metric for each in found for metric in metrics(each)})
    if found and name not in known:
        raise NotFoundError(f"no run has a metric {name!r}; there are {', '.join(known) or 'none'}")


def _print(shown: list[Run], n_there: int) -> None:
    from argus.cli.table import STATE_CODES, standard_paper, table

    if not shown and n_there:
        print(
            f"none of the {n_there} runs here is such a one; --archived lists those put away, too"
        )
        return
    if not shown:
        print("no runs: ARGUS_MODE=backup keeps a run below ./runs, ARGUS_RUNS_DIR below another")
        return
    rows = [_cells(each) for each in shown]
    print("\n".join(table(_HEADS, rows, standard_paper(), STATE_CODES)))


def _cells(found: Run) -> list[str]:
    from argus.cli.table import number, span

    main, summary = found.main, found.main.summary
    done, failed, known = (summary[name] for name in ("n_done", "n_failed", "n_jobs"))
    total = max(summary["n_total_jobs"] or 0, known)
    shown = list(metrics(found).items())[:_SHOWN_METRICS]
    delivered = {True: "yes", False: "no", None: "-"}[main.delivered]
    return [
        main.state,
        span(time.time() - started_at(found)),
        project(found),
        main.edits.name or main.batch_id,
        f"{done}/{total}" + (f" {failed} failed" if failed else ""),
        " ".join(f"{name}={number(value)}" for name, value in shown),
        delivered,
        " ".join(main.edits.tags),
    ]


def metrics(found: Run) -> dict[str, Any]:
    """The final metrics of the job that ended last; the latest numbers where none has ended."""
    summary = found.main.summary
    told: dict[str, Any] = summary["metrics"] or summary["last"]
    return told


def project(found: Run) -> str:
    """Its project."""
    told = found.main.sidecar.get("project") or found.main.summary["project"]
    return told if isinstance(told, str) else ""


def started_at(found: Run) -> float:
    """When it began, in seconds since the epoch."""
    try:
        began = time.strptime((found.main.started_at or "")[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return found.main.heard_at
    return float(calendar.timegm(began))
