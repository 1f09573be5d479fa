"""Heads of requests, for tests that judge them."""

from __future__ import annotations

from argus.server.head import Head


def head(method: str = "POST", authority: str | None = None, **headers: str) -> Head:
    """A head with these headers; an underscore stands for a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(method, "/", authority, False, named)
