"""How to get there: straight or through a proxy, and whom to trust at the other end."""

from __future__ import annotations

import base64
import functools
import os
import ssl
import urllib.request
from collections.abc import Callable, Sequence
from typing import NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from argus.transport.address import Address

_DEFAULT_PROXY_PORT = 80


class Proxy(NamedTuple):
    """A forward proxy. `authorization` is the value of its header, where it wants one."""

    host: str
    port: int
    authorization: Optional[str]

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"  # the password stays out of logs


def proxy_for(address: Address, complain: Callable[[str], None]) -> Proxy | None:
    """The proxy that the environment names for `address`, by the rules of `urllib.request`."""
    url = urllib.request.getproxies().get(address.scheme)
    if not url or urllib.request.proxy_bypass(address.host_and_port):
        return None
    try:
        return _parse_proxy(url if "://" in url else f"http://{url}")
    except ValueError:  # whose text would quote the password
        complain(f"{address.scheme.upper()}_PROXY names a proxy that is not spoken here; not used")
        return None


def _parse_proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("not an http:// URL with a host")
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
    return Proxy(parts.hostname, parts.port or _DEFAULT_PROXY_PORT, authorization)


def tls_context(ca_bundles: Sequence[str], complain: Callable[[str], None]) -> ssl.SSLContext:
    """A context that verifies: the system's authorities (or SSL_CERT_FILE's), and `ca_bundles`."""
    system = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    context, complaints = _loaded_context(tuple(ca_bundles), system)
    for complaint in complaints:
        complain(complaint)
    return context


@functools.lru_cache(maxsize=4)  # a run has three clients, and loading takes 60 ms
def _loaded_context(
    ca_bundles: tuple[str, ...], system: tuple[Optional[str], Optional[str]]
) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    # `system` is what OpenSSL itself looks at: where it changes, another context is due.
    context = ssl.create_default_context()
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    complaints = []
    for path in ca_bundles:
        place = {"capath" if os.path.isdir(path) else "cafile": path}
        try:
            context.load_verify_locations(**place)
        except OSError as error:  # ssl.SSLError is one
            complaints.append(f"the CA file {path} cannot be used: {error}")
    return context, tuple(complaints)
