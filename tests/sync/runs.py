"""Runs and files to hand in, as a reporter or a crash leaves them; and a sync of them in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argus.core.events import Encoder
from argus.rundir import writer
from argus.rundir.media import PENDING, Artifact
from argus.rundir.run import RunDirectory
from argus.sync.finding import Wanted, found
from argus.sync.fleet import Fleet
from argus.sync.pace import SharedGate
from argus.sync.task import Task, Tidings
from argus.transport.address import Address
from argus.transport.client import HttpClient

_BEGAN = 1_777_000_000.0
DEAD_PID = 2**22 + 1  # more than Linux gives, and than others do


def a_task(url: str, **changes: Any) -> Task:
    plain = Task(
        url=url,
        state_dir=None,
        wanted=Wanted(),
        again=False,
        closes=True,
        watches=False,
        prunes=False,
    )
    return plain._replace(**changes)


def story(
    batch_id: str = "b", job_id: str = "j", epochs: int = 3, ends: bool = True
) -> list[bytes]:
    """The lines of a batch with one job; all of it, or as far as a crash lets it come."""
    encoder = Encoder(batch_id, {"project": "p"}, os.urandom(10))
    records: list[Any] = [
        ("batch_start", 0.0, None, {}, None),
        ("job_start", 1.0, job_id, {}, None),
    ]
    records += [("job_epoch", 2.0 + n, job_id, {"epoch": n}, None) for n in range(epochs)]
    if ends:
        records += [
            ("job_done", 2.0 + epochs, job_id, {}, None),
            ("batch_done", 3.0 + epochs, None, {}, None),
        ]
    return [encoder.encode((kind, _BEGAN + at, *rest)) for kind, at, *rest in records]  # type: ignore[arg-type]


def a_run(
    path: Path,
    lines: list[bytes] | None = None,
    *,
    artifacts: tuple[Path, ...] = (),
    **described: Any,
) -> Path:
    """A run directory whose writer has gone; it was in backup mode and done unless said."""
    lines = story() if lines is None else lines
    first: dict[str, Any] = json.loads(lines[0]) if lines else {}
    content = {
        "batch_id": first.get("batch_id"),
        "project": first.get("source", {}).get("project"),
        "url": None,
        "status": "done",
        "created_at": "2026-04-22T09:23:06Z",
        "joins": False,
        **writer.identity(),
        "pid": DEAD_PID,
        **described,
    }
    run = RunDirectory.create(path, kept=True)
    run.describe(content)
    run.journal.append(lines)
    for file in artifacts:
        batch_id = str(content["batch_id"])
        run.media.note(Artifact(str(file), file.stat().st_size, batch_id, "j", None), PENDING)
    run.release()
    return path


def plain_event(number: int, **changes: Any) -> dict[str, Any]:
    """An event as another reporter writes it down."""
    event = {
        "event_id": f"00000000-0000-4000-8000-{number:012x}",
        "schema_version": "1.1",
        "event_type": "job_epoch",
        "timestamp": "2026-04-23T09:23:06Z",
        "batch_id": "b",
        "job_id": "j",
        "source": {"project": "p"},
        "data": {"epoch": number},
    }
    return {key: value for key, value in {**event, **changes}.items() if value is not ...}


def a_file(path: Path, *events: Any) -> Path:
    """A file with an event, or a text, on each line."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in events]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def sync(
    task: Task, *paths: Path, jobs: int = 2, limit_s: float = 20.0, items: Any = None
) -> tuple[list[Tidings], Fleet]:
    """Hand in what is at `paths`, in the order of their paths; and how it ended."""
    told: list[Tidings] = []
    fleet = Fleet(
        found(paths)[0] if items is None else items,
        task,
        jobs,
        limit_s,
        new_client(task.url),
        told.append,
    )
    fleet.pace.gate = SharedGate(lambda: 0.02)  # chance is kind: little is waited in vain
    fleet.start()
    assert fleet.wait(60.0)
    return sorted(told, key=lambda each: each.item.path), fleet


def new_client(url: str) -> Callable[[Any], HttpClient]:
    def client(meanwhile: Any) -> HttpClient:
        return HttpClient(Address.parse(url), None, _no_tls, print, meanwhile)

    return client


def _no_tls() -> Any:
    raise AssertionError("no TLS here")
