"""Who may ask: decided from the headers of a request alone.

A monitor on the loopback interface has no token to guard it, but web pages run on the same
machine. Two checks keep them out: a page whose name was pointed at 127.0.0.1 after loading (DNS
rebinding) still sends its own name as `Host`; a page that merely posts here sends its `Origin`.
"""

from __future__ import annotations

import hmac
from email.message import Message

from argus.core.secret import Secret
from argus.core.settings import is_loopback, url_host
from argus.server.reply import RefusalError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_host(headers: Message, listens_on_loopback: bool) -> None:
    """Refuse a request that was made for another host. HTTP/1.0 may name none."""
    hosts = headers.get_all("Host") or []
    if len(hosts) > 1:
        raise RefusalError(400, "more than one Host header")
    if listens_on_loopback and hosts and not is_loopback(url_host(f"http://{hosts[0].strip()}")):
        raise RefusalError(
            403,
            "this monitor answers only as localhost; start it with --host to be reached as more",
        )


def check_origin(headers: Message, method: str) -> None:
    """Refuse what a web page of another origin makes a browser send. Reporters send no Origin."""
    origin = headers.get("Origin")
    if method in _SAFE_METHODS or origin is None:
        return
    if origin.partition("://")[2].lower() != (headers.get("Host") or "").strip().lower():
        raise RefusalError(403, "requests of other web pages are not accepted")


def check_token(headers: Message, token: Secret | None) -> None:
    """Refuse a request without the monitor's token, where it has one."""
    if token is None:
        return
    scheme, _, given = (headers.get("Authorization") or "").strip().partition(" ")
    right = hmac.compare_digest(
        given.strip().encode("utf-8", "replace"), token.reveal().encode("utf-8")
    )
    if scheme.lower() != "bearer" or not right:
        raise RefusalError(
            401, "a valid token is required", headers=(("WWW-Authenticate", "Bearer"),)
        )
