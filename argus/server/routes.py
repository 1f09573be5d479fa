"""The table of requests, and what each does with the house.

An endpoint takes the house and the request, and returns a reply or raises RefusalError. It knows
no socket. Host, origin and token have been checked before it is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Optional
from urllib.parse import unquote

from argus.core.events import utc_second
from argus.core.version import __version__
from argus.scanner import RunScanner
from argus.server import artifacts, viewing
from argus.server.batch import Batch
from argus.server.body import check_encoding
from argus.server.budget import Budget
from argus.server.ingest import batch_reply, check_batch, check_single, ingest
from argus.server.multipart import boundary_of
from argus.server.parsing import parsed, received_event, received_events
from argus.server.reply import RefusalError, Reply
from argus.server.request import Request
from argus.server.store import Store

# One event may have 3 MiB at a platform, and a reporter sends a MiB at a time.
MAX_EVENTS_BYTES = 8_388_608
_MAX_SMALL_BYTES = 65_536
_MAX_LISTED = 1_000

# Judging keeps the interpreter busy and waits for nothing. Eight threads that do it in turns took
# 40 % more events a second than eight that took the interpreter from each other.
_judging = threading.Lock()
# Parsed, a body can take twenty times its size (`[],[],[],…`): so much is parsed at a time.
_parsed = Budget(MAX_EVENTS_BYTES)
_WAIT_TO_PARSE_S = 20.0


class House(NamedTuple):
    """What the monitor keeps. Without a store it only shows what others have written."""

    store: Optional[Store]
    scanner: RunScanner


Endpoint = Callable[[House, Request], Reply]


class Route(NamedTuple):
    """One line of the table. A None in the pattern stands for an id."""

    method: str
    pattern: tuple[Optional[str], ...]
    endpoint: Endpoint
    is_open: bool = False  # asked without a token too


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The route of a request and the ids in its path. Raises RefusalError where there is none.

    The path is split before it is decoded, so that an id may hold a slash.
    """
    parts = path.partition("?")[0].split("/")
    if parts.pop(0) == "":
        fitting = [route for route in ROUTES if _fits(route.pattern, parts)]
        wanted = "GET" if method == "HEAD" else method
        for route in fitting:
            if route.method == wanted:
                ids = [part for part, name in zip(parts, route.pattern) if name is None]
                return route, tuple(unquote(part, errors="replace") for part in ids)
        if fitting:
            methods = {route.method for route in fitting}
            allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
            raise RefusalError(405, "method not allowed", headers=(("Allow", allowed),))
    raise RefusalError(404, "not found")


def health(_house: House, _request: Request) -> Reply:
    """That a monitor is here, and which."""
    return Reply(200, {"status": "ok", "version": __version__})


def post_events(house: House, request: Request) -> Reply:
    """Take up to 500 events, each alone."""
    check_encoding(request.head)
    body = request.body.read(MAX_EVENTS_BYTES)
    with _room_to_parse(len(body)):
        with _judging:
            received = received_events(body)
            check_batch(received)
        return Reply(200, batch_reply(ingest(received, _store(house))))


def post_event(house: House, request: Request) -> Reply:
    """Take one event."""
    check_encoding(request.head)
    body = request.body.read(MAX_EVENTS_BYTES)
    with _room_to_parse(len(body)):
        received = received_event(body)
        check_single(received)
        [result] = ingest([received], _store(house))
    if result["status"] == "rejected":
        passes = result["error"].startswith("internal:")
        raise RefusalError(500 if passes else 422, result["error"])
    deduplicated = result["status"] == "deduplicated"
    return Reply(200, {"accepted": True, "event_id": result["db_id"], "deduplicated": deduplicated})


@contextmanager
def _room_to_parse(size: int) -> Iterator[None]:
    if not _parsed.take(size, _WAIT_TO_PARSE_S):
        raise RefusalError(503, "busy with other requests", (("Retry-After", "1"),))
    try:
        yield
    finally:
        _parsed.give_back(size)


