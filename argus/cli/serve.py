"""`argus serve`: a monitor on this machine."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argus.cli.arguments import port

if TYPE_CHECKING:
    from argus.server.app import Monitor

TOKEN_VARIABLE = "ARGUS_SERVE_TOKEN"

_DESCRIPTION = """\
Receive what reporters send and keep it, one directory for each batch, until interrupted. The page
at its address shows these runs, and all others in the same directory.
"""
_EXAMPLES = f"""\
examples:
  argus serve                          listen on http://127.0.0.1:8765, keep runs in ./runs
  argus serve --port 0 --runs /data    pick a free port, keep runs in /data
  {TOKEN_VARIABLE}=secret argus serve --host 0.0.0.0
                                       let other machines report; they need the token

point a reporter at it:
  ARGUS_URL=http://127.0.0.1:8765 python train.py

from elsewhere, through a tunnel; a monitor without --host answers only by its own port:
  ssh -L 8765:127.0.0.1:8765 HOST

Other users of this machine can reach 127.0.0.1 too; where that matters, set a token.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "serve",
        help="run a monitor on this machine",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=port, default=8765, help="0 picks a free one (%(default)s)")
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where runs are kept (./runs)",
    )
    parser.add_argument(
        "--token",
        help=f"what reporters must send as ARGUS_TOKEN; {TOKEN_VARIABLE} hides it from `ps`",
    )
    parser.add_argument("--verbose", action="store_true", help="tell of each request on stderr")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. 0 then; 2, with a line on stderr, where that cannot begin."""
    from argus.server.app import Monitor, TokenRequiredError

    token = (args.token or os.environ.get(TOKEN_VARIABLE) or "").strip() or None
    if token is not None and not all("!" <= char <= "~" for char in token):
        return _refuse("the token may hold letters, digits and signs of ASCII, and no space")
    stop = stop_signal()
    try:
        monitor = Monitor(args.host, args.port, args.runs, token, args.verbose)
        raise_descriptor_limit()
        monitor.start()
    except TokenRequiredError:
        return _refuse(
            f"listening on {args.host!r} lets other machines in, so a token is needed: set "
            f"{TOKEN_VARIABLE}, or leave --host at 127.0.0.1"
        )
    except OSError as error:
        return _refuse(_advice(error, args))
    try:
        _greet(monitor, token is not None)
        stop.recv(1)
    finally:
        monitor.close()
    return 0


def _greet(monitor: Monitor, with_token: bool) -> None:
    token = " ARGUS_TOKEN=<the token>" if with_token else ""
    print(
        f"Argus monitor listening on {monitor.url}, keeping runs in {monitor.runs}\n"
        f"Point a reporter at it:  ARGUS_URL={monitor.url}{token} python train.py\n"
        f"Look at the runs:        {monitor.url}/",
        flush=True,
    )


def stop_signal() -> socket.socket:
    """A socket that becomes readable on SIGINT and SIGTERM.

    A wait for a lock could not be interrupted on Windows; a socket that the signal itself writes
    to wakes on every system.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return reader


def raise_descriptor_limit() -> None:
    """Room for a connection of each reporter: macOS gives a process 256 descriptors."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _advice(error: OSError, args: argparse.Namespace) -> str:
    from argus.server.store import RunsInUseError

    if isinstance(error, RunsInUseError):
        return f"{error}: stop it, or choose another directory with --runs"
    if error.filename is not None:
        return f"cannot keep runs in {args.runs}: {error.strerror}: choose another with --runs"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {args.port} on {args.host} is in use: stop what listens there, or choose "
            "another with --port (0 picks a free one)"
        )
    return f"cannot listen on {args.host} port {args.port}: {error.strerror or error}"


def _refuse(message: str) -> int:
    print(f"argus serve: {message}", file=sys.stderr)
    return 2
