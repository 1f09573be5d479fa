"""What `argus demo` says in plain lines: an event as it comes, and the summary at the end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argus.cli.progress import Progress, as_number

_SHOWN_OF_EPOCH = ("train_loss", "val_loss", "val_accuracy")
_SHOWN_OF_SNAPSHOT = ("cpu_util_pct", "ram_mb", "proc_cpu_pct", "proc_ram_mb", "gpu_util_pct")


def sentence(event: Mapping[str, Any], epochs: int) -> str | None:
    """One line on an event of a training of `epochs` epochs; None for what is not worth one."""
    data = event.get("data") or {}
    job = event.get("job_id")
    kind = event.get("event_type")
    if kind == "job_epoch":
        shown = _numbers(data, _SHOWN_OF_EPOCH)
        return f"{job}  epoch {data['epoch'] + 1}/{epochs}  {shown}"
    if kind == "resource_snapshot":
        return f"resources  {_numbers(data, _SHOWN_OF_SNAPSHOT)}"
    if kind == "log_line":
        return None if data.get("level") == "debug" else f"{job}  {data.get('line')}"
    if kind in ("batch_failed", "job_failed"):
        return f"{job or event.get('batch_id')}  failed: {data.get('error')}"
    if kind in ("batch_start", "batch_done", "job_start", "job_done"):
        return f"{job or event.get('batch_id')}  {str(kind).partition('_')[2]}"
    return None


def summary(progress: Progress) -> list[str]:
    """What came of the batch: its jobs, and how many events have told of them."""
    lines = []
    for job in progress.jobs.values():
        best = job.best("val_loss")
        result = f"best val_loss {best:.4f}" if best is not None else "no val_loss"
        lines.append(f"{job.job_id:<8} {job.status:<8} {len(job.epochs)} epochs, {result}")
    lines.append(f"{progress.events} events arrived, {progress.duplicates} of them twice")
    return lines


def _numbers(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    shown = ((name, as_number(data.get(name))) for name in names)
    return "  ".join(f"{name} {value:.4g}" for name, value in shown if value is not None)
