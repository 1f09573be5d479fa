"""`files/` of a kept run: what its code, packages, machine and configuration were, for a person.

The facts are those of the `env_snapshot`, under the same names, a file for each kind; the patch of
what was not committed is here alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argus.core.events import encode_data
from argus.rundir import files

FILES = "files"
GIT = "git.json"
PACKAGES = "packages.txt"
SYSTEM = "system.json"
CONFIG = "config.json"
DIFF = "diff.patch"

_OF_GIT = "git_"


def contents(facts: Mapping[str, Any], diff: bytes | None) -> dict[str, bytes]:
    """The files of a run by name. What nobody knows has none."""
    of_git = {name: value for name, value in facts.items() if name.startswith(_OF_GIT)}
    elsewhere = {*of_git, "pip_freeze", "config"}
    system = {name: value for name, value in facts.items() if name not in elsewhere}
    packages, config = facts.get("pip_freeze"), facts.get("config")
    documents = {GIT: of_git or None, SYSTEM: system or None, CONFIG: config}
    found = {name: _document(value) for name, value in documents.items() if value is not None}
    if packages is not None:
        found[PACKAGES] = "".join(f"{line}\n" for line in packages).encode("utf-8", "replace")
    if diff is not None:
        found[DIFF] = diff
    return found


def write(run_directory: Path, content: Mapping[str, bytes]) -> None:
    """Write the files, each whole or not at all. Raises OSError where the disk refuses."""
    directory = run_directory / FILES
    files.make_inner_dir(directory)
    for name, data in content.items():
        files.replace(directory / name, data, private=False, durable=False)


def _document(value: dict[str, Any]) -> bytes:
    # Strict first, as events are: a NaN is a text here too.
    document = json.loads(encode_data(value))
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
