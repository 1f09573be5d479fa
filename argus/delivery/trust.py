"""Whom to trust in TLS: loaded where an address asks for it, which a plain http:// one never does.
`ssl` and the system's authorities take 5 MB and 80 ms."""

from __future__ import annotations

from collections.abc import Callable

from argus.core.settings import Settings
from argus.delivery import fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl


def trust(settings: Settings, complain: Callable[[str], None]) -> Callable[[], ssl.SSLContext]:
    """What a client asks for a TLS context, at the latest when it is redirected to https."""

    def context() -> ssl.SSLContext:
        with fork.importing():
            from argus.transport.tls import tls_context
        return tls_context(settings.ca_bundles, complain)

    return context
