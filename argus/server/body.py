"""The body of a request: how long it says it is, and reading no more than that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from argus.server.budget import Budget
from argus.server.head import Head
from argus.server.reply import RefusalError

_PIECE_BYTES = 262_144
_ALWAYS_FREE_BYTES = 65_536  # of each body: the number of connections bounds these
_WAIT_FOR_MEMORY_S = 5.0

# Room for the bodies of all requests at once, beside the first piece of each. A hundred reporters
# that come back after an outage have a MiB each.
_memory = Budget(134_217_728)


class Body:
    """A request body that has not been read yet.

    `read` gives up to so many of the next bytes, and waits for one at least. `begin` is called
    before the first byte is read.
    """

    def __init__(
        self, read: Callable[[int], bytes], length: int | None, begin: Callable[[], None]
    ) -> None:
        self.length = length  # None: the request has none
        self._read = read
        self._begin = begin
        self._unread = length or 0
        self._taken = 0

    @property
    def unread(self) -> int:
        """The bytes that are still to come. The next request begins only behind them."""
        return self._unread

    def read(self, max_bytes: int) -> bytes:
        """All of it, refused unread where it is longer than `max_bytes`, and half-way where the
        bodies of all requests take too much memory together."""
        pieces = []
        size = 0
        for piece in self.chunks(max_bytes):
            pieces.append(piece)
            size += len(piece)
            # Counted as it comes: who announces much and sends little takes nothing from others.
            wanted = max(size - _ALWAYS_FREE_BYTES, 0) - self._taken
            if wanted > 0 and not _memory.take(wanted, _WAIT_FOR_MEMORY_S):
                raise RefusalError(503, "busy with other requests", (("Retry-After", "1"),))
            self._taken += max(wanted, 0)
        return b"".join(pieces)

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        """All of it piece by piece, refused unread where it is longer than `max_bytes`."""
        if self.length is None:
            raise RefusalError(411, "a Content-Length is required")
        if self.length > max_bytes:
            raise RefusalError(413, f"a body of this kind may have {max_bytes} bytes")
        if self._unread:
            self._begin()
        while self._unread:
            piece = self._read(min(self._unread, _PIECE_BYTES))
            self._unread -= len(piece)
            yield piece

    def forget(self) -> None:
        """What was read is needed no more."""
        _memory.give_back(self._taken)
        self._taken = 0


def content_length(head: Head) -> int | None:
    """The announced length; None where there is none, which means no body.

    Raises RefusalError for a chunked body, and for a length that two readers could understand
    differently: then nobody knows where the next request begins.
    """
    text = head.headers.get("content-length")
    if "transfer-encoding" in head.headers:
        if text is not None or head.is_http_1_0:
            raise RefusalError(400, "Transfer-Encoding beside a length, or in HTTP/1.0")
        raise RefusalError(411, "a Content-Length is required; chunked bodies are not accepted")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):  # int() would take "+5" and "1_0"
        raise RefusalError(400, "Content-Length is not a number")
    return int(text) if len(text) <= 18 else 10**18  # an exabyte is too long for everybody


def check_expectation(head: Head) -> None:
    """Refuse what a client expects beyond being asked for its body. Raises RefusalError."""
    if head.expects_continue and head.headers["expect"].lower() != "100-continue":
        raise RefusalError(417, "only 100-continue can be expected")


def check_encoding(head: Head) -> None:
    """Refuse compressed bodies: no platform takes them."""
    encoding = head.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", ""):
        raise RefusalError(400, f"Content-Encoding {encoding!a} is not accepted")
