"""Replies as values: a status, a JSON body, and what a refused request is told.

No socket here; `http.py` writes the bytes.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """What a request gets: a status, a body that becomes JSON or is bytes, and headers of its own.

    What `headers` name goes before what every reply says.
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
    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode("ascii")
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Date": date,
        **dict(reply.headers),
        **({"Connection": "close"} if close else {}),
    }
    if reply.status == 304:  # its length would be that of what is not sent
        del headers["Content-Length"]
    head = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode("ascii") + (body if with_body else b"")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
