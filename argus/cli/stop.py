"""`argus stop`: presses the stop button of a batch."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from argus.cli.platform import add_platform_arguments, platform_settings

if TYPE_CHECKING:
    from argus.delivery.stop_request import StopAnswer

_DESCRIPTION = """\
Ask a batch to stop: its `j.stopped` and `r.stopped` become true within seconds, and a training that
looks at them ends by itself. It cannot be taken back.
"""
_EXAMPLES = """\
examples:
  argus stop bench-1f2e3d4c5b6a                       on the platform that ARGUS_URL names
  argus stop bench-1f2e3d4c5b6a --url http://127.0.0.1:8765
  argus stop bench-1f2e3d4c5b6a --json                {"batch_id": …, "requested": true, …}

exit code: 0 where it was asked to stop, 1 where that failed, 2 where nobody knows the batch.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "stop",
        help="ask a batch to stop",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "batch", metavar="BATCH", help="its whole id, as `argus runs` and the page show it"
    )
    add_platform_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask once. The exit code."""
    from argus.delivery.stop_request import Outcome, request_stop
    from argus.delivery.trust import trust
    from argus.rundir import writer
    from argus.transport.address import Address
    from argus.transport.client import HttpClient

    if not args.batch:
        return _refuse("a batch has an id: name it")
    settings = platform_settings(args, os.environ)
    if settings.url is None:
        said = [*settings.complaints, "no platform is named: set ARGUS_URL, or give --url"]
        return _refuse(said[0])
    try:
        address = Address.parse(settings.url)
    except ValueError as error:
        return _refuse(f"{settings.url}: {error}: check ARGUS_URL, or --url")
    trusted = trust(settings, _say)
    client = HttpClient(address, settings.token, trusted, _say, lambda _: None)
    try:
        answer = request_stop(client, args.batch, writer.user_name())
    finally:
        client.close()
    if args.json:
        print(json.dumps(_document(args.batch, address.url, answer)))
    if answer.outcome is Outcome.REQUESTED:
        if not args.json:
            print(_sentence(args.batch, answer))
        return 0
    if answer.outcome is Outcome.UNKNOWN:
        return _refuse(f"{address.url} knows no batch {args.batch}: look at its id again")
    _say(f"{args.batch} was not asked to stop: {address.url}: {answer.reason}")
    return 1


def _sentence(batch_id: str, answer: StopAnswer) -> str:
    since = f", since {answer.at}" if answer.at else ""
    by = f" by {answer.by}" if answer.by else ""
    unheard = "; its reporter cannot hear of it: there is a / in its id" if "/" in batch_id else ""
    return f"{batch_id} is asked to stop{since}{by}{unheard}"


def _document(batch_id: str, url: str, answer: StopAnswer) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "url": url,
        "requested": answer.outcome.value == "requested",
        "outcome": answer.outcome.value,
        "requested_at": answer.at,
        "requested_by": answer.by,
        "reason": answer.reason,
    }


def _say(message: str) -> None:
    print(f"argus stop: {message}", file=sys.stderr)


def _refuse(message: str) -> int:
    _say(message)
    return 2
