"""Clients that mean a monitor no good: requests mutated at random, and ways to behave badly.

Everything is drawn from a `random.Random` of the caller, so that what went wrong can be played again.
"""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Callable

from tests.server.events import batch_body, event, file_part, text_part

TIMEOUT_S = 30.0

NASTY_IDS = (
    "..", ".", "...", "../../etc/passwd", "/etc/passwd", "a\0b", "%2e%2e", "..%2f..", "CON", "nul.txt",
    "Bench", "bENCH", "x" * 128, "x" * 129, "", " ", "a/b", "a\\b", "\ud800", "\u202e", "é" * 64, "-rf",
    "~root", "$HOME", "a\nb", "events.jsonl", "monitor.lock", "\U0001f4a9" * 32,
)  # fmt: skip
NASTY_BODIES = (
    b"", b"{", b"[]", b"null", b"{}", b'{"events":[]}', b'{"events":{}}', b'{"events":[1]}',
    b'{"events":[' + b"[" * 100_000, b'{"events":[' + b"[" * 900 + b"]" * 900 + b"]}",
    b'{"events":[' + b'{"a":' * 100_000, b'{"events":[{"a":NaN}]}', b'{"events":[{"a":-Infinity}]}',
    b'{"events":[' + b"9" * 5_000 + b"]}", b'{"events":["\xff"]}', b"\xef\xbb\xbf" + batch_body(event()),
    batch_body(event()).decode().encode("utf-16"), b'{"events":[{}],"events":[{}]}', b'{"events":["a\nb"]}',
    b'{"events":[' + b"{}," * 500 + b"{}]}", b"\0" * 1_000, b'"' + b"\\ud800" * 1_000, b"1e999999",
    b'{"events":[' + b"[]," * 20_000 + b"[]]}",
)  # fmt: skip
NASTY_LINES = (
    b"Content-Length: 0", b"Content-Length: +1", b"Content-Length: 1_0", b"Content-Length: 0x10",
    b"Content-Length: 99999999999999999999", b"Content-Length : 5", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding : chunked", b" folded", b"Host: evil.example",
    b"Host:", b"Expect: 100-continue", b"Expect: 200-ok", b"Connection: close", b"Connection: upgrade, close",
    b"Content-Encoding: gzip", b"X: " + b"a" * 70_000, b"\0: a", b"A: \0", b"A: b\rc", b"A: b\nC: d", b": a",
    b"Origin: http://evil.example", b"Upgrade: h2c", b"Range: bytes=0-", b"X-Forwarded-Host: evil",
)  # fmt: skip
TARGETS = (
    "/", "*", "//", "/health", "/api/events", "/api/events/batch", "/api/batches",
    "/api/batches/{}/stop-requested", "/api/batches/{}/stop", "/api/batches/{}/artifacts",
    "/api/jobs/{}/artifacts", "/api/../health", "/%2e%2e/%2e%2e/etc/passwd", "/health?" + "a" * 9_000,
    "/api/runs", "/api/metrics?run={}", "/api/logs?run={}", "/api/log-content?run={}&stream=events",
    "/api/media?run={}", "/api/media-file?run={}&path=media/../run.json", "/api/run-meta", "/api/scan-status",
    "http://evil.example/health", "http://localhost/health", "/api/batches/%00/stop", "/health#x",
)  # fmt: skip
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "get",
    "BREW",
)


def mutated_request(draw: random.Random, port: int) -> bytes:
    """A request with some things wrong with it; sometimes none."""
    data = _request(draw, port)
    for _ in range(draw.choice((0, 0, 0, 1, 1, 2, 4))):
        data = draw.choice(_MUTATIONS)(draw, data)
    return data


