"""The head of a request as bytes: where it ends, and what it says. No socket, no clock.

Strict on purpose (RFC 9112). Two readers of one connection, a proxy and this one, must never
disagree about where a request ends; so whatever could be read in two ways is refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from argus.server.reply import RefusalError

MAX_HEAD_BYTES = 65_536
MAX_FIELDS = 100
_MAX_LINE_BYTES = 8_192  # of the request line: an id of 256 characters takes 3 KiB at most

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([\t -~\x80-\xff]*)")
_ABSOLUTE = re.compile(r"http://([^/?#]*)(.*)", re.IGNORECASE)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Where each of these stands twice, nobody can say which one counts.
_ONCE = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "content-type",
        "content-encoding",
        "authorization",
        "expect",
        "origin",
    }
)


class Head(NamedTuple):
    """The head of a request. `headers` have lower-case names."""

    method: str
    path: str  # as it came, with its query
    authority: Optional[str]  # of a target in absolute form: it must be this host too
    is_http_1_0: bool
    headers: dict[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client means to send another request on the connection."""
        words = self.headers.get("connection", "").lower().replace(" ", "").split(",")
        return not self.is_http_1_0 and "close" not in words

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits to be asked for the body. One of HTTP/1.0 cannot."""
        return not self.is_http_1_0 and "expect" in self.headers


class HeadFinder:
    """Finds the end of a head in bytes that come piece by piece, and refuses early.

    A bare line feed is refused when it comes: to wait for more would be to wait for a client that
    has said all it will.
    """

    def __init__(self) -> None:
        self._line_at = 0  # where the line that is looked at begins
        self._looked_to = 0
        self._lines = 0

    def end(self, held: bytes | bytearray) -> int | None:
        """Where the head that `held` begins with ends; None while it is not whole.

        `held` may only grow from call to call. Raises RefusalError.
        """
        while (at := held.find(b"\n", self._looked_to)) >= 0:
            if held[at - 1 : at] != b"\r" or at == self._line_at:
                raise RefusalError(400, "a line of the head does not end with CR LF")
            length = at - 1 - self._line_at
            if self._lines == 0:
                _check_request_line(bytes(held[self._line_at : at - 1]))
            self._line_at = self._looked_to = at + 1
            if length == 0:
                return at + 1
            self._lines += 1
            if self._lines > MAX_FIELDS + 1:
                raise RefusalError(431, f"a request may have {MAX_FIELDS} header fields")
        self._looked_to = len(held)
        if self._lines == 0:
            _check_beginning(held)
        if len(held) > MAX_HEAD_BYTES:
            raise RefusalError(431, f"the head of a request may have {MAX_HEAD_BYTES} bytes")
        return None


def parse_head(raw: bytes) -> Head:
    """The head that `raw` is, up to and with its empty line. Raises RefusalError."""
    if len(raw) > MAX_HEAD_BYTES:
        raise RefusalError(431, f"the head of a request may have {MAX_HEAD_BYTES} bytes")
    first, *lines = raw[:-4].split(b"\r\n")
    method, target, minor = _check_request_line(first)
    headers: dict[str, str] = {}
    for line in lines:
        # A line that begins with a space would go on the one before (obs-fold): no field does.
        field = _FIELD.fullmatch(line)
        if field is None:
            raise RefusalError(400, "malformed header field")
        name, value = field[1].decode("ascii").lower(), field[2].strip(b" \t").decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name in _ONCE:
            raise RefusalError(400, f"more than one {name}")
        else:
            headers[name] += f", {value}"
    if method not in METHODS:
        raise RefusalError(501, "unknown method")
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return Head(method, target, None, minor == 0, headers)
    path = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
    return Head(method, path, absolute[1], minor == 0, headers)


def _check_request_line(line: bytes) -> tuple[str, str, int]:
    """Method, target and minor version. Raises RefusalError: HTTP/0.9 has no version at all."""
    if len(line) > _MAX_LINE_BYTES:
        raise RefusalError(414, f"a request line may have {_MAX_LINE_BYTES} bytes")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise RefusalError(400, "malformed request line")
    if match[3] != b"1":
        raise RefusalError(505, "HTTP/1.1 is spoken here")
    return match[1].decode("ascii"), match[2].decode("ascii"), int(match[4])


def _check_beginning(held: bytes | bytearray) -> None:
    """Refuse what cannot become a request line: TLS on a plain port would wait for an answer."""
    if not re.match(rb"[!-~]*( |$)", held[:_MAX_LINE_BYTES]):
        raise RefusalError(400, "malformed request line")
    if len(held) > _MAX_LINE_BYTES:
        raise RefusalError(414, f"a request line may have {_MAX_LINE_BYTES} bytes")
