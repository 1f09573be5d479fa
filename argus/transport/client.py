"""Requests to one platform over one keep-alive connection. For one thread, never shared.

An expected failure of the network is a value that comes back, not an exception: the errors of
sockets, TLS and HTTP are told apart here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from argus.core.secret import Secret
from argus.core.verdicts import Answer, NetworkFailure, Reply
from argus.core.version import __version__
from argus.transport.address import Address, redirected
from argus.transport.answer import BadAnswerError
from argus.transport.connection import Body, Connection, Headers, open_stream, open_tunnel
from argus.transport.multipart import UnreadableFileError
from argus.transport.patience import Patience
from argus.transport.resolver import Resolver
from argus.transport.route import proxy_for
from argus.transport.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

_MAX_REDIRECTS = 3
# A 303 asks for a GET elsewhere; these are taken as "the same, there", as an API means them.
_SAME_THERE = (301, 302, 307, 308)
_MAX_REASON_CHARS = 200


class HttpClient:
    """Speaks to one platform. `trust` gives a TLS context, and is asked where one is needed.
    `meanwhile` is called now and then while a request waits."""

    def __init__(
        self,
        address: Address,
        token: Secret | None,
        trust: Callable[[], ssl.SSLContext],
        complain: Callable[[str], None],
        meanwhile: Callable[[Patience], None],
    ) -> None:
        self._address = address
        # It is revealed where it is written to the socket: no frame that waits holds the token.
        self._authorization = Secret(f"Bearer {token.reveal()}") if token else None
        self._trust = trust
        self._complain = complain
        self._meanwhile = meanwhile
        self._proxy = proxy_for(address, complain)
        self._tls = trust() if address.scheme == "https" else None
        self._resolver = Resolver()
        self._connection = Connection()

    def request(self, method: str, path: str, body: Body, timeout_s: float) -> Answer:
        """One exchange within `timeout_s`: connecting, sending and the whole answer.

        Raises nothing but UnreadableFileError, of a body that is a file.
        """
        patience = Patience(timeout_s, self._meanwhile)
        target = self._address.prefix + path
        try:
            reply = self._exchange(method, target, body, patience)
            for _ in range(_MAX_REDIRECTS):
                if reply.status not in _SAME_THERE or not reply.redirect:
                    break
                followed = redirected(self._address, target, reply.redirect)
                if followed is None:
                    break
                target = self._turn_to(*followed)
                reply = self._exchange(method, target, body, patience)
            return reply
        except (OSError, BadAnswerError, ValueError) as error:
            self.close()
            return _failure(error)
        except UnreadableFileError:
            self.close()
            raise

    def certificate(self) -> dict[str, Any]:
        """What the other side of the open connection has proved to be; nothing where there is none."""
        stream = self._connection.stream
        return {} if stream is None else stream.certificate()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def _turn_to(self, address: Address, target: str) -> str:
        """Follow a redirect. One to https holds for all later requests too."""
        if address != self._address:
            self.close()
            self._address = address
            self._tls = self._trust()
            self._proxy = proxy_for(address, self._complain)
        return target

    def _exchange(self, method: str, target: str, body: Body, patience: Patience) -> Reply:
        """One request and its reply, on the connection at hand if it still stands."""
        if self._connection.is_usable():
            try:
                return self._send(method, target, body, patience)
            except ConnectionError:
                # The server closed it while it was idle. Sending twice is safe: events carry
                # ids, and an upload that was not answered has no artifact.
                pass
        self.close()
        self._connection.stream = self._connect(patience)
        return self._send(method, target, body, patience)

    def _send(self, method: str, target: str, body: Body, patience: Patience) -> Reply:
        if self._proxy is not None and self._address.scheme == "http":
            target = f"http://{self._address.authority}{target}"
        return self._connection.exchange(method, target, self._headers(), body, patience)

    def _headers(self) -> Headers:
        headers: Headers = {
            "Host": self._address.authority,
            "Accept": "application/json",
            "User-Agent": f"argus-reporter/{__version__}",
        }
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        if self._proxy is not None and self._proxy.authorization and self._tls is None:
            headers["Proxy-Authorization"] = self._proxy.authorization
        return headers

    def _connect(self, patience: Patience) -> Stream:
        host, port = self._address.host, self._address.port
        if self._proxy is not None:
            host, port = self._proxy.host, self._proxy.port
        stream = open_stream(self._resolver.lookup(host, port, patience), patience)
        try:
            if self._tls is not None:
                from argus.transport.tls import TlsStream  # loaded with the context, by `trust`

                if self._proxy is not None:
                    open_tunnel(stream, self._address.host_and_port, self._proxy.authorization)
                stream = encrypted = TlsStream(stream, self._tls, self._address.host)
                encrypted.shake_hands()
        except BaseException:
            stream.close()
            raise
        return stream


def _failure(error: Exception) -> NetworkFailure:
    if hasattr(
        error, "verify_message"
    ):  # a certificate's; `ssl` is not loaded to ask for its class
        reason = error.verify_message or str(error)
        return NetworkFailure(
            f"TLS: {reason}",
            advice=f"its certificate is not trusted ({reason}); for an authority of your own set "
            "ARGUS_CA_BUNDLE to its file",
        )
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        # Its text would quote what cannot be written, which may be the token.
        return NetworkFailure("the address or a header cannot be written as HTTP")
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return NetworkFailure(f"{type(error).__name__}: {_printable(text)}")


def _printable(text: str) -> str:
    """The beginning of a text that may be what the other side said."""
    return "".join(char if char.isprintable() else " " for char in text[:_MAX_REASON_CHARS])
