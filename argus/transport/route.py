"""Which way leads to a platform: straight, or through a proxy that the environment names.

The rules are those of curl and requests, with which a person compares: a proxy is asked for this
machine's own addresses too, unless NO_PROXY names them. `urllib.request`, which knows the same but
for ranges of addresses, takes 2 MB, and is loaded only where the system has proxies of its own.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from argus.core.secret import Secret
from argus.transport.address import Address

if sys.platform in ("darwin", "win32"):
    from urllib.request import getproxies, proxy_bypass

_DEFAULT_PROXY_PORT = 80


class Proxy(NamedTuple):
    """A forward proxy. `authorization` is the value of its header, where it wants one."""

    host: str
    port: int
    authorization: Optional[Secret]


def proxy_for(address: Address, complain: Callable[[str], None]) -> Proxy | None:
    """The proxy for `address` that the environment names, or else the system's settings."""
    named = _named_in(os.environ)
    if not named:
        url = _system_proxy(address)
    elif _is_exempt(address, named.get("no", "")):
        url = None
    else:
        url = named.get(address.scheme) or named.get("all")
    if not url:
        return None
    try:
        return _parse_proxy(url if "://" in url else f"http://{url}")
    except ValueError:  # whose text would quote the password
        complain(f"{address.scheme.upper()}_PROXY names a proxy that is not spoken here; not used")
        return None


def _named_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The values of `*_proxy`, by what the star stands for. Names in lower case win."""
    named: dict[str, str] = {}
    for name, value in sorted(environ.items()):  # lower case comes last
        # A web server's CGI script gets a header `Proxy:` as HTTP_PROXY (CVE-2016-1000110).
        if name.lower().endswith("_proxy") and not (
            name == "HTTP_PROXY" and "REQUEST_METHOD" in environ
        ):
            named[name[: -len("_proxy")].lower()] = value.strip()
    return {name: value for name, value in named.items() if value}


def _is_exempt(address: Address, no_proxy: str) -> bool:
    """Whether `address` is to be reached straight: `*`, a host, a domain and all below it, each
    with or without a port, an address, or a range of addresses."""
    host = address.host.lower()
    for entry in no_proxy.replace(",", " ").lower().split():
        name = entry.lstrip("*.")
        for known in (host, f"[{host}]", address.host_and_port.lower()):
            if entry == "*" or known == name or (name and known.endswith(f".{name}")):
                return True
        if "/" in entry and _is_within(host, entry):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:  # a name, or no range
        return False


def _system_proxy(address: Address) -> str | None:
    if sys.platform in ("darwin", "win32"):
        if not proxy_bypass(address.host_and_port):
            return getproxies().get(address.scheme)
    return None


def _parse_proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("not an http:// URL with a host")
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = base64.b64encode(credentials.encode()).decode("ascii")
        authorization = Secret(f"Basic {encoded}")
    return Proxy(parts.hostname, parts.port or _DEFAULT_PROXY_PORT, authorization)
