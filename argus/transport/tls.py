"""TLS: whom to trust at the other end, and a connection that is encrypted.

Loaded where an address is https, and only there: `ssl` takes more memory than all the rest here.
"""

from __future__ import annotations

import errno
import functools
import os
import selectors
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Optional

from argus.transport.stream import Stream


class TlsStream(Stream):
    """A stream that goes on in TLS. `plain` is its to close from now on."""

    def __init__(self, plain: Stream, context: ssl.SSLContext, host: str) -> None:
        host.encode("idna")  # what raises here would do so once the socket is taken over
        sock = plain.release()
        super().__init__(
            context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False),
            plain.patience,
        )

    def shake_hands(self) -> None:
        """Agree on keys. Raises ssl.SSLError where the other side cannot be trusted."""
        sock = self._sock
        assert isinstance(sock, ssl.SSLSocket)
        self._retrying(sock.do_handshake, selectors.EVENT_READ)

    def certificate(self) -> dict[str, Any]:
        """Subject, issuer and dates."""
        sock = self._sock
        assert isinstance(sock, ssl.SSLSocket)
        return dict(sock.getpeercert() or {})

    def _awaited(self, error: OSError, event: int) -> int | None:
        if isinstance(
            error, ssl.SSLWantReadError
        ):  # it decides for itself which way it needs to go
            return selectors.EVENT_READ
        if isinstance(error, ssl.SSLWantWriteError):
            return selectors.EVENT_WRITE
        return super()._awaited(error, event)


class _Socket(ssl.SSLSocket):
    """Closed where the other side has reset the connection before TLS begins: up to Python 3.12
    `wrap_socket` raises what it reads then, and leaves an open socket to the garbage collector."""

    def getpeername(self) -> Any:
        """The address at the other end; what `wrap_socket` asks for first."""
        try:
            return super().getpeername()
        except OSError as error:
            self.close()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from error


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
    context.sslsocket_class = _Socket
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    complaints = []
    for path in ca_bundles:
        place = {"capath" if os.path.isdir(path) else "cafile": path}
        try:
            context.load_verify_locations(**place)
        except OSError as error:  # ssl.SSLError is one
            complaints.append(f"the CA file {path} cannot be used: {error}")
    return context, tuple(complaints)
