"""A request as an endpoint sees it."""

from __future__ import annotations

from typing import NamedTuple

from argus.server.body import Body
from argus.server.head import Head


class Request(NamedTuple):
    """A request. `ids` are the variable parts of its path, decoded."""

    head: Head
    body: Body
    ids: tuple[str, ...]
    now: float  # seconds since the epoch
