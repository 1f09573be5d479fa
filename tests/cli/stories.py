"""Events as a monitor keeps them, for the tests of what shows them."""

from __future__ import annotations

from itertools import count
from typing import Any

_number = count(1)


def event(event_type: str, job_id: str | None = None, **data: Any) -> dict[str, Any]:
    """An event of the batch `demo-1`."""
    return {
        "event_id": f"00000000-0000-8000-8000-{next(_number):012x}",
        "schema_version": "1.1",
        "event_type": event_type,
        "timestamp": "2026-04-22T09:23:06.123456Z",
        "batch_id": "demo-1",
        "job_id": job_id,
        "source": {"project": "argus-demo"},
        "data": data,
    }


def job_story(job_id: str, losses: list[Any]) -> list[dict[str, Any]]:
    """A job from start to end, with an epoch for each validation loss."""
    epochs = [
        event("job_epoch", job_id, epoch=number, train_loss=loss, val_loss=loss, val_accuracy=0.5)
        for number, loss in enumerate(losses)
    ]
    return [
        event("job_start", job_id, model="mlp"),
        *epochs,
        event("job_done", job_id, status="DONE", train_epochs=len(losses)),
    ]


def whole_story() -> list[dict[str, Any]]:
    """A batch of two jobs, from start to end."""
    return [
        event("batch_start", n_total_jobs=2),
        *job_story("a", [0.75, 0.5, 0.25]),
        event("resource_snapshot", cpu_util_pct=50.0, ram_mb=2048.0, proc_ram_mb=21.5, pid=7),
        event("log_line", "b", line="half way", level="info"),
        event("log_line", "demo-1", line="heartbeat", level="debug"),
        *job_story("b", [0.75, "NaN", 0.125]),
        event("batch_done", n_done=2, n_failed=0),
    ]
