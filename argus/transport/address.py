"""The platform's address taken apart, and the paths of its API."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

EVENTS_PATH = "/api/events/batch"

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where a platform is. `prefix` is the path that all its paths begin with, or empty."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ValueError for what is no http(s) URL. User, password and query are left out."""
        parts = urlsplit(url.strip())
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not an http:// or https:// URL with a host")
        host = parts.hostname
        if not host.isascii():  # as DNS, TLS and the Host header have it
            host = host.encode("idna").decode("ascii")
        prefix = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        return cls(scheme, host, parts.port or _DEFAULT_PORTS[scheme], prefix)

    @property
    def host_and_port(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them (RFC 9110, 7.2): a default port is left out."""
        default = f":{_DEFAULT_PORTS[self.scheme]}"
        text = self.host_and_port
        return text[: -len(default)] if text.endswith(default) else text

    @property
    def url(self) -> str:
        """The address in one form, however it was written; without credentials."""
        return f"{self.scheme}://{self.authority}{self.prefix}"


def stop_path(batch_id: str) -> str:
    """Where a batch's stop flag is asked for."""
    return f"/api/batches/{quote(batch_id, safe='')}/stop-requested"


def stop_request_path(batch_id: str) -> str:
    """Where a batch is asked to stop."""
    return f"/api/batches/{quote(batch_id, safe='')}/stop"


def job_artifacts_path(job_id: str) -> str:
    """Where a job's files go."""
    return f"/api/jobs/{quote(job_id, safe='')}/artifacts"


def batch_artifacts_path(batch_id: str) -> str:
    """Where a batch's files go, on platforms that know that path."""
    return f"/api/batches/{quote(batch_id, safe='')}/artifacts"


def redirected(base: Address, target: str, location: str) -> tuple[Address, str] | None:
    """The address and request target that a redirect leads to; None where it must not lead.

    A token is meant for one server. A redirect is followed to the same host and port, or from
    http to https on the same host: never elsewhere, and never to a weaker scheme.
    """
    try:
        parts = urlsplit(urljoin(f"{base.scheme}://{base.authority}{target}", location))
        there = Address.parse(f"{parts.scheme}://{parts.netloc}")._replace(prefix=base.prefix)
    except ValueError:
        return None
    upgraded = (base.scheme, there.scheme) == ("http", "https") and there.host == base.host
    if there != base and not upgraded:
        return None
    return there, parts.path + (f"?{parts.query}" if parts.query else "")
