"""A file as multipart/form-data (RFC 7578), streamed: its size on disk costs no memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

MIME_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}

_CHUNK_BYTES = 262_144


class UnreadableFileError(Exception):
    """The file cannot be read to the end that it had when the form was made."""


class FileForm:
    """A form with one open file and a few text fields. `boundary` must not occur in the file:
    16 random bytes in hex never do."""

    def __init__(
        self, file: BinaryIO, path: Path, fields: Mapping[str, str], boundary: str
    ) -> None:
        self._file = file
        self._file_size = os.fstat(file.fileno()).st_size
        mime = MIME_TYPES.get(path.suffix.lower(), "application/octet-stream")
        self._head = b"".join(_text_part(boundary, *field) for field in fields.items())
        self._head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{_quoted(path.name)}"\r\nContent-Type: {mime}\r\n\r\n'
        ).encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"

    @property
    def size(self) -> int:
        """The length of the whole body in bytes."""
        return len(self._head) + self._file_size + len(self._tail)

    def chunks(self) -> Iterator[bytes]:
        """The body, from its beginning. Raises UnreadableFileError."""
        yield self._head
        left = self._file_size
        while left:
            chunk = self._read_at(self._file_size - left, min(_CHUNK_BYTES, left))
            left -= len(chunk)
            yield chunk
        yield self._tail

    def _read_at(self, offset: int, size: int) -> bytes:
        try:
            self._file.seek(offset)
            chunk = self._file.read(size)
        except OSError as error:
            raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error
        if not chunk:
            raise UnreadableFileError("it became shorter while it was being sent")
        return chunk


def _text_part(boundary: str, name: str, value: str) -> bytes:
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    return part.encode("utf-8", "replace")


def _quoted(name: str) -> str:
    """A file name inside quotes, escaped as browsers do (HTML, multipart/form-data encoding)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
