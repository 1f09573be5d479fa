"""Which platform a command speaks to: `--url` and `--token`, else what a Reporter here would take."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argus.core.settings import Settings


def add_platform_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two."""
    parser.add_argument("--url", help="the platform, else ARGUS_URL")
    parser.add_argument("--token", help="its token, else ARGUS_TOKEN, which hides it from `ps`")


def platform_settings(args: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """The settings of a command that speaks to the platform whatever a Reporter here would do: what
    turns reporting off does not turn it off."""
    from argus.arguments import settings_file
    from argus.core.settings import ONLINE, resolve

    asked = {name: value for name, value in environ.items() if name != "ARGUS_DISABLE"}
    return resolve(args.url, args.token, asked, settings_file(), ONLINE)
