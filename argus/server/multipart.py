"""`multipart/form-data`, taken apart while it arrives (RFC 7578).

Pure: bytes in, pieces out. Holds no more than the head of a part or a boundary's length of data,
whatever the size of the files.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Union
from urllib.parse import unquote

_MAX_HEAD_BYTES = 16_384
_MAX_PARTS = 16
_MAX_BOUNDARY = 70  # RFC 2046, 5.1.1

_MAY_END_A_LINE = re.compile(rb"-?|[ \t]{0,70}\r?")
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*("(?:\\"|[^"])*"|[^;\s]+)')


class MultipartError(ValueError):
    """The body is not what its Content-Type says."""


class PartBegin(NamedTuple):
    """A part begins: the name of its field, and of its file where it is one."""

    name: str
    filename: Optional[str]
    content_type: Optional[str]


class PartData(NamedTuple):
    """The next bytes of the part."""

    data: bytes


class PartEnd(NamedTuple):
    """The part is whole."""


Piece = Union[PartBegin, PartData, PartEnd]

_BOUNDARY, _HEAD, _DATA, _END = "boundary", "head", "data", "end"


class MultipartParser:
    """Cuts one body into pieces. Raises MultipartError where it is malformed."""

    def __init__(self, boundary: str) -> None:
        if not 1 <= len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
            raise MultipartError("no usable boundary in Content-Type")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first delimiter may open the body: with this it looks like all others.
        self._held = b"\r\n"
        self._state = _DATA
        self._in_part = False  # what stands before the first delimiter belongs to none
        self._parts = 0

    @property
    def complete(self) -> bool:
        """Whether the closing delimiter has come."""
        return self._state == _END

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        self._held += data
        pieces: list[Piece] = []
        while self._state != _END:
            before = self._state
            pieces += self._step()
            if self._state == before:  # it waits for more
                return pieces
        self._held = b""  # an epilogue means nothing
        return pieces

    def _step(self) -> list[Piece]:
        if self._state == _DATA:
            return self._data()
        if self._state == _BOUNDARY:
            return self._boundary()
        return self._head()

    def _data(self) -> list[Piece]:
        """Data up to the next delimiter, or all that cannot be the beginning of one."""
        at = self._held.find(self._delimiter)
        end = at if at >= 0 else max(len(self._held) - len(self._delimiter) + 1, 0)
        data, self._held = self._held[:end], self._held[end:]
        pieces: list[Piece] = [PartData(data)] if data and self._in_part else []
        if at >= 0:
            self._held = self._held[len(self._delimiter) :]
            self._state = _BOUNDARY
            if self._in_part:
                pieces.append(PartEnd())
        return pieces

    def _boundary(self) -> list[Piece]:
        """What follows a delimiter: two dashes after the last, else the end of the line."""
        if self._held.startswith(b"--"):
            self._state = _END
            return []
        line, newline, rest = self._held.partition(b"\r\n")
        if newline and not line.strip(b" \t"):
            self._held, self._state = rest, _HEAD
        elif newline or not _MAY_END_A_LINE.fullmatch(line):
            raise MultipartError("a boundary is followed by something else")
        return []

    def _head(self) -> list[Piece]:
        head, blank_line, rest = self._held.partition(b"\r\n\r\n")
        if len(head) > _MAX_HEAD_BYTES:
            raise MultipartError("the head of a part is too long")
        if not blank_line:
            return []
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise MultipartError("too many parts")
        self._held, self._state, self._in_part = rest, _DATA, True
        return [_part(head.decode("utf-8", "replace"))]


def boundary_of(content_type: str) -> str | None:
    """The boundary of a form; None where a `Content-Type` names another type, or no boundary."""
    kind, _, rest = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        return None
    for name, value in _PARAMETER.findall(f";{rest}"):
        if name.lower() == "boundary":
            return _unquoted(value) or None
    return None


def _part(head: str) -> PartBegin:
    """The head of a part; file names are UTF-8, as browsers and HTTP clients send them."""
    headers: dict[str, str] = {}
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    parameters = {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(disposition)}
    if not disposition.lower().startswith("form-data") or "name" not in parameters:
        raise MultipartError("a part has no name")
    filename = parameters.get("filename")
    charset, _, extended = parameters.get("filename*", "").partition("''")
    if extended and charset.lower() == "utf-8":
        filename = unquote(extended, errors="replace")
    return PartBegin(parameters["name"], filename, headers.get("content-type"))


def _unquoted(value: str) -> str:
    """A parameter without its quotes. Browsers escape only the quote, as %22; others as \\"."""
    if not value.startswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("%22", '"')
