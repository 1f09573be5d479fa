"""Files that belong to a job or a batch: taken in piece by piece, then given a name of their own.

A file is written below `media/` while it arrives, so memory stays small whatever it weighs, and
becomes an artifact only when all of the request was good.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from argus.rundir import files
from argus.rundir.copies import free_path
from argus.rundir.media import DELIVERED, Artifact
from argus.server.batch import Batch
from argus.server.ingest import is_too_deep
from argus.server.multipart import MultipartError, MultipartParser, PartBegin, PartData, Piece
from argus.server.parsing import parsed
from argus.server.plain import LedElsewhereError, require_own_place
from argus.server.reply import RefusalError
from argus.server.store import MEDIA, UPLOADING

MAX_FILE_BYTES = 50 * 1_048_576
MAX_JOB_BYTES = 500 * 1_048_576
_MAX_FIELD_BYTES = 65_536
_MAX_ARTIFACTS = 100_000  # of a batch: each takes memory as long as it is open
MAX_BODY_BYTES = MAX_FILE_BYTES + 4 * _MAX_FIELD_BYTES
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

MIME_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}


class Upload:
    """One upload on its way in. A context: what has not become an artifact is gone at its end."""

    def __init__(self, run_directory: Path) -> None:
        self.filename: Optional[str] = None
        self.size = 0
        self._directory = run_directory / MEDIA
        self.temporary = self._directory / f"{UPLOADING}{os.urandom(8).hex()}"
        self._fd: int | None = None
        self._fields: dict[str, bytes] = {}
        self._part: PartBegin | None = None

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self.temporary.unlink(missing_ok=True)

    def receive(self, chunks: Iterable[bytes], boundary: str) -> None:
        """Take in a whole body. Raises RefusalError, and OSError where the disk refuses."""
        try:
            parser = MultipartParser(boundary)
            for chunk in chunks:
                for piece in parser.feed(chunk):
                    self._take(piece)
        except MultipartError as error:
            raise RefusalError(400, f"malformed multipart body: {error}") from None
        if not parser.complete or self._fd is None:
            raise RefusalError(400, "the body is cut short or has no part named file")
        self._close()

    @property
    def label(self) -> str | None:
        """The text of the part `label`; None where it is missing or empty."""
        return self._fields.get("label", b"").decode("utf-8", "replace").strip() or None

    @property
    def meta(self) -> dict[str, Any] | None:
        """The object in the part `meta`; None where it is missing. Raises RefusalError."""
        text = self._fields.get("meta")
        if not text:
            return None
        try:
            document = parsed(text)
        except RefusalError:
            document = None
        if not isinstance(document, dict) or is_too_deep(document):
            raise RefusalError(400, "meta must be a JSON object")
        return document

    def _take(self, piece: Piece) -> None:
        if isinstance(piece, PartBegin):
            self._part = piece
            if piece.name == "file":
                self._begin_file(piece.filename or "")
        elif isinstance(piece, PartData) and self._part is not None:
            if self._part.name == "file":
                self._write(piece.data)
            elif self._part.name in ("label", "meta"):
                self._append(self._part.name, piece.data)

    def _begin_file(self, filename: str) -> None:
        if self._fd is not None:
            raise RefusalError(400, "more than one part named file")
        self.filename = filename.replace("\\", "/").rpartition("/")[2]
        if suffix_of(self.filename) not in MIME_TYPES:
            raise RefusalError(415, f"accepted are {' '.join(MIME_TYPES)}")
        require_own_place(self._directory.parent)
        if self._directory.is_symlink():
            raise LedElsewhereError(f"{self._directory} is a symbolic link")
        files.make_dir(self._directory, private=False)
        self._fd = os.open(self.temporary, _CREATE, files.SHARED_FILE)

    def _write(self, data: bytes) -> None:
        assert self._fd is not None
        self.size += len(data)
        if self.size > MAX_FILE_BYTES:
            raise RefusalError(413, f"a file may have {MAX_FILE_BYTES} bytes")
        files.write_all(self._fd, data)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, name: str, data: bytes) -> None:
        self._fields[name] = self._fields.get(name, b"") + data
        if len(self._fields[name]) > _MAX_FIELD_BYTES:
            raise RefusalError(413, f"{name} may have {_MAX_FIELD_BYTES} bytes")


def keep(upload: Upload, batch: Batch, job_id: str | None) -> dict[str, Any]:
    """Make a received upload an artifact of `batch`. The answer of the platform.

    Raises RefusalError where the job has too much already, and OSError.
    """
    meta = upload.meta
    filename = upload.filename or ""
    with batch.events_guard:
        media, sizes = batch.artifacts()
        if sizes.of(job_id) + upload.size > MAX_JOB_BYTES:
            raise RefusalError(413, f"the files of a job may have {MAX_JOB_BYTES} bytes")
        if sizes.count >= _MAX_ARTIFACTS:
            raise RefusalError(413, f"a batch may have {_MAX_ARTIFACTS} files")
        number, path = free_path(batch.path / MEDIA, filename, sizes.count + 1)
        answer = {
            "id": number,
            "job_id": job_id,
            "batch_id": batch.batch_id,
            "filename": filename,
            "mime": MIME_TYPES[suffix_of(filename)],
            "size_bytes": upload.size,
            "label": upload.label,
            "meta": meta,
        }
        noted = Artifact(f"{MEDIA}/{path.name}", upload.size, batch.batch_id, job_id, upload.label)
        try:
            _describe(path, answer)
            os.replace(upload.temporary, path)
            media.note(noted, DELIVERED)
        except OSError:  # it will come again
            path.unlink(missing_ok=True)
            _description_of(path).unlink(missing_ok=True)
            raise
        sizes.add(job_id, upload.size)
    return answer


def suffix_of(filename: str) -> str:
    """The suffix in lower case, with its dot; empty where there is none."""
    return os.path.splitext(filename)[1].lower()


def _describe(path: Path, answer: dict[str, Any]) -> None:
    """Keep what the list has no room for, as the file's own name and `meta`, beside the file."""
    data = json.dumps(answer, indent=1).encode("ascii") + b"\n"
    files.replace(_description_of(path), data, private=False, durable=False)


def _description_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
