"""Reads `multipart/form-data` as it arrives: files are counted and hashed, never held.

Pure: bytes are fed in pieces of any size, parts come out.
"""

from __future__ import annotations

import hashlib
import re

from tests.platform.http_wire import WireError

MAX_TEXT_BYTES = 1 << 20
MAX_PART_HEAD_BYTES = 16 << 10

_BOUNDARY = re.compile(
    r'multipart/form-data\s*;.*?boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.I
)
_PARAMETER = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.I)


def boundary_of(content_type: str) -> bytes:
    match = _BOUNDARY.match(content_type)
    if not match:
        raise WireError(f"Content-Type: {content_type!r}")
    return (match.group(1) or match.group(2)).encode()


class Part:
    """One field of the form: a file, where it has a filename, else a short text."""

    def __init__(self, head: str) -> None:
        headers = {}
        for line in head.split("\r\n"):
            name, colon, value = line.partition(":")
            if not colon:
                raise WireError(f"part header: {line[:100]!r}")
            headers[name.strip().lower()] = value.strip()
        disposition = headers.get("content-disposition", "")
        names = {key.lower(): _unquoted(value) for key, value in _PARAMETER.findall(disposition)}
        if not disposition.lower().startswith("form-data") or "name" not in names:
            raise WireError(f"Content-Disposition: {disposition!r}")
        self.name = names["name"]
        self.filename = names.get("filename")
        self.content_type = headers.get("content-type")
        self.size = 0
        self._hash = hashlib.sha256()
        self._text = bytearray()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def text(self) -> str:
        return self._text.decode("utf-8")

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.filename is not None:
            self._hash.update(data)
            return
        self._text += data
        if len(self._text) > MAX_TEXT_BYTES:
            raise WireError(f"the field {self.name} has no end")


class Multipart:
    """The parts of one body, by name once it is whole. What is wrong with it stands in `problem`."""

    def __init__(self, boundary: bytes) -> None:
        # The first boundary has no line before it; one that is put there makes all of them alike.
        self._buffer = bytearray(b"\r\n")
        self._delimiter = b"\r\n--" + boundary
        self._step = self._in_preamble
        self._parts: list[Part] = []
        self.problem: str | None = None

    @property
    def parts(self) -> dict[str, Part]:
        return {part.name: part for part in self._parts}

    def feed(self, data: bytes) -> None:
        """Takes the next piece; what follows after a problem is ignored."""
        self._buffer += data
        try:
            while self.problem is None and self._step():
                pass
        except (WireError, UnicodeDecodeError) as error:
            self.problem = str(error)

    def finish(self) -> None:
        if self.problem is None and self._step != self._in_epilogue:
            self.problem = "the form ends before its last boundary"

    def _in_preamble(self) -> bool:
        return self._up_to_delimiter() is not None

    def _in_body(self) -> bool:
        data = self._up_to_delimiter()
        if data is None:
            # All but what may be the beginning of a boundary.
            end = max(0, len(self._buffer) - len(self._delimiter) + 1)
            self._parts[-1].add(bytes(self._buffer[:end]))
            del self._buffer[:end]
            return False
        self._parts[-1].add(data)
        return True

    def _up_to_delimiter(self) -> bytes | None:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            return None
        data = bytes(self._buffer[:at])
        del self._buffer[: at + len(self._delimiter)]
        self._step = self._after_delimiter
        return data

    def _after_delimiter(self) -> bool:
        if len(self._buffer) < 2:
            return False
        mark = bytes(self._buffer[:2])
        del self._buffer[:2]
        if mark not in (b"--", b"\r\n"):
            raise WireError(f"after a boundary: {mark!r}")
        self._step = self._in_epilogue if mark == b"--" else self._in_head
        return True

    def _in_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_PART_HEAD_BYTES:
                raise WireError("the head of a part has no end")
            return False
        self._parts.append(Part(self._buffer[:end].decode("utf-8")))
        del self._buffer[: end + 4]
        self._step = self._in_body
        return True

    def _in_epilogue(self) -> bool:
        self._buffer.clear()
        return False


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)
