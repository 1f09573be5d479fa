"""One HTTP/1.1 answer, read from a stream of bytes (RFC 9112). Whatever a server sends, it is
bounded: heads, informational answers, trailers, chunks and the body.

`http.client` would do, but for what it brings along: it loads `ssl` and `email` (6 MB in every
process that trains), takes 103 for the last word, and reads 100s and trailers without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MAX_ANSWER_BYTES = 4_194_304  # of a body, with what frames it; 500 results take 100 kB
MAX_HEAD_BYTES = 65_536  # of all that comes before a body
MAX_HEAD_LINES = 256
MAX_CHUNKS = 65_536

_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = (204, 304)


class BadAnswerError(Exception):
    """What comes is no HTTP answer, or none that ends."""


class HttpAnswer(NamedTuple):
    """A complete answer; header names are in lower case. `is_last`: no other will follow."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_last: bool


class _Head(NamedTuple):
    version: str
    status: int
    headers: dict[str, str]


class AnswerReader:
    """Reads one answer. `receive` gives the next bytes, and none at the end.

    Raises BadAnswerError, and ConnectionError where the connection ends before an answer.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._source = _Source(receive, MAX_HEAD_BYTES)
        self._lines_left = MAX_HEAD_LINES
        self._head: _Head | None = None

    def read(self) -> HttpAnswer:
        """The answer to anything but CONNECT and HEAD."""
        version, status, headers = self.read_head()
        source = self._source
        source.allow(MAX_ANSWER_BYTES)
        is_last = version != "HTTP/1.1" or "close" in headers.get("connection", "").lower()
        length = _content_length(headers)
        if status in _WITHOUT_BODY:
            body = b""
        elif "transfer-encoding" in headers:
            body = _read_chunks(source, headers["transfer-encoding"])
        elif length is not None:
            body = source.exactly(length)
        else:
            body, is_last = source.rest(), True
        # What follows an answer that nobody asked for makes the next one doubtful.
        return HttpAnswer(status, headers, body, is_last or source.has_some)

    def read_head(self) -> _Head:
        """The head alone. After one that agrees to CONNECT comes what is the tunnel's."""
        while self._head is None:
            self._read_one_head()
        return self._head

    def has_begun(self, has_input: Callable[[], bool]) -> bool:
        """Whether the answer is coming already; informational ones do not count. `has_input` says
        whether there is something to receive."""
        while self._head is None and (self._source.has_some or has_input()):
            self._read_one_head()
        return self._head is not None

    def _read_one_head(self) -> None:
        if self._source.is_at_end:
            raise ConnectionError("the connection was closed without an answer")
        version, status = _status_line(self._next_line())
        headers: dict[str, str] = {}
        name = ""
        while line := self._next_line():
            if line[0] in " \t":  # folded, as servers of old did
                headers[name] = f"{headers.get(name, '')} {line.strip()}"
                continue
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            # Repeated ones are joined, as RFC 9110, 5.3 has it.
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if status == _SWITCHING_PROTOCOLS:
            raise BadAnswerError("it wants to speak another protocol")
        if status >= 200:
            self._head = _Head(version, status, headers)

    def _next_line(self) -> str:
        self._lines_left -= 1
        if self._lines_left < 0:
            raise BadAnswerError("an answer without end")
        return self._source.line().rstrip(b"\r\n").decode("latin-1")


def _status_line(line: str) -> tuple[str, int]:
    version, _, rest = line.partition(" ")
    code = rest.strip().partition(" ")[0]
    if not version.startswith("HTTP/1.") or not _is_number(code) or not 100 <= int(code) <= 999:
        raise BadAnswerError("what answers there does not speak HTTP/1.1")
    return version, int(code)


def _content_length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    lengths = {part.strip() for part in text.split(",")}  # said twice is as good as once
    length = lengths.pop()
    if lengths or not _is_number(length):
        raise BadAnswerError("a Content-Length that is none")
    return int(length)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _read_chunks(source: _Source, encoding: str) -> bytes:
    if encoding.lower() != "chunked":
        raise BadAnswerError("a Transfer-Encoding that nobody asked for")
    body = bytearray()
    for _ in range(MAX_CHUNKS):
        size = _chunk_size(source.line())
        if size == 0:
            for _ in range(MAX_HEAD_LINES):  # trailers
                if not source.line().strip():
                    return bytes(body)
            break
        body += source.exactly(size)
        source.line()
    raise BadAnswerError("an answer without end")


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.partition(b";")[0].strip(), 16)
    except ValueError:
        size = -1
    if size < 0:
        raise BadAnswerError("a chunk without a size")
    return size


class _Source:
    """What is received, and how much of it may still be taken."""

    def __init__(self, receive: Callable[[], bytes], most: int) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._left = most

    def allow(self, most: int) -> None:
        self._left = most

    @property
    def has_some(self) -> bool:
        """Whether there is something that has been received and not taken."""
        return bool(self._buffer)

    @property
    def is_at_end(self) -> bool:
        return not self._buffer and not self._fill()

    def line(self) -> bytes:
        """With its end."""
        looked_at = 0
        while True:
            end = self._buffer.find(b"\n", looked_at)
            if end >= 0:
                return self._take(end + 1)
            looked_at = len(self._buffer)
            self._check(looked_at)
            if not self._fill():
                raise BadAnswerError("an answer that breaks off")

    def exactly(self, count: int) -> bytes:
        self._check(count)
        while len(self._buffer) < count:
            if not self._fill():
                raise BadAnswerError("an answer that breaks off")
        return self._take(count)

    def rest(self) -> bytes:
        while self._fill():
            self._check(len(self._buffer))
        return self._take(len(self._buffer))

    def _fill(self) -> bool:
        data = self._receive()
        self._buffer += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        self._check(count)
        self._left -= count
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _check(self, count: int) -> None:
        if count > self._left:
            raise BadAnswerError("an answer without end")
