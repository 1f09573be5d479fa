"""The way to a platform: what each answer means, and real platforms that are asked."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from argus.core.settings import Settings, resolve
from argus.core.verdicts import NetworkFailure, Reply
from argus.inspection.finding import FAIL, OK, WARN, Finding
from argus.inspection.link import (
    certificate_finding,
    clock_finding,
    events_finding,
    platform_findings,
    round_trip_finding,
    token_finding,
)
from tests.environment import clean_environment
from tests.platform.peers import CA_FILE, MonitorProcess, Proxy, StandIn, free_port

__all__ = ["clean_environment"]

TOKEN = "em_live_doctor-1"


def asked(url: str, token: str | None = TOKEN, **environ: str) -> dict[str, Finding]:
    settings: Settings = resolve(url, token, environ, None)
    findings = list(platform_findings(settings))
    assert TOKEN not in str(findings)
    return {finding.name: finding for finding in findings}


def marks(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.mark for name, finding in found.items()}


# Deciding


@pytest.mark.parametrize(
    ("status", "is_given", "mark", "text"),
    [
        (404, True, OK, "accepted"),
        (200, False, OK, "none is needed"),
        (401, True, FAIL, "refused"),
        (403, True, FAIL, "refused"),
        (401, False, FAIL, "none is given, and one is needed"),
        (429, True, WARN, "not known"),
        (500, True, WARN, "not known"),
    ],
)
def test_a_token_is_told_by_who_is_let_in(status: int, is_given: bool, mark: str, text: str):
    finding = token_finding(Reply(status), is_given)
    assert finding.mark == mark
    assert finding.text.startswith(text)
    assert (finding.advice is None) == (mark == OK)


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        (Reply(422, b"{}"), OK),
        (Reply(400), OK),
        (Reply(429), WARN),
        (Reply(503), WARN),
        (Reply(200, b"<html>"), FAIL),
        (Reply(404), FAIL),
        (Reply(403), FAIL),
        (Reply(302, redirect="http://login/"), FAIL),
        (NetworkFailure("reset"), FAIL),
    ],
)
def test_only_a_platform_refuses_a_request_without_events(answer: Any, mark: str):
    finding = events_finding(answer)
    assert finding.mark == mark
    assert (finding.advice is None) == (mark == OK)


@pytest.mark.parametrize(("days", "mark"), [(90.0, OK), (3.0, WARN)])
def test_a_certificate_that_ends_soon_is_told(days: float, mark: str):
    issuer = ((("countryName", "XX"),), (("commonName", "Our CA"),))
    now = 1_777_000_000.0
    until = formatdate(now + days * 86_400, usegmt=True)[5:].split()
    not_after = f"{until[1]} {until[0]} {until[3]} {until[2]} GMT"
    finding = certificate_finding({"issuer": issuer, "notAfter": not_after}, now)
    assert finding.mark == mark
    assert finding.text == f'trusted, by "Our CA", for {days:.0f} more days'


@pytest.mark.parametrize(
    ("ahead_s", "mark", "text"),
    [
        (0.0, OK, "as the platform's"),
        (-4.0, OK, "as the platform's"),
        (120.0, WARN, "120 s ahead of the platform's"),
        (-60.0, WARN, "60 s behind the platform's"),
    ],
)
def test_a_clock_that_is_wrong_is_told(ahead_s: float, mark: str, text: str):
    finding = clock_finding(formatdate(1_777_000_000, usegmt=True), 1_777_000_000.5 + ahead_s)
    assert (finding.mark, finding.text) == (mark, text)


@pytest.mark.parametrize("date", [None, "today"])
def test_a_platform_that_tells_no_time_is_no_trouble(date: str | None):
    assert clock_finding(date, 0.0).mark == OK


def test_a_slow_round_trip_is_told():
    assert (round_trip_finding(0.012).mark, round_trip_finding(0.012).text) == (OK, "12.0 ms")
    assert round_trip_finding(3.0).mark == WARN


# Asking


def test_a_monitor_with_a_token_is_as_it_should_be(tmp_path):
    with MonitorProcess(tmp_path / "runs", token=TOKEN) as monitor:
        good = asked(monitor.url)
        bad = asked(monitor.url, token="em_live_other")
    names = ["proxy", "reached", "token", "events", "round trip", "clock", "version"]
    assert marks(good) == dict.fromkeys(names, OK)
    assert good["clock"].text == "as the platform's", "which tells its time"
    assert marks(bad) == {"proxy": OK, "reached": OK, "token": FAIL}
    assert list((tmp_path / "runs").glob("*/*")) == [], "nothing was reported"


def test_what_is_asked_makes_no_event(stand_in: StandIn):
    assert FAIL not in marks(asked(stand_in.url)).values()
    assert stand_in.stats()["events"] == 0
    paths = [request["path"].partition("doctor-")[0] for request in stand_in.requests()]
    assert sorted(set(paths)) == ["/api/batches/", "/api/events/batch", "/health"]


def test_a_page_that_says_200_to_everything_is_no_platform(stand_in: StandIn):
    stand_in.mode("html")
    assert marks(asked(stand_in.url))["events"] == FAIL


def test_nobody_there_says_what_to_do(stand_in: StandIn):
    stand_in.kill()
    found = asked(stand_in.url)
    assert marks(found) == {"proxy": OK, "reached": FAIL}
    assert "nobody listens there" in (found["reached"].advice or "")


def test_a_certificate_is_shown_where_it_is_trusted(monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with StandIn(tls="good") as platform:
        good = asked(platform.url, ARGUS_CA_BUNDLE=CA_FILE)
        unknown = asked(platform.url)
        missing = asked(platform.url, ARGUS_CA_BUNDLE="/missing.pem")
    assert good["TLS"].mark == OK
    assert good["TLS"].text.startswith("trusted, by ")
    assert marks(unknown) == {"proxy": OK, "reached": FAIL}
    assert "ARGUS_CA_BUNDLE" in (unknown["reached"].advice or "")
    assert "/missing.pem cannot be used" in missing["mistake"].text


def test_a_proxy_is_told_without_its_password(stand_in: StandIn, proxy: Proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://ann:hunter2@127.0.0.1:{proxy.port}")
    found = asked(stand_in.url)
    assert found["proxy"].text.startswith(f"127.0.0.1:{proxy.port}")
    assert "hunter2" not in str(found)
    assert FAIL not in marks(found).values()
    assert proxy.requests()


def test_a_proxy_that_is_not_there_is_told_from_a_platform_that_is_not(
    stand_in: StandIn, monkeypatch
):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    found = asked(stand_in.url)
    assert marks(found) == {"proxy": OK, "reached": FAIL}
    assert "the proxy is not there" in (found["reached"].advice or "")


def test_where_nothing_is_sent_nothing_is_asked(stand_in: StandIn):
    assert marks(asked(stand_in.url, ARGUS_MODE="backup")) == {"reached": OK}
    assert stand_in.stats()["requests"] == 0


def test_an_address_that_is_none_is_told():
    assert marks(asked(f"http://{'ü' * 70}.org")) == {"reached": FAIL}
