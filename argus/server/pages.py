"""The page: fixed files of the package, read once, and what a browser may do with them.

Nothing here is made from what a run says, and no name is ever looked up on a disk.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from argus.server.reply import RefusalError, Reply

INDEX = "index.html"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Nothing from elsewhere, no script or style but the files of this table, and no way for text to
# become markup: a run may call itself what it likes.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


class PageFile(NamedTuple):
    """One file of the page."""

    content: bytes
    mime: str
    etag: str


@cache
def page_files() -> dict[str, PageFile]:
    """All files of the page by their names."""
    found = {}
    for entry in (files("argus.server") / "page").iterdir():
        mime = _TYPES.get(entry.name.rpartition(".")[2])
        if mime is not None:
            content = entry.read_bytes()
            etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
            found[entry.name] = PageFile(content, mime, etag)
    return found


def page_reply(name: str, if_none_match: str) -> Reply:
    """A file of the page, or 304 where the browser has it. Raises RefusalError for other names."""
    file = page_files().get(name)
    if file is None:
        raise RefusalError(404, "not found")
    headers = (
        ("Content-Type", file.mime),
        ("ETag", file.etag),
        ("Cache-Control", "no-cache"),  # asked each time: a new version is seen at once
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )
    if file.etag in [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]:
        return Reply(304, b"", headers)
    return Reply(200, file.content, headers)