def _request(draw: random.Random, port: int) -> bytes:
    method, body = draw.choice(("GET", "POST", "POST", "POST", *METHODS)), _body(draw)
    quoted = "".join(f"%{byte:02x}" for byte in draw.choice(NASTY_IDS).encode("utf-8", "replace"))
    target = draw.choice(TARGETS).format(draw.choice(("bench-1", "job-1", quoted)))
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost:%d" % port]
    lines.append(b"Content-Length: %d" % len(body))
    if draw.random() < 0.3:
        lines.append(b"Content-Type: multipart/form-data; boundary=edge")
    if draw.random() < 0.3:
        lines.insert(draw.randint(1, len(lines)), draw.choice(NASTY_LINES))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _body(draw: random.Random) -> bytes:
    kind = draw.randrange(4)
    if kind == 0:
        return draw.choice(NASTY_BODIES)
    if kind == 1:
        name = draw.choice((*NASTY_IDS, "plot")).replace('"', "") + ".png"
        part = file_part(name.encode("utf-8", "replace").decode("utf-8"), draw.randbytes(50))
        meta = draw.choice(
            ("{}", "[]", '{"a": NaN}', '{"a":' * 2_000, '{"a":' * 300 + "1" + "}" * 300)
        )
        return (
            b"--edge\r\n" + part + b"\r\n--edge\r\n" + text_part("meta", meta) + b"\r\n--edge--\r\n"
        )
    sent = event(draw.choice(("batch_start", "job_start", "job_epoch", "log_line", "job_done")))
    if draw.random() < 0.5:
        sent[draw.choice(list(sent))] = draw.choice(
            (None, 1, 10**400, "", [], {}, "x" * 300, True, {"epoch": [[]]}, *NASTY_IDS)
        )
    return batch_body(sent, event()) if kind == 2 else json.dumps(sent).encode()


def _flip(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def _cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randint(1, len(data))]


def _insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.randint(0, min(len(data), 200))
    what = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\r\n\r\n", b"%00", b"\xff" * 9)
    return data[:at] + draw.choice(what) + data[at:]


def _drop(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.randint(1, 20) :] or b"x"


def _repeat(draw: random.Random, data: bytes) -> bytes:
    return data * draw.randint(2, 3)


_MUTATIONS = (_flip, _cut, _insert, _drop, _repeat)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def exchange(port: int, data: bytes) -> bytes:
    """Sends `data` and then the end of it, and returns all that comes back."""
    with connect(port) as connection:
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece
        except ConnectionError:
            pass  # it was refused half-way; what came is what counts
        return answer


# Ways to behave badly on one connection. Each leaves the connection as it is; the caller ends it.


def _say(*pieces: bytes) -> Callable[[random.Random, socket.socket, int], None]:
    def behave(_draw: random.Random, connection: socket.socket, port: int) -> None:
        for piece in pieces:
            connection.sendall(piece.replace(b"PORT", b"%d" % port))

    return behave


def _reset(draw: random.Random, connection: socket.socket, port: int) -> None:
    _post_half(draw, connection, port)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _post_half(draw: random.Random, connection: socket.socket, port: int) -> None:
    body = batch_body(*(event(batch_id="half") for _ in range(20)))
    connection.sendall(
        _HEAD % (b"events/batch", port, len(body)) + body[: draw.randrange(len(body))]
    )


def _drip(draw: random.Random, connection: socket.socket, port: int) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in (_HEAD % (b"events/batch", port, 5))[: draw.randint(5, 60)]:
        connection.sendall(bytes([byte]))


def _flood(draw: random.Random, connection: socket.socket, _port: int) -> None:
    try:
        for _ in range(40):
            connection.sendall(draw.randbytes(65_536))
    except OSError:
        pass  # refused, as it should be


def _pipeline_unread(_draw: random.Random, connection: socket.socket, port: int) -> None:
    connection.settimeout(0.05)
    try:
        connection.sendall(
            b"GET /api/batches HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port * 2_000
        )
    except OSError:
        pass  # it stopped reading, as nobody reads its answers


def _half_upload(draw: random.Random, connection: socket.socket, port: int) -> None:
    head = _HEAD % (b"jobs/job-1/artifacts", port, 1_000_000)
    form = b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n"
    connection.sendall(head[:-2] + form + file_part("plot.png", draw.randbytes(10_000)))


_HEAD = b"POST /api/%s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %d\r\n\r\n"
_BEGINNING = b"POST /api/events/batch HTTP/1.1\r\nHost: localhost:PORT\r\n"
BEHAVIOURS: tuple[Callable[[random.Random, socket.socket, int], None], ...] = (
    _say(),  # nothing at all
    _say(b"G"),
    _say(b"GET / HTTP/1.1\r\nHost:"),
    _say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    _say(b"GET /\r\n"),
    _say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _say(_BEGINNING + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"),
    _say(_BEGINNING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    _say(_BEGINNING + b"Content-Length: 8000000\r\n\r\n", b"x" * 100_000),
    _say(_BEGINNING + b"Content-Length: 999999999999\r\n\r\n", b"x" * 100_000),
    _say(*(b"A: b\r\n",) * 50),
    _say(b"GET /health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n" * 50),
    _post_half,
    _reset,
    _drip,
    _flood,
    _pipeline_unread,
    _half_upload,
)
