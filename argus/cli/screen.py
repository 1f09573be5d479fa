"""The picture that `argus demo` redraws while a training runs: pure, state in, lines out.

Every line fits the width that it was given; the colours of a terminal come last and take no room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from argus.cli.chart import Series, line_chart, progress_bar, sparkline
from argus.cli.progress import DONE, FAILED, Job, Progress, as_number

_MAX_WIDTH = 100  # eyes do not follow longer lines
_BAR_WIDTH = 16
_CHART_HEIGHTS = range(6, 15)
_LOG_LINES = 4
_SHOWN_OF_EPOCH = (("train_loss", "train"), ("val_loss", "val"), ("val_accuracy", "accuracy"))

# SGR codes of ECMA-48; the series take the colours in this order.
_SERIES_CODES = ("36", "33", "35", "32", "34", "31")
_BOLD = "1"
_DIM = "2"
_STATUS_CODES = {DONE: "32", FAILED: "31"}


class Style(NamedTuple):
    """What the terminal can do."""

    unicode: bool
    colour: bool


class Piece(NamedTuple):
    """A stretch of text, and the SGR code to paint it with; empty for none."""

    text: str
    code: str


def frame(
    progress: Progress, *, url: str, epochs: int, columns: int, rows: int, style: Style
) -> list[str]:
    """The whole picture of a batch whose jobs are to run `epochs` epochs each.

    At most `rows` lines of at most `columns` characters: the chart gives way first.
    """
    width = min(columns, _MAX_WIDTH)
    head = [[Piece("argus demo  ", _BOLD), Piece(f"{url}/", "")], _batch_line(progress), []]
    jobs = [
        _job_line(job, epochs, _SERIES_CODES[number % len(_SERIES_CODES)], style)
        for number, job in enumerate(progress.jobs.values())
    ]
    foot = [[], *_resource_lines(progress, style), *_log_lines(progress)]
    room = rows - len(head) - len(jobs) - len(foot) - 2
    chart = _chart(progress, epochs, width, min(room, _CHART_HEIGHTS[-1]), style)
    lines = [_fitted(line, width, style) for line in (*head, *jobs)]
    lines += chart
    lines += [_fitted(line, width, style) for line in foot]
    return lines[:rows]


def _batch_line(progress: Progress) -> list[Piece]:
    code = _STATUS_CODES.get(progress.status, "")
    return [
        Piece(f"{progress.batch_id or 'waiting for the first event'}  ", ""),
        Piece(progress.status, code),
        Piece(f"  {progress.events} events", _DIM),
    ]


def _job_line(job: Job, epochs: int, code: str, style: Style) -> list[Piece]:
    done = len(job.epochs)
    pieces = [
        Piece(f"{job.job_id:<8} ", code),
        Piece(progress_bar(done, epochs, _BAR_WIDTH, style.unicode), code),
        Piece(f" {done:>{len(str(epochs))}}/{epochs} ", ""),
        Piece(f"{job.status:<8}", _STATUS_CODES.get(job.status, "")),
    ]
    for field, label in _SHOWN_OF_EPOCH:
        value = job.latest(field)
        if value is not None:
            pieces += [Piece(f" {label} ", _DIM), Piece(f"{value:.4f}", "")]
    return pieces


def _chart(progress: Progress, epochs: int, width: int, height: int, style: Style) -> list[str]:
    """The validation loss of every job, as far as there is room for it."""
    series = [Series(job.job_id, job.series("val_loss")) for job in progress.jobs.values()]
    if height < _CHART_HEIGHTS[0] or not any(line.points for line in series):
        return []
    # Braille dots of two curves look alike: without colour, each gets a mark of its own.
    braille = style.unicode and (style.colour or len(series) == 1)

    def paint(owner: int, text: str) -> str:
        return _painted(Piece(text, _SERIES_CODES[owner % len(_SERIES_CODES)]), style)

    curves = line_chart(
        series,
        width=width,
        height=height,
        x_label="epoch",
        x_last=float(max(epochs - 1, 1)),
        braille=braille,
        paint=paint,
    )
    title = _fitted([Piece("val_loss", _BOLD)], width, style)
    return ["", title, *curves]


def _resource_lines(progress: Progress, style: Style) -> list[list[Piece]]:
    """What the last snapshot says; nothing of what it leaves out."""
    if not progress.snapshots:
        return []
    latest = {name: as_number(value) for name, value in progress.snapshots[-1].items()}
    texts = []
    if latest.get("cpu_util_pct") is not None:
        shares = [as_number(data.get("cpu_util_pct")) for data in progress.snapshots]
        known = [share for share in shares if share is not None]
        spark = sparkline(known, _BAR_WIDTH, 0.0, 100.0, style.unicode)
        texts.append(f"cpu {spark} {latest['cpu_util_pct']:.0f} %")
    for name, wording in (
        ("ram_mb", "ram {:,.0f} MB"),
        ("proc_cpu_pct", "process {:.0f} % of a core"),
        ("proc_ram_mb", "{:,.0f} MB"),
        ("gpu_util_pct", "gpu {:.0f} %"),
        ("disk_free_mb", "disk {:,.0f} MB free"),
    ):
        value = latest.get(name)
        if value is not None:
            texts.append(wording.format(value))
    return [[Piece("   ".join(texts), "")]]


def _log_lines(progress: Progress) -> list[list[Piece]]:
    return [[Piece(line, _DIM)] for line in list(progress.log)[-_LOG_LINES:]]


def _fitted(pieces: Sequence[Piece], width: int, style: Style) -> str:
    """The pieces as one line, cut to `width` characters, then painted."""
    painted = []
    for text, code in pieces:
        shown = "".join(char if char.isprintable() else "?" for char in text)[:width]
        width -= len(shown)
        painted.append(_painted(Piece(shown, code), style))
    return "".join(painted)


def _painted(piece: Piece, style: Style) -> str:
    if not (style.colour and piece.code and piece.text):
        return piece.text
    return f"\x1b[{piece.code}m{piece.text}\x1b[0m"
