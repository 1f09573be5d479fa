"""What runs here."""

from __future__ import annotations

import platform
import ssl
import sys
from collections.abc import Iterator

from argus.core.schema import SCHEMA_VERSION
from argus.core.version import __version__
from argus.inspection.finding import OK, Finding

SECTION = "versions"


def version_findings() -> Iterator[Finding]:
    """This package, its Python and the system."""
    yield Finding(SECTION, "argus", OK, f"{__version__}, event schema {SCHEMA_VERSION}")
    python = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    yield Finding(SECTION, "python", OK, python)
    yield Finding(SECTION, "TLS", OK, ssl.OPENSSL_VERSION)
    yield Finding(SECTION, "system", OK, platform.platform())
