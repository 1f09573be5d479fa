"""The platform as the contract describes it: which path gets which answer.

Nothing here goes wrong on purpose, except by a `Quirk` that was handed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from tests.platform.exchange import Exchange
from tests.platform.http_wire import Answer, WireError, error_answer, json_answer
from tests.platform.ingest import NO_QUIRK, Body, Quirk, answer_batch, answer_single, read_json
from tests.platform.multipart import Multipart, boundary_of
from tests.platform.store import Store

MAX_JOB_BYTES = 500_000_000
FILE_TYPES = frozenset({".png", ".jpg", ".jpeg", ".pdf", ".svg"})


async def take_in(exchange: Exchange) -> Body:
    """Reads a whole request and logs how many events it carries; a file is read, not kept."""
    if exchange.head.method != "POST" or exchange.head.path.endswith("/artifacts"):
        await exchange.discard_body()
        return Body()
    body = read_json(await exchange.read_body())
    exchange.entry.events = len(body.events())
    return body


class Platform:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._routes: list[tuple[str, re.Pattern[str], _Handler]] = [
            ("POST", re.compile(r"/api/events/batch"), self._batch),
            ("POST", re.compile(r"/api/events"), self._single),
            ("GET", re.compile(r"/api/batches/([^/]+)/stop-requested"), self._stop_requested),
            ("POST", re.compile(r"/api/jobs/([^/]+)/artifacts"), self._upload),
        ]

    async def answer(self, exchange: Exchange, quirk: Quirk = NO_QUIRK) -> Answer:
        """Reads the request, does what it asks for, and says so."""
        # Decoded before it is matched, as the real one does: an id with a slash is never found.
        path = unquote(exchange.head.path)
        allowed = []
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and method == exchange.head.method:
                return await handler(exchange, quirk, *match.groups())
            if match:
                allowed.append(method)
        await take_in(exchange)
        if allowed:
            return error_answer(405, "Method Not Allowed")
        return error_answer(404, "Not Found")

    async def _batch(self, exchange: Exchange, quirk: Quirk) -> Answer:
        body = await take_in(exchange)
        return _unreadable(exchange) or answer_batch(self.store, body, quirk)

    async def _single(self, exchange: Exchange, quirk: Quirk) -> Answer:
        body = await take_in(exchange)
        return _unreadable(exchange) or answer_single(self.store, body, quirk)

    async def _stop_requested(self, exchange: Exchange, quirk: Quirk, batch_id: str) -> Answer:
        await exchange.discard_body()
        if not self.store.knows_batch(batch_id):
            return error_answer(404, "Batch not found")
        requested = self.store.stop_requested(batch_id)
        return json_answer(
            200,
            {
                "requested": requested,
                "requested_at": "2026-04-23T09:23:06Z" if requested else None,
                "requested_by": "ann" if requested else None,
            },
        )

    async def _upload(self, exchange: Exchange, quirk: Quirk, job_id: str) -> Answer:
        try:
            form = Multipart(boundary_of(exchange.head.headers.get("content-type", "")))
        except WireError as error:
            await exchange.discard_body()
            return error_answer(422, str(error))
        async for piece in exchange.body():
            form.feed(piece)
        form.finish()
        return _unreadable(exchange) or self._answer_upload(
            form, job_id, exchange.head.target, quirk
        )

    def _answer_upload(self, form: Multipart, job_id: str, target: str, quirk: Quirk) -> Answer:
        batches = self.store.batches_of_job(job_id)
        if form.problem:
            return error_answer(400, form.problem)
        if len(batches) != 1:
            return error_answer(500 if batches else 404, f"{len(batches)} jobs of this id")
        file = form.parts.get("file")
        if file is None or file.filename is None:
            return error_answer(422, [{"loc": ["body", "file"], "msg": "missing"}])
        if PurePosixPath(file.filename).suffix.lower() not in FILE_TYPES:
            return error_answer(415, f"not accepted: {file.filename}")
        too_much = self.store.uploaded_bytes(job_id) + file.size > MAX_JOB_BYTES
        if file.size > quirk.max_file_bytes or too_much:
            return error_answer(413, "too large")
        label = form.parts["label"].text if "label" in form.parts else None
        try:
            meta = _meta(form)
        except ValueError as error:
            return error_answer(400, f"meta: {error}")
        upload_id = self.store.add_upload(
            {
                "path": target,
                "job_id": job_id,
                "filename": file.filename,
                "size": file.size,
                "sha256": file.sha256,
                "content_type": file.content_type,
                "label": label,
                "meta": meta,
            }
        )
        return json_answer(
            201,
            {
                "id": upload_id,
                "job_id": job_id,
                "batch_id": next(iter(batches)),
                "filename": file.filename,
                "mime": file.content_type,
                "size_bytes": file.size,
                "label": label,
                "meta": meta,
            },
        )


def _unreadable(exchange: Exchange) -> Answer | None:
    encoding = exchange.head.headers.get("content-encoding", "identity")
    return None if encoding == "identity" else error_answer(400, f"Content-Encoding: {encoding}")


def _meta(form: Multipart) -> Any:
    if "meta" not in form.parts:
        return None
    meta = json.loads(form.parts["meta"].text)
    if not isinstance(meta, dict):
        raise ValueError("must be an object")
    return meta


_Handler = Callable[..., Awaitable[Answer]]
