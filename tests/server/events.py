"""Events as a reporter sends them, and asking a monitor: for the tests of this folder."""

from __future__ import annotations

import http.client
import itertools
import json
from typing import Any, NamedTuple

_numbers = itertools.count(1)


def event(event_type: str = "job_epoch", **changes: Any) -> dict[str, Any]:
    """A valid event with an id of its own; `changes` replace top-level fields."""
    on_job = event_type.startswith("job_") or event_type == "log_line"
    return {
        "event_id": f"550e8400-e29b-81d4-a716-{next(_numbers):012x}",
        "schema_version": "1.1",
        "event_type": event_type,
        "timestamp": "2026-04-23T09:23:06.123456Z",
        "batch_id": "bench-1",
        "job_id": "job-1" if on_job else None,
        "source": {"project": "paper", "host": "node-12"},
        "data": {"epoch": 1} if event_type == "job_epoch" else {},
        **changes,
    }


def batch_body(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """One keep-alive connection to a monitor."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        answer = self.raw(method, path, body, headers)
        return answer._replace(body=json.loads(answer.body) if answer.body else None)

    def raw(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """The same with the body in bytes."""
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return Answer(response.status, response.read(), dict(response.headers))

    def send(self, *events: Any) -> Any:
        answer = self.ask("POST", "/api/events/batch", batch_body(*events))
        assert answer.status == 200, answer
        return answer.body

    def upload(self, path: str, *parts: bytes) -> Answer:
        body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        return self.ask("POST", path, body, headers)


def file_part(filename: str, content: bytes = b"content") -> bytes:
    head = f'Content-Disposition: form-data; name="file"; filename="{filename}"'
    return head.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + content


def text_part(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
