"""`argus best`: which job came out best by one of its final metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argus.cli.arguments import count

if TYPE_CHECKING:
    import argparse

    from argus.cli.finding import Finder
    from argus.rundir.runs import Run

_EXAMPLES = """\
examples:
  argus best --metric MSE                       of all runs here, the lowest first
  argus best sweep-1f2e --metric accuracy --max of one run, the highest first
  argus best --metric MSE --limit 1 --json      for a script
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    import argparse

    from argus.cli.finding import add_places

    parser = subparsers.add_parser(
        "best",
        help="rank jobs by a final metric",
        description="Rank the jobs of runs by one of their final metrics, the best first.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run",
        nargs="*",
        metavar="RUN",
        help="only of these: a path, a batch id, its beginning, or a name (all that are found)",
    )
    add_places(parser)
    parser.add_argument("--metric", required=True, metavar="NAME", help="such as MSE")
    parser.add_argument("--max", action="store_true", help="the highest is the best")
    parser.add_argument(
        "--limit", type=count, default=20, metavar="N", help="the first N (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="a list of objects")


def run(args: argparse.Namespace) -> int:
    """Rank them. 0; 2, with a line on stderr, where there is nothing of that name."""
    from argus.cli.finding import Finder, NotFoundError

    finder = Finder("best", args.runs)
    try:
        found = finder.named(args.run) if args.run else finder.all()
    except NotFoundError as error:
        finder.complain(str(error))
        return 2
    jobs = [job for each in found for job in _readable(finder, each)]
    ranked = _ranked(jobs, args.metric, args.max)
    if not ranked:
        known = sorted({name for job in jobs for name in job["metrics"]})
        finder.complain(
            f"no job that is done has a number for {args.metric!r}; there are: "
            f"{', '.join(known) or 'none'}"
        )
        return 2
    shown = ranked[: args.limit]
    if args.json:
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _print(shown, args.metric)
    return 2 if finder.has_failed else 0


def _ranked(jobs: list[dict[str, Any]], metric: str, highest: bool) -> list[dict[str, Any]]:
    """Jobs with a finite number of that name, the best first: NaN wins nothing."""
    ranked = []
    for job in jobs:
        value = job["metrics"].get(metric)
        if type(value) in (int, float) and math.isfinite(value):
            ranked.append({"value": value, **job})
    return sorted(ranked, key=lambda job: job["value"], reverse=highest)


def _readable(finder: Finder, found: Run) -> list[dict[str, Any]]:
    """Its jobs; none, and a line on stderr, where its events cannot be read."""
    try:
        return list(_jobs(found))
    except OSError as error:
        finder.unreadable(found.main.path, error)
        return []


def _jobs(found: Run) -> Iterator[dict[str, Any]]:
    """Its jobs that are done: out of the sidecar's sums, or of all events where there were more
    than those know."""
    main = found.main
    known: list[dict[str, Any]] = main.summary["jobs"]
    if len(known) < main.summary["n_jobs"] or found.parts:
        from argus.cli.reading import events_of
        from argus.scanner.columns import Columns

        columns = Columns()
        columns.add(event for event in events_of(found) if event["event_type"] != "job_epoch")
        known = columns.document()["jobs"]
    for job in known:
        if job.get("state") == "done":
            yield {
                "batch_id": main.batch_id,
                "job_id": job["job_id"],
                "model": job.get("model"),
                "dataset": job.get("dataset"),
                "metrics": job.get("metrics") or {},
                "path": str(main.path),
            }


def _print(shown: list[dict[str, Any]], metric: str) -> None:
    from argus.cli.table import number, standard_paper, table

    rows = [
        [
            str(place),
            number(job["value"]),
            job["batch_id"],
            job["job_id"],
            job["model"] or "",
            job["dataset"] or "",
            " ".join(f"{n}={number(v)}" for n, v in job["metrics"].items() if n != metric),
        ]
        for place, job in enumerate(shown, 1)
    ]
    heads = ("", metric, "RUN", "JOB", "MODEL", "DATASET", "OTHER METRICS")
    print("\n".join(table(heads, rows, standard_paper(), right=(0, 1))))
