"""HTTP/1.1 as bytes: heads read, answers written. Does no I/O, and judges only what it must.

Written apart from the reporter's own client on purpose: two parsers that agree prove something.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NamedTuple


class WireError(Exception):
    """The client sent what is not HTTP."""


class Head(NamedTuple):
    """The head of a request; header names are in lower case, repeated ones are joined."""

    method: str
    target: str
    version: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def keep_alive(self) -> bool:
        closing = "close" in self.headers.get("connection", "").lower()
        return self.version == "HTTP/1.1" and not closing

    @property
    def chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    @property
    def body_bytes(self) -> int:
        """What Content-Length says; 0 where the body is chunked or missing."""
        text = self.headers.get("content-length", "0")
        if not text.isdigit():
            raise WireError(f"Content-Length: {text}")
        return int(text)


def parse_head(raw: bytes) -> Head:
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise WireError(f"request line: {first[:100]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise WireError(f"header line: {line[:100]!r}")
        key, value = name.lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Head(parts[0], parts[1], parts[2], headers)


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(status: int, value: Any) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, (("Content-Type", "application/json"),))


def error_answer(status: int, detail: Any) -> Answer:
    return json_answer(status, {"detail": detail})


def jsonl_answer(values: list[Any]) -> Answer:
    body = "".join(f"{json.dumps(value)}\n" for value in values).encode()
    return Answer(200, body, (("Content-Type", "application/jsonl"),))


def format_head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Something"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1")


def format_answer(answer: Answer, *, close: bool = False) -> bytes:
    headers = answer.headers
    if has_body(answer.status):
        headers = (*headers, ("Content-Length", str(len(answer.body))))
    if close:
        headers = (*headers, ("Connection", "close"))
    return format_head(answer.status, headers) + (answer.body if has_body(answer.status) else b"")


def has_body(status: int) -> bool:
    return status >= 200 and status not in (204, 304)


def split_chunk_size(line: bytes) -> int:
    """The size on a chunk's first line, its extensions left aside."""
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise WireError(f"chunk size: {line[:40]!r}") from None
