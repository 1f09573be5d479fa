"""What was reported before the browser looks: three ordinary runs, and one that means harm."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from tests.server.events import Client, event, file_part, text_part

IMG = "<img src=x onerror=\"document.title='hacked'\">"
HOSTILE = {
    "batch": f"{IMG}<script>alert(1)</script>"[:128],
    "job": f"{IMG}job",
    "metric": "<b>bold</b>",
    "line": f"{IMG}</pre><script>alert(2)</script> javascript:alert(3)",
}
EPOCHS = 30


def report(client: Client) -> None:
    """Send all of it."""
    _run(client, "alpha", "paper", {"lr": 0.1, "optimizer": "adamw"}, 0.3)
    _run(client, "beta", "paper", {"lr": 0.01, "optimizer": "adamw"}, 0.2)
    _run(client, "gamma", "vision", {"lr": 0.01, "optimizer": "sgd"}, 0.4, ends="batch_failed")
    _hostile(client)
    for name in ("first.png", "second.png"):
        parts = (file_part(name, picture()), text_part("label", f"figure {name}"))
        assert client.upload("/api/batches/alpha/artifacts", *parts).status == 201


def _run(
    client: Client,
    batch: str,
    project: str,
    config: dict[str, Any],
    mse: float,
    ends: str = "batch_done",
) -> None:
    common = {"batch_id": batch, "source": {"project": project, "host": "node-1", "user": "ann"}}

    def at(second: int) -> dict[str, Any]:
        return {**common, "timestamp": f"2026-04-23T09:{second // 60:02d}:{second % 60:02d}.5Z"}

    job = f"{batch}-job"
    events = [
        event("batch_start", **at(0), data={"n_total_jobs": 1, "experiment_type": "forecast"}),
        event("env_snapshot", **at(0), data={"git_sha": "a1b2c3d", "config": config}),
        event("job_start", job_id=job, **at(1), data={"model": "lstm", "dataset": "etth1"}),
    ]
    for epoch in range(EPOCHS):
        loss: Any = "NaN" if (batch, epoch) == ("beta", 9) else mse + 1 / (epoch + 1)
        data = {"epoch": epoch, "train_loss": loss, "lr": config["lr"]}
        events.append(event("job_epoch", job_id=job, **at(2 + epoch), data=data))
        line = {"line": f"ERROR epoch {epoch}" if epoch == 7 else f"epoch {epoch}", "level": "info"}
        events.append(event("log_line", job_id=job, **at(2 + epoch), data=line))
    for host in ("node-1", "node-2"):
        gpus = [{"index": 0, "gpu_util_pct": 90}, {"index": 1, "gpu_util_pct": 80}]
        data = {"cpu_util_pct": 50, "gpus": gpus, "host": host}
        events.append(event("resource_snapshot", **at(40), data=data))
    if ends == "batch_done":
        data = {"metrics": {"MSE": mse}, "elapsed_s": 40.0}
        events.append(event("job_done", job_id=job, **at(42), data=data))
    events.append(event(ends, **at(43)))
    client.send(*events)


def _hostile(client: Client) -> None:
    common = {"batch_id": HOSTILE["batch"], "source": {"project": IMG, "host": IMG}}
    job = {**common, "job_id": HOSTILE["job"]}
    client.send(
        event("batch_start", **common, data={"command": IMG, "experiment_type": IMG}),
        event("env_snapshot", **common, data={IMG: IMG, "config": {IMG: IMG, "__proto__": 1}}),
        event("job_start", **job, data={"model": IMG, "dataset": IMG}),
        event("job_epoch", **job, data={"epoch": 0, HOSTILE["metric"]: 1, IMG: 2}),
        event("job_epoch", **job, data={"epoch": 1, HOSTILE["metric"]: 2, IMG: 3}),
        event("log_line", **job, data={"line": HOSTILE["line"], "level": "info"}),
        event("resource_snapshot", **common, data={"host": IMG, "cpu_util_pct": 5, IMG: 1}),
        event("job_failed", **job, data={"error": IMG, "metrics": {IMG: 1}}),
    )


def picture() -> bytes:
    """A small PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 8, 6, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + b"\x20\x60\xc0" * 8 for _ in range(6)))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
