"""The settings that hold here, and where each comes from: argument, environment, file, default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from argus.core.settings import BACKUP, DISABLED, ONLINE, Settings, filed_keys, resolve
from argus.inspection.finding import FAIL, OK, WARN, Finding

SECTION = "settings"
FILE = "configs/monitor.yaml"

_TURN_ON = "set ARGUS_URL to your platform's address, as ARGUS_URL=http://localhost:8000"


class Given(NamedTuple):
    """What a run would be told: two arguments, the environment, and the text of the file."""

    url: Optional[str]
    token: Optional[str]
    environ: Mapping[str, str]
    file_text: Optional[str]

    def settings(self) -> Settings:
        """As a Reporter resolves them."""
        return resolve(self.url, self.token, self.environ, self.file_text)


def settings_findings(given: Given, file_path: str) -> Iterator[Finding]:
    """A line for each setting, for the file, and for each thing that is wrong with them."""
    settings = given.settings()
    yield _mode(given, settings)
    shown = {
        "url": settings.url,
        "token": "set, and not shown" if settings.token else None,
        "runs_dir": settings.runs_dir,
        "state_dir": settings.state_dir,
        "batch_id": settings.batch_id,
        "exit_timeout": f"{settings.exit_timeout_s:g} s",
    }
    for key, value in shown.items():
        origin = origin_of(given, key)
        if value is not None:
            yield Finding(SECTION, key, OK, value, origin=origin)
        elif key in ("url", "token"):
            yield Finding(SECTION, key, OK, "none", origin=origin)
    for path in settings.ca_bundles:
        named = given.environ.get("REQUESTS_CA_BUNDLE", "").strip() == path
        origin = "REQUESTS_CA_BUNDLE" if named else origin_of(given, "ca_bundle")
        yield Finding(SECTION, "ca_bundle", OK, path, origin=origin)
    found = "not there, and not needed" if given.file_text is None else "read"
    yield Finding(SECTION, "file", OK, f"{file_path}: {found}")
    for complaint in settings.complaints:
        yield Finding(SECTION, "mistake", WARN, complaint, advice="put it right, or take it out")


def origin_of(given: Given, key: str) -> str:
    """Who is the first to name a setting."""
    if {"url": given.url, "token": given.token}.get(key):
        return f"--{key}"
    variable = f"ARGUS_{key.upper()}"
    if given.environ.get(variable, "").strip():
        return variable
    return FILE if key in filed_keys(given.file_text) else "default"


def _mode(given: Given, settings: Settings) -> Finding:
    if settings.mode == ONLINE:
        return Finding(SECTION, "mode", OK, ONLINE, origin=origin_of(given, "mode"))
    for key in ("disable", "mode"):
        origin = origin_of(given, key)
        if settings.mode == DISABLED and origin != "default":
            text = f"{DISABLED}: nothing is reported"
            return Finding(SECTION, "mode", FAIL, text, f"take {key} out of {origin}", origin)
    if settings.mode == BACKUP:
        text = f"{BACKUP}: runs are kept on disk, and nothing is sent"
        return Finding(SECTION, "mode", FAIL, text, _backup_advice(given), origin_of(given, "mode"))
    return Finding(SECTION, "mode", FAIL, f"{DISABLED}: no platform is named", _TURN_ON, "default")


def _backup_advice(given: Given) -> str:
    origin = origin_of(given, "mode")
    if origin == "default":  # a runs directory, and no platform
        return f"where that is not meant, {_TURN_ON}"
    return f"where that is not meant, take mode out of {origin}"
