"""The page: fixed files of the package, read once, and what a browser may do with them.

Nothing here is made from what a run says, and no name is ever looked up on a disk.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from argus.server.caching import etag_of
from argus.server.reply import Content, RefusalError, Reply

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


_HEADERS = (
    ("Cache-Control", "no-cache"),  # asked each time: a new version is seen at once
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@cache
def page_files() -> dict[str, Reply]:
    """The reply for each file of the page, by the file's name."""
    found = {}
    for entry in (files("argus.server") / "page").iterdir():
        mime = _TYPES.get(entry.name.rpartition(".")[2])
        if mime is not None:
            data = entry.read_bytes()
            headers = (("ETag", etag_of(data)), *_HEADERS)
            found[entry.name] = Reply(200, Content(data, mime), headers)
    return found


def page_reply(name: str) -> Reply:
    """A file of the page. Raises RefusalError where there is none of that name."""
    reply = page_files().get(name)
    if reply is None:
        raise RefusalError(404, "not found")
    return reply
