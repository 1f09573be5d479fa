"""The body of a request: how long it says it is, and reading no more than that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from typing import BinaryIO

from argus.server.reply import RefusalError

_CHUNK_BYTES = 65_536


class ClientGoneError(ConnectionError):
    """The client closed, or fell silent, before its request was whole. Nobody waits for a reply."""


class Body:
    """A request body that has not been read yet. `begin` is called before the first byte is."""

    def __init__(self, file: BinaryIO, length: int | None, begin: Callable[[], None]) -> None:
        self.length = length  # None: the request has none
        self._file = file
        self._begin = begin
        self._unread = length or 0

    @property
    def unread(self) -> int:
        """The bytes that are still to come. The next request begins only behind them."""
        return self._unread

    def read(self, max_bytes: int) -> bytes:
        """All of it, refused unread where it is longer than `max_bytes`."""
        return b"".join(self.chunks(max_bytes))

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        """All of it piece by piece, refused unread where it is longer than `max_bytes`."""
        if self.length is None:
            raise RefusalError(411, "a Content-Length is required")
        if self.length > max_bytes:
            raise RefusalError(413, f"a body of this kind may have {max_bytes} bytes")
        if self._unread:
            self._begin()
        while self._unread:
            chunk = self._read_some()
            self._unread -= len(chunk)
            yield chunk

    def _read_some(self) -> bytes:
        try:
            chunk = self._file.read(min(self._unread, _CHUNK_BYTES))
        except OSError as error:  # a timeout too
            raise ClientGoneError from error
        if not chunk:
            raise ClientGoneError
        return chunk


def content_length(headers: Message) -> int | None:
    """The announced length; None where there is none, which means no body.

    Raises RefusalError for a chunked body, and for a length that two readers could understand
    differently: then nobody knows where the next request begins.
    """
    if headers.get("Transfer-Encoding") is not None:
        raise RefusalError(411, "a Content-Length is required; chunked bodies are not accepted")
    values = {value.strip() for value in headers.get_all("Content-Length") or []}
    if not values:
        return None
    text = values.pop()
    if values or not (text.isascii() and text.isdigit()):  # int() would take "+5" and "1_0"
        raise RefusalError(400, "Content-Length is not a number")
    return int(text[:18])  # an exabyte is too long for everybody


def check_encoding(headers: Message) -> None:
    """Refuse compressed bodies: no platform takes them."""
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise RefusalError(400, f"Content-Encoding {encoding} is not accepted")
