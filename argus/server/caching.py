"""What a client need not be sent again, and what is sent smaller: ETags and gzip.

A reply that names itself by an `ETag` header is asked for by it (`If-None-Match`, RFC 9110).
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache

from argus.server.head import Head
from argus.server.reply import Content, Reply, Streamed, content

_MIN_GZIP_BYTES = 2_048  # what is smaller fits two packets anyway
_MAX_REMEMBERED_BYTES = 8_388_608
_GZIP_LEVEL = 1  # half of the time of the usual one, for a tenth more bytes
_COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg")


def etag_of(data: bytes) -> str:
    """A name for these very bytes."""
    return f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'


def conditional(reply: Reply, head: Head) -> Reply:
    """`reply` as it is to be sent to the client with that head: 304 where it has it, else
    compressed where that is worth it and the client can read it."""
    if reply.status != 200 or head.method not in ("GET", "HEAD") or _is_streamed(reply):
        return reply
    etag = next((value for name, value in reply.headers if name == "ETag"), None)
    if etag is not None and _names(head.headers.get("if-none-match", ""), etag):
        return Reply(304, Content(b"", "application/json"), reply.headers)
    body = content(reply.body)
    if len(body.data) < _MIN_GZIP_BYTES or not body.content_type.startswith(_COMPRESSIBLE):
        return reply
    headers = (*reply.headers, ("Vary", "Accept-Encoding"))
    if not _takes_gzip(head.headers.get("accept-encoding", "")):
        return Reply(200, body, headers)
    smaller = Content(_gzipped(body.data), body.content_type)
    return Reply(200, smaller, (*headers, ("Content-Encoding", "gzip")))


def _gzipped(data: bytes) -> bytes:
    return _remembered(data) if len(data) < _MAX_REMEMBERED_BYTES else _compressed(data)


def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)


# The list of runs is one and the same for all who open the page.
_remembered = lru_cache(maxsize=4)(_compressed)


def _is_streamed(reply: Reply) -> bool:
    return isinstance(reply.body, Streamed)


def _names(condition: str, etag: str) -> bool:
    named = [each.strip() for each in condition.split(",")]
    return "*" in named or etag in named or f"W/{etag}" in named


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        coding, _, weight = each.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
