"""What the page asks for: runs, their numbers, logs and figures, and what changes meanwhile.

Each answers from the scanner alone; only `patch_run_meta` writes, and only what people say.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from argus.rundir import files
from argus.rundir.edits import MAX_TAG, MAX_TAGS, MAX_TEXT, Edits
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
    last_event_id, body = scanner.listing()
    headers = (("ETag", f'"{last_event_id}"'), _REVALIDATED)
    return Reply(200, Content(body, "application/json"), headers)


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
    first = next(lines)  # what cannot be read is told while there is somebody to tell
    return Reply(200, Streamed(_with_first(first, lines), "application/x-ndjson"))


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
    messages = scanner.listen(_last_event(told), _ALIVE_S)
    return Reply(200, Streamed(_server_sent(messages), "text/event-stream"))


def _last_event(told: str | None) -> int | None:
    """The number that a listener goes on from; what is none is one that never was."""
    if told is None:
        return None
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else -1


def _with_first(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def patch_run_meta(scanner: RunScanner, request: Request) -> Reply:
    """Change what people say about a run: its name, notes, tags, and whether it is put away."""
    document = parsed(request.body.read(_MAX_EDIT_BYTES))
    if not isinstance(document, dict) or not isinstance(document.get("run_id"), str):
        raise RefusalError(422, "an object with a run_id is required")
    _check_edits(document)
    changes = {name: document[name] for name in Edits._fields if name in document}
    try:
        return Reply(200, _found(scanner.edit(document["run_id"], changes)))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise RefusalError(403, "this monitor may not write into that run") from None
        if error.errno == errno.EBUSY:
            raise RefusalError(503, "somebody else changes it", (("Retry-After", "1"),)) from None
        raise


def _check_edits(document: Mapping[str, Any]) -> None:
    name, notes = document.get("name", "") or "", document.get("notes", "")
    tags = document.get("tags", [])
    good = (
        isinstance(name, str)
        and isinstance(notes, str)
        and isinstance(document.get("archived", False), bool)
        and isinstance(tags, list)
        and all(isinstance(tag, str) for tag in tags)
    )
    if not good:
        raise RefusalError(
            422, "name and notes are texts, tags a list of texts, archived a boolean"
        )
    if max(len(name), len(notes)) > MAX_TEXT:
        raise RefusalError(422, f"name and notes have {MAX_TEXT:,} characters at most")
    if len(tags) > MAX_TAGS or any(len(tag.strip()) > MAX_TAG for tag in tags):
        raise RefusalError(422, f"at most {MAX_TAGS} tags, of {MAX_TAG} characters each")


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
    """An endpoint whose files may be gone by the time that they are read, or somebody else's."""

    def answered(scanner: RunScanner, request: Request) -> Reply:
        try:
            return endpoint(scanner, request)
        except (FileNotFoundError, NotADirectoryError):
            raise RefusalError(404, "it is gone") from None
        except PermissionError:
            raise RefusalError(403, "this monitor may not read it") from None

    return answered


def _query(request: Request) -> dict[str, str]:
    text = request.head.path.partition("?")[2]
    if len(text) > _MAX_QUERY:
        raise RefusalError(414, "the query is too long")
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}
    except ValueError:
        raise RefusalError(400, "the query has too many fields") from None


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
