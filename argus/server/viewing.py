"""What the page asks for: runs, their numbers, logs and figures, and what changes meanwhile.

Each answers from the scanner alone; only `patch_run_meta` writes, and only what people say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from argus.rundir import files
from argus.scanner import RunScanner
from argus.scanner.feed import Message
from argus.scanner.figures import TYPES
from argus.server.caching import etag_of
from argus.server.parsing import parsed
from argus.server.reply import Content, RefusalError, Reply, Streamed
from argus.server.request import Request

_ALIVE_S = 15.0
_MAX_EDIT_BYTES = 262_144
_MAX_QUERY = 4_096
_MAX_FIGURE_BYTES = 67_108_864
# A figure is somebody else's file: nothing in it may run, or load anything.
_FIGURE_HEADERS = (
    ("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'"),
    ("Cache-Control", "private, max-age=60"),
)
_REVALIDATED = ("Cache-Control", "private, no-cache")

Answer = TypeVar("Answer")


def get_runs(scanner: RunScanner, _request: Request) -> Reply:
    """All runs, and the number of the last message that they include."""
    # First: what comes between is then told twice, which does no harm.
    last_event_id = scanner.feed.last_number
    body = {"runs": scanner.rows(), "last_event_id": last_event_id, "scan": scanner.status()}
    return Reply(200, _json(body), (("ETag", f'"{last_event_id}"'), _REVALIDATED))


def get_scan_status(scanner: RunScanner, _request: Request) -> Reply:
    """How far the first scan is."""
    return Reply(200, scanner.status())


def get_metrics(scanner: RunScanner, request: Request) -> Reply:
    """All numbers of a run."""
    query = _query(request)
    data = _found(scanner.metrics_json_bytes(_run_id(query)))
    body = b'{"run_id":%b,' % json.dumps(_run_id(query)).encode() + data.lstrip()[1:]
    return Reply(200, Content(body, "application/json"), (("ETag", etag_of(body)), _REVALIDATED))


def get_metrics_stream(scanner: RunScanner, request: Request) -> Reply:
    """The same piece by piece, from a byte of the event file on."""
    query = _query(request)
    lines = _found(scanner.metrics_stream(_run_id(query), _number(query, "from", 0)))
    return Reply(200, Streamed(lines, "application/x-ndjson"))


def get_logs(scanner: RunScanner, request: Request) -> Reply:
    """Which logs a run has."""
    return Reply(200, {"streams": _found(scanner.logs_index(_run_id(_query(request))))})


def get_log_content(scanner: RunScanner, request: Request) -> Reply:
    """A part of one log."""
    query = _query(request)
    start = _number(query, "from", 0) if "from" in query else None
    most = _number(query, "max_bytes", 4_194_304)
    stream_id = query.get("stream", "")
    return Reply(200, _found(scanner.log_content(_run_id(query), stream_id, most, start)))


def get_media(scanner: RunScanner, request: Request) -> Reply:
    """Which figures a run has."""
    return Reply(200, {"media": _found(scanner.media_json(_run_id(_query(request))))})


def get_media_file(scanner: RunScanner, request: Request) -> Reply:
    """One figure."""
    query = _query(request)
    path = _found(scanner.media_file_path(_run_id(query), query.get("path", "")))
    data = files.read_whole(path, _MAX_FIGURE_BYTES)
    headers = (*_FIGURE_HEADERS, ("ETag", etag_of(data)))
    return Reply(200, Content(data, TYPES[path.suffix.lower()]), headers)


def get_stream(scanner: RunScanner, request: Request) -> Reply:
    """What changes, as server-sent events (WHATWG HTML, 9.2)."""
    told = request.head.headers.get("last-event-id") or _query(request).get("last_event_id")
    after = int(told) if told and told.isascii() and told.isdigit() else None
    messages = scanner.listen(after, _ALIVE_S)
    return Reply(200, Streamed(_server_sent(messages), "text/event-stream"))


def patch_run_meta(scanner: RunScanner, request: Request) -> Reply:
    """Change what people say about a run: its name, notes, tags, and whether it is put away."""
    document = parsed(request.body.read(_MAX_EDIT_BYTES))
    if not isinstance(document, dict) or not isinstance(document.get("run_id"), str):
        raise RefusalError(422, "an object with a run_id is required")
    _check_edits(document)
    try:
        return Reply(200, _found(scanner.edit(document["run_id"], document)))
    except PermissionError:
        raise RefusalError(403, "this monitor may not write into that run") from None


def _check_edits(document: Mapping[str, Any]) -> None:
    name, tags = document.get("name"), document.get("tags", [])
    good = (
        (name is None or isinstance(name, str))
        and isinstance(document.get("notes", ""), str)
        and isinstance(document.get("archived", False), bool)
        and isinstance(tags, list)
        and all(isinstance(tag, str) for tag in tags)
    )
    if not good:
        raise RefusalError(
            422, "name and notes are texts, tags a list of texts, archived a boolean"
        )


def _server_sent(portions: Iterator[list[Message]]) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    for messages in portions:
        told = [
            b"id: %d\nevent: %b\ndata: %b\n\n" % (each.number, each.kind.encode(), each.data)
            for each in messages
        ]
        yield b"".join(told) or b": alive\n\n"


def viewing(
    endpoint: Callable[[RunScanner, Request], Reply],
) -> Callable[[RunScanner, Request], Reply]:
    """An endpoint whose files may be gone by the time that they are read."""

    def answered(scanner: RunScanner, request: Request) -> Reply:
        try:
            return endpoint(scanner, request)
        except FileNotFoundError:
            raise RefusalError(404, "it is gone") from None

    return answered


def _query(request: Request) -> dict[str, str]:
    text = request.head.path.partition("?")[2]
    if len(text) > _MAX_QUERY:
        raise RefusalError(414, "the query is too long")
    return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}


def _run_id(query: Mapping[str, str]) -> str:
    if "run" not in query:
        raise RefusalError(400, "?run= is required")
    return query["run"]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RefusalError(400, f"{name} must be a number of bytes")
    return int(text)


def _found(answer: Answer | None) -> Answer:
    if answer is None:
        raise RefusalError(404, "no such run, or nothing of that name in it")
    return answer


def _json(body: Any) -> Content:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Content(data.encode("utf-8", "replace"), "application/json")
