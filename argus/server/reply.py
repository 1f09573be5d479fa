"""Replies as values: a status, a body, and what a refused request is told.

No socket here; `http.py` writes the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NamedTuple


class Content(NamedTuple):
    """A body that is sent as it is."""

    data: bytes
    content_type: str


class Streamed(NamedTuple):
    """A body that is made while it is sent. What is left of `chunks` is closed in the end."""

    chunks: Iterator[bytes]
    content_type: str


class Reply(NamedTuple):
    """What a request gets: a status, a body, and headers of its own.

    The body is a Content, a Streamed, or anything else that becomes JSON.
    """

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


class RefusalError(Exception):
    """The request is answered with `reply`, and nothing of it has been done."""

    def __init__(self, status: int, detail: Any, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, detail)
        self.reply = Reply(status, {"detail": detail}, headers)


def reply_bytes(reply: Reply, date: str, close: bool, with_body: bool) -> bytes:
    """A whole reply for one write: two would wait for each other's acknowledgement (Nagle)."""
    body = content(reply.body)
    length = () if reply.status == 304 else (("Content-Length", str(len(body.data))),)
    head = _head_bytes(reply, body.content_type, (*length, *_closing(close)), date)
    return head + (body.data if with_body else b"")


def streamed_head(reply: Reply, content_type: str, date: str, close: bool, chunked: bool) -> bytes:
    """The head of a reply whose length nobody knows yet."""
    framing = (("Transfer-Encoding", "chunked"),) if chunked else ()
    return _head_bytes(reply, content_type, (*framing, *_closing(close)), date)


def content(body: Any) -> Content:
    """A body as the bytes that are sent."""
    if isinstance(body, Content):
        return body
    return Content(json.dumps(body).encode("ascii"), "application/json")


def _head_bytes(
    reply: Reply, content_type: str, framing: tuple[tuple[str, str], ...], date: str
) -> bytes:
    own = {name.lower() for name, _ in reply.headers}
    usual = (
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Date", date),
    )
    headers = [*(each for each in usual if each[0].lower() not in own), *framing, *reply.headers]
    head = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    head += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*head, "", ""]).encode("ascii")


def _closing(close: bool) -> tuple[tuple[str, str], ...]:
    return (("Connection", "close"),) if close else ()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
