"""Who may ask: decided from the head of a request alone.

A monitor on the loopback interface has no token to guard it, but web pages run on the same
machine. Two checks keep them out: a page whose name was pointed at 127.0.0.1 after loading (DNS
rebinding) still sends its own name as `Host`; a page that merely posts here sends its `Origin`.
"""

from __future__ import annotations

import hmac
import re

from argus.core.secret import Secret
from argus.core.settings import is_loopback
from argus.server.head import Head
from argus.server.reply import RefusalError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HTTP_PORT = 80  # the one that a client leaves out
_AUTHORITY = re.compile(r"([a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?", re.ASCII)


class Hosts:
    """The names by which a monitor may be called."""

    def __init__(self, host: str, address: str, port: int) -> None:
        """What it listens on: `host` as it was told, `address` and `port` as the system says."""
        names = {f"[{name}]" if ":" in name else name.lower() for name in (host, address)}
        self._port = port
        # What others can reach has a token, and more names than it can know itself.
        self._names = names | {"localhost"} if is_loopback(address) else None

    def check(self, head: Head) -> None:
        """Refuse a request that was made for another host. Raises RefusalError."""
        host = head.headers.get("host")
        if host is None:
            raise RefusalError(400, "a Host header is required")
        for authority in {host, host if head.authority is None else head.authority}:
            self._check(authority.lower())

    def _check(self, authority: str) -> None:
        match = _AUTHORITY.fullmatch(authority)
        if match is None or int(match[2] or _HTTP_PORT) not in range(1, 65_536):
            raise RefusalError(400, "malformed Host")
        if self._names is None:
            return
        if match[1] not in self._names or int(match[2] or _HTTP_PORT) != self._port:
            names = " or ".join(f"{name}:{self._port}" for name in sorted(self._names))
            raise RefusalError(
                403,
                f"this monitor answers only as {names}; start it with --host to be reached as more",
            )


def check_origin(head: Head) -> None:
    """Refuse what a web page of another origin makes a browser send. Reporters send no Origin."""
    origin = head.headers.get("origin")
    if head.method in _SAFE_METHODS or origin is None:
        return
    if origin.partition("://")[2].lower() != head.headers.get("host", "").lower():
        raise RefusalError(403, "requests of other web pages are not accepted")


def check_token(head: Head, token: Secret | None) -> None:
    """Refuse a request without the monitor's token, where it has one."""
    if token is None:
        return
    scheme, _, given = head.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8"), token.reveal().encode("utf-8"))
    if scheme.lower() != "bearer" or not right:
        raise RefusalError(
            401, "a valid token is required", headers=(("WWW-Authenticate", "Bearer"),)
        )
