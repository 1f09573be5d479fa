"""Each setting with its origin, and each mistake with what to do."""

from __future__ import annotations

import pytest

from argus.inspection.finding import FAIL, Finding, would_report
from argus.inspection.origins import FILE, Given, origin_of, settings_findings

URL = "http://platform.example:8000"


def found(given: Given) -> dict[str, Finding]:
    return {
        finding.name: finding for finding in settings_findings(given, "/home/ann/configs/m.yaml")
    }


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        (Given(URL, None, {"ARGUS_URL": "http://x"}, "url: http://y"), "--url"),
        (Given(None, None, {"ARGUS_URL": URL}, "url: http://y"), "ARGUS_URL"),
        (Given(None, None, {"ARGUS_URL": " "}, f"url: {URL}"), FILE),
    ],
)
def test_the_first_who_names_a_setting_is_told(given: Given, origin: str) -> None:
    assert (found(given)["url"].text, found(given)["url"].origin) == (URL, origin)
    assert origin_of(given, "exit_timeout") == "default"


def test_all_settings_of_a_run_and_never_the_token() -> None:
    environ = {
        "ARGUS_TOKEN": "em_live_secret",
        "ARGUS_RUNS_DIR": "/runs",
        "ARGUS_STATE_DIR": "/state",
        "ARGUS_BATCH_ID": "b",
        "ARGUS_EXIT_TIMEOUT": "2.5",
        "ARGUS_CA_BUNDLE": "/ca.pem",
        "REQUESTS_CA_BUNDLE": "/more.pem",
    }
    given = Given(URL, None, environ, "colour: red\nmode: online")
    findings = list(settings_findings(given, "/home/ann/configs/m.yaml"))

    assert [(one.name, one.text, one.origin) for one in findings[:-1]] == [
        ("mode", "online", FILE),
        ("url", URL, "--url"),
        ("token", "set, and not shown", "ARGUS_TOKEN"),
        ("runs_dir", "/runs", "ARGUS_RUNS_DIR"),
        ("state_dir", "/state", "ARGUS_STATE_DIR"),
        ("batch_id", "b", "ARGUS_BATCH_ID"),
        ("exit_timeout", "2.5 s", "ARGUS_EXIT_TIMEOUT"),
        ("ca_bundle", "/ca.pem", "ARGUS_CA_BUNDLE"),
        ("ca_bundle", "/more.pem", "REQUESTS_CA_BUNDLE"),
        ("file", "/home/ann/configs/m.yaml: read", None),
    ]
    assert findings[-1].text == "configs/monitor.yaml: line 1 is not understood and ignored"
    assert would_report(findings)
    assert "em_live_secret" not in str(findings)


@pytest.mark.parametrize(
    ("given", "text", "advice"),
    [
        (Given(None, None, {}, None), "disabled: no platform is named", "set ARGUS_URL"),
        (Given(URL, None, {"ARGUS_DISABLE": "1"}, None), "disabled", "take disable out of ARGUS_D"),
        (Given(URL, None, {}, "mode: disabled"), "disabled", f"take mode out of {FILE}"),
        (Given(URL, None, {"ARGUS_MODE": "backup"}, None), "backup", "take mode out of ARGUS_MODE"),
        (Given(None, None, {"ARGUS_RUNS_DIR": "r"}, None), "backup", "set ARGUS_URL"),
        (Given("ftp://x", None, {}, None), "disabled: no platform is named", "set ARGUS_URL"),
    ],
)
def test_what_keeps_a_run_from_reporting_says_what_to_do(given: Given, text: str, advice) -> None:
    mode = found(given)["mode"]
    assert mode.mark == FAIL
    assert mode.text.startswith(text)
    assert advice in (mode.advice or "")
