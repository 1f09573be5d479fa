"""A run as `argus show` prints it: sections of lines, none of which says what is not known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argus.cli.chart import Series, can_draw, line_chart
from argus.cli.runs import project, started_at
from argus.cli.table import STATE_CODES, Paper, number, printable, span, table
from argus.rundir.runs import Run

_MAX_WIDTH = 100
_CHART_HEIGHT = 14
_MAX_CURVES = 6  # of one chart: more cannot be told apart
_MAX_CHARTS = 4
_MAX_POINTS = 2_000
_LOG_LINES = 10
_MAX_LISTED = 40
_CODES = ("36", "33", "35", "32", "34", "31")
_FIRST_CHARTS = ("train_loss", "val_loss")
_LATEST = (
    ("cpu_util_pct", "cpu {:.0f} %"),
    ("ram_mb", "memory {:,.0f} MB"),
    ("proc_cpu_pct", "process {:.0f} % of a core"),
    ("proc_ram_mb", "process {:,.0f} MB"),
    ("gpu_util_pct", "gpu {:.0f} %"),
    ("gpu_mem_mb", "gpu memory {:,.0f} MB"),
    ("disk_free_mb", "disk {:,.0f} MB free"),
)


def portrait(run: Run, told: Mapping[str, Any], paper: Paper) -> list[str]:
    """All sections, a blank line between two."""
    lines: list[str] = []
    for title, section in (
        ("", [*_head(run, paper), *_failure(told, paper)]),
        ("jobs", _jobs(told["jobs"], paper)),
        ("", _curves(told["series"], paper)),
        ("resources", _resources(told["resources"])),
        ("environment", _environment(told.get("environment") or {})),
        ("config", _config(run.main.sidecar.get("config"))),
        ("log", [f"  {printable(line)}" for line in told["log"][-_LOG_LINES:]]),
        ("lost or refused", _losses(run, told["rejected"])),
    ):
        body = [line[: paper.width] if not paper.colour else line for line in section]
        if body:
            lines += ["", *([paper.painted(title, "1")] if title else []), *body]
    return lines[1:]


def _head(run: Run, paper: Paper) -> Iterator[str]:
    main = run.main
    state = paper.painted(main.state, STATE_CODES.get(main.state))
    yield f"{paper.painted(printable(main.edits.name or main.batch_id), '1')}  {state}"
    where = {True: "delivered", False: "not delivered", None: "kept by a monitor"}[main.delivered]
    yield f"  {where}   {main.path}"
    facts = [f"project {project(run)}", f"begun {span(time.time() - started_at(run))} ago"]
    facts += [f"host {main.sidecar['host']}"] if main.sidecar.get("host") else []
    attempt = main.sidecar.get("attempt")
    facts += [f"attempt {attempt}"] if isinstance(attempt, int) and attempt > 1 else []
    facts += [f"{len(run.parts)} more directories"] if run.parts else []
    yield printable("  " + "   ".join(facts))
    if main.summary["command"]:
        yield printable(f"  {main.summary['command']}")
    if main.edits.tags:
        yield printable("  tags " + " ".join(main.edits.tags))
    if main.edits.notes:
        yield from (printable(f"  {line}") for line in main.edits.notes.splitlines())


def _failure(told: Mapping[str, Any], paper: Paper) -> list[str]:
    """Why the batch failed, by its own word."""
    lines = (told.get("failure") or "").splitlines()
    return [paper.painted(printable(f"  {line}"), STATE_CODES["failed"]) for line in lines]


def _jobs(jobs: Sequence[Mapping[str, Any]], paper: Paper) -> list[str]:
    if not jobs:
        return []
    rows = []
    for job in jobs[-_MAX_LISTED:]:
        metrics = job.get("metrics") or {}
        shown = " ".join(f"{name}={number(value)}" for name, value in metrics.items())
        rows.append(
            [
                str(job.get("state") or "running"),
                job["job_id"],
                str(job.get("model") or ""),
                str(job.get("dataset") or ""),
                str(job.get("epochs") or ""),
                shown or str(job.get("error") or ""),
            ]
        )
    heads = ("STATE", "JOB", "MODEL", "DATASET", "EPOCHS", "FINAL METRICS")
    left_out = len(jobs) - len(rows)
    more = [f"and {left_out} before these"] if left_out else []
    indented = paper._replace(width=paper.width - 2)
    return [f"  {line}" for line in [*table(heads, rows, indented, STATE_CODES, right=(4,)), *more]]


def _curves(series: Sequence[Mapping[str, Any]], paper: Paper) -> list[str]:
    """The curves of each name in one chart, losses first."""
    import sys

    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for each in series:
        by_name.setdefault(each["name"], []).append(each)
    names = sorted(by_name, key=lambda name: (name not in _FIRST_CHARTS, "loss" not in name, name))
    braille = can_draw(sys.stdout.encoding)
    lines: list[str] = []
    for name in names[:_MAX_CHARTS]:
        curves = [_curve(each) for each in by_name[name][-_MAX_CURVES:]]
        if not any(len(curve.points) > 1 for curve in curves):
            continue
        drawn = line_chart(
            curves,
            width=min(paper.width - 2, _MAX_WIDTH),
            height=_CHART_HEIGHT,
            x_label="epoch",
            x_last=1.0,
            braille=braille and (paper.colour or len(curves) == 1),
            paint=lambda owner, text: paper.painted(text, _CODES[owner % len(_CODES)]),
        )
        lines += [*([""] if lines else []), paper.painted(printable(name), "1")]
        lines += [f"  {line}" for line in drawn]
    return lines


def _curve(series: Mapping[str, Any]) -> Series:
    """A curve of so many points that each can still be seen."""
    values = [float(value) for value in series["value"]]
    epochs = [at if epoch is None else epoch for at, epoch in enumerate(series["epoch"])]
    points = sorted(zip(map(float, epochs), values), key=lambda point: point[0])
    step = max(len(points) // _MAX_POINTS, 1)
    return Series(printable(series["job"]), points[::step])


def _resources(series: Sequence[Mapping[str, Any]]) -> list[str]:
    """The latest of each host."""
    hosts: dict[str, dict[str, float]] = {}
    for each in series:
        if each["gpu"] is None and each["value"]:
            hosts.setdefault(each["host"], {})[each["name"]] = float(each["value"][-1])
    return [
        printable(f"  {host}  ")
        + "   ".join(wording.format(latest[name]) for name, wording in _LATEST if name in latest)
        for host, latest in hosts.items()
    ]


def _environment(told: Mapping[str, Any]) -> list[str]:
    texts = {name: value for name, value in told.items() if isinstance(value, (str, bool, int))}
    packages = told.get("pip_freeze")
    if isinstance(packages, list):
        texts["packages"] = len(packages)
    return _listed(texts)


def _config(config: object) -> list[str]:
    return _listed(config) if isinstance(config, Mapping) else []


def _listed(values: Mapping[str, Any]) -> list[str]:
    shown = list(values.items())[:_MAX_LISTED]
    width = max((len(name) for name, _ in shown), default=0)
    more = [f"  and {len(values) - len(shown)} more"] if len(values) > len(shown) else []
    lines = [printable(f"  {name:<{width}}  {number(value)}") for name, value in shown]
    return [*lines, *more]


def _losses(run: Run, refused: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for view in run.views:
        dropped = view.sidecar.get("dropped")
        if isinstance(dropped, Mapping) and dropped:
            counts = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
            lines.append(printable(f"  dropped: {counts}"))
    if refused:
        lines.append(f"  refused by the platform: {len(refused)}, the first because of")
        lines.append(printable(f"    {refused[0].get('reason')}"))
    return lines
