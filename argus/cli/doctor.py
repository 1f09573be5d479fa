"""`argus doctor`: says whether a run started here would report, and what to do where not."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from argus.cli.platform import add_platform_arguments
from argus.cli.terminal import say

if TYPE_CHECKING:
    from argus.inspection.finding import Finding

_DESCRIPTION = """\
Look at everything that a run started in this directory would depend on: settings and where each
comes from, the platform, its certificate and token, places on disk, what earlier runs have left.
Nothing is reported.
"""
_EXAMPLES = """\
examples:
  argus doctor                                     with the settings of this shell and directory
  argus doctor --url https://argus.example.org     another platform
  srun --pty argus doctor                          from a compute node: its network and clock count
  argus doctor --json | jq '.findings[] | select(.mark != "ok")'

exit code: 0 only where a run would report, 1 otherwise.
"""
_COLOURS = {"ok": "32", "warn": "33", "FAIL": "31;1"}


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="say whether a run here would report, and why not",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_platform_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Look at all of it. 0 where a run would report, else 1."""
    from argus.inspection.finding import would_report

    findings: list[Finding] = []
    show = Shown(sys.stdout, os.environ)
    for section in sections(args):
        for finding in section():
            findings.append(finding)
            if not args.json:
                show.finding(finding)  # at once: the platform may keep us waiting
    reports = would_report(findings)
    if args.json:
        documents = [finding._asdict() for finding in findings]
        print(json.dumps({"would_report": reports, "findings": documents}, indent=1))
    else:
        show.end(reports)
    return 0 if reports else 1


def sections(args: argparse.Namespace) -> list[Callable[[], Iterable[Finding]]]:
    """What is looked at, in this order. Each gives its findings, and raises nothing."""
    from argus.arguments import settings_file, settings_file_path
    from argus.inspection.link import platform_findings
    from argus.inspection.origins import Given, settings_findings
    from argus.inspection.places import disk_findings
    from argus.inspection.versions import version_findings

    given = Given(args.url, args.token, os.environ, settings_file())
    settings = given.settings()
    return [
        lambda: settings_findings(given, settings_file_path()),
        lambda: platform_findings(settings),
        lambda: disk_findings(settings, time.time()),
        version_findings,
    ]


class Shown:
    """Lines for a person, aligned; coloured on a terminal (NO_COLOR is honoured, no-color.org)."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        dull = environ.get("TERM") == "dumb" or environ.get("NO_COLOR") or sys.platform == "win32"
        self._colour = stream.isatty() and not dull
        self._section = ""

    def finding(self, finding: Finding) -> None:
        """Show one, under the name of its section."""
        if finding.section != self._section:
            say(self._stream, f"{chr(10) if self._section else ''}{finding.section}")
            self._section = finding.section
        origin = f"  ({finding.origin})" if finding.origin else ""
        mark = self._painted(finding.mark, f"{finding.mark:<4}")
        say(self._stream, f"  {mark}  {finding.name:<12}  {_one_line(finding.text)}{origin}")
        if finding.advice:
            say(self._stream, f"{'':22}-> {_one_line(finding.advice)}")

    def end(self, reports: bool) -> None:
        """Show what it comes to."""
        text = "a run here would report" if reports else "a run here would not report: see FAIL"
        say(self._stream, f"\n{self._painted('ok' if reports else 'FAIL', text)}")

    def _painted(self, mark: str, text: str) -> str:
        return f"\x1b[{_COLOURS[mark]}m{text}\x1b[0m" if self._colour else text


def _one_line(text: str) -> str:
    """What others have said may hold anything, escape sequences too."""
    return "".join(char if char.isprintable() else " " for char in text)