def get_batches(house: House, _request: Request) -> Reply:
    """What the monitor knows, the newest batch first; no more than a reader can use."""
    return Reply(200, _store(house).summaries(_MAX_LISTED))


def get_stop(house: House, request: Request) -> Reply:
    """Whether a batch is asked to stop."""
    return Reply(200, _batch(house, request.ids[0]).stop_state())


def post_stop(house: House, request: Request) -> Reply:
    """Ask a batch to stop. The body may be missing, or name who asks: `{"requested_by": "ann"}`."""
    batch = _batch(house, request.ids[0])
    document = parsed(request.body.read(_MAX_SMALL_BYTES)) if request.body.length else {}
    requested_by = document.get("requested_by") if isinstance(document, dict) else None
    if not isinstance(requested_by, str):
        requested_by = None
    return Reply(200, batch.request_stop(f"{utc_second(int(request.now))}Z", requested_by))


def post_job_artifact(house: House, request: Request) -> Reply:
    """Take a file for a job, looked up by its id alone: the newest batch that has it wins."""
    [job_id] = request.ids
    batch = _store(house).find_job(job_id)
    if batch is None:
        raise RefusalError(404, "no such job")
    return _post_artifact(house, request, batch, job_id)


def post_batch_artifact(house: House, request: Request) -> Reply:
    """Take a file for a batch."""
    return _post_artifact(house, request, _batch(house, request.ids[0]), None)


def _post_artifact(house: House, request: Request, batch: Batch, job_id: str | None) -> Reply:
    check_encoding(request.head)
    boundary = boundary_of(request.head.headers.get("content-type", ""))
    if boundary is None:
        raise RefusalError(400, "multipart/form-data with a boundary is required")
    with artifacts.Upload(batch.path) as upload:
        upload.receive(request.body.chunks(artifacts.MAX_BODY_BYTES), boundary)
        return Reply(201, artifacts.keep(upload, _store(house).use(batch), job_id))


def _store(house: House) -> Store:
    if house.store is None:
        raise RefusalError(404, "this monitor only shows runs: start `argus serve` to report")
    return house.store


def _batch(house: House, batch_id: str) -> Batch:
    batch = _store(house).find(batch_id)
    if batch is None:
        raise RefusalError(404, "no such batch")
    return batch


def _fits(pattern: tuple[Optional[str], ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        part if name is None else part == name for name, part in zip(pattern, parts)
    )


def _seen(endpoint: Callable[[RunScanner, Request], Reply]) -> Endpoint:
    """An endpoint that answers from what the scanner sees."""
    answered = viewing.viewing(endpoint)
    return lambda house, request: answered(house.scanner, request)


ROUTES = (
    Route("GET", ("health",), health, is_open=True),
    Route("POST", ("api", "events", "batch"), post_events),
    Route("POST", ("api", "events"), post_event),
    Route("GET", ("api", "batches"), get_batches),
    Route("GET", ("api", "batches", None, "stop-requested"), get_stop),
    Route("POST", ("api", "batches", None, "stop"), post_stop),
    Route("POST", ("api", "batches", None, "artifacts"), post_batch_artifact),
    Route("POST", ("api", "jobs", None, "artifacts"), post_job_artifact),
    Route("GET", ("api", "runs"), _seen(viewing.get_runs)),
    Route("GET", ("api", "scan-status"), _seen(viewing.get_scan_status)),
    Route("GET", ("api", "metrics"), _seen(viewing.get_metrics)),
    Route("GET", ("api", "metrics-stream"), _seen(viewing.get_metrics_stream)),
    Route("GET", ("api", "logs"), _seen(viewing.get_logs)),
    Route("GET", ("api", "log-content"), _seen(viewing.get_log_content)),
    Route("GET", ("api", "media"), _seen(viewing.get_media)),
    Route("GET", ("api", "media-file"), _seen(viewing.get_media_file)),
    Route("GET", ("api", "stream"), _seen(viewing.get_stream)),
    Route("PATCH", ("api", "run-meta"), _seen(viewing.patch_run_meta)),
)
