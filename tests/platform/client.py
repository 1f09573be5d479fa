"""A plain client of the stand-in, to test it with: `http.client`, or a bare socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any, Optional

from tests.platform.peers import Peer

BATCH = "/api/events/batch"
TIMEOUT_S = 10.0


def event(
    event_type: str = "log_line", job_id: Optional[str] = "j1", **data: Any
) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "schema_version": "1.1",
        "event_type": event_type,
        "timestamp": "2026-04-23T09:23:06.123456Z",
        "batch_id": "bench-1",
        "job_id": job_id,
        "source": {"project": "tests"},
        "data": data,
    }


class Client:
    """One keep-alive connection. `ask` returns the status and the body, parsed where it is JSON;
    `headers` are those of the last answer."""

    def __init__(self, port: int, timeout: float = TIMEOUT_S) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(
        self, method: str, path: str, body: Any = None, headers: Optional[dict[str, str]] = None
    ) -> tuple[int, Any]:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, path, raw, headers or {})
        response = self.connection.getresponse()
        text = response.read()
        self.headers = response.headers
        return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text

    def send(self, *events: dict[str, Any]) -> tuple[int, Any]:
        return self.ask("POST", BATCH, {"events": list(events)})

    def statuses(self, *events: dict[str, Any]) -> list[str]:
        status, answer = self.send(*events)
        assert status == 200
        return [result["status"] for result in answer["results"]]


@contextlib.contextmanager
def raw_connection(peer: Peer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", peer.port), TIMEOUT_S) as connection:
        yield connection


def request_bytes(*events: dict[str, Any]) -> bytes:
    body = json.dumps({"events": list(events)}).encode()
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (
        BATCH.encode(),
        len(body),
        body,
    )


def read_until(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def form(filename: str, content: bytes, **fields: str) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--b1\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--b1\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    parts.append(head.encode() + b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--b1--\r\n")
    return b"".join(parts), {"Content-Type": "multipart/form-data; boundary=b1"}
