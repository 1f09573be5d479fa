"""The way to the platform: reached, trusted, let in. Nothing that is asked makes an event."""

from __future__ import annotations

import json
import os
import ssl
import statistics
import time
from collections.abc import Iterator
from typing import Any, Optional

from argus.core.http_date import parse_http_date
from argus.core.jsonl import parsed_object
from argus.core.redact import redacted
from argus.core.settings import Settings
from argus.core.verdicts import Answer, NetworkFailure, Reply, judge
from argus.delivery.trust import trust
from argus.inspection.finding import FAIL, OK, WARN, Finding
from argus.transport.address import EVENTS_PATH, Address, stop_path
from argus.transport.client import HttpClient
from argus.transport.route import Proxy, proxy_for

SECTION = "platform"

_TIMEOUT_S = 10.0
_ROUND_TRIPS = 5
_SLOW_S = 1.0
_SKEW_S = 5.0  # a Date has whole seconds, and takes its time to come
_DAY_S = 86_400.0
_EXPIRY_S = 14 * _DAY_S
_ADVICE = {
    "ConnectionRefusedError": "nobody listens there: start the platform (argus serve is one), or "
    "check host and port in ARGUS_URL",
    "gaierror": "no such host is known here: check ARGUS_URL, and the network",
    "TimeoutError": "nobody answers: check the port in ARGUS_URL, a firewall, and HTTPS_PROXY",
    "SSLError": "it speaks no TLS there: check https:// and the port in ARGUS_URL",
    "BadAnswerError": "what answers there is no HTTP server: check the port in ARGUS_URL, and "
    "whether it wants https://",
}


def platform_findings(settings: Settings) -> Iterator[Finding]:
    """What stands between a run and the platform, in the order in which a request meets it."""
    if settings.url is None:
        yield Finding(SECTION, "reached", OK, "not asked: nothing is sent with these settings")
        return
    complaints: list[str] = []
    try:
        address = Address.parse(settings.url)
    except ValueError as error:
        yield Finding(SECTION, "reached", FAIL, f"{settings.url}: {error}", "check ARGUS_URL")
        return
    proxy = proxy_for(address, complaints.append)
    yield _proxy_finding(address, proxy)
    context = trust(settings, complaints.append)
    client = HttpClient(address, settings.token, context, complaints.append, lambda _: None)
    try:
        yield from _asked(client, address, settings.token is not None, proxy is not None)
    finally:
        client.close()
    for complaint in dict.fromkeys(complaints):
        yield Finding(SECTION, "mistake", WARN, complaint, advice="put it right, or take it out")


def _proxy_finding(address: Address, proxy: Proxy | None) -> Finding:
    if proxy is None:
        return Finding(SECTION, "proxy", OK, "none")
    advice = f"where it should not be asked, add {address.host} to NO_PROXY"
    return Finding(SECTION, "proxy", OK, f"{proxy.host}:{proxy.port}; {advice}")


def _asked(
    client: HttpClient, address: Address, has_token: bool, by_proxy: bool
) -> Iterator[Finding]:
    """The first answer tells whether there is a way; only then is more asked."""
    made_up = stop_path(f"doctor-{os.urandom(6).hex()}")  # of which nobody can know
    times_s: list[float] = []

    def ask() -> tuple[Answer, float]:
        began, wall = time.perf_counter(), time.time()
        answer = client.request("GET", made_up, None, _TIMEOUT_S)
        times_s.append(time.perf_counter() - began)
        return answer, wall + times_s[-1] / 2

    answer, _ = ask()
    if not isinstance(answer, Reply):
        yield Finding(
            SECTION, "reached", FAIL, redacted(answer.reason), _advice_on(answer, by_proxy)
        )
        return
    yield Finding(SECTION, "reached", OK, address.host_and_port)
    if address.scheme == "https":
        yield certificate_finding(client.certificate(), time.time())
    yield token_finding(answer, has_token)
    if answer.status in (401, 403):
        return
    events = client.request("POST", EVENTS_PATH, b'{"events": []}', _TIMEOUT_S)
    yield events_finding(events)
    times_s.clear()  # the first one had to connect
    for _ in range(_ROUND_TRIPS):
        answer, asked_at = ask()
    yield round_trip_finding(statistics.median(times_s))
    if isinstance(answer, Reply):
        yield clock_finding(answer.date, asked_at)
    yield _version(client.request("GET", "/health", None, _TIMEOUT_S))


def certificate_finding(certificate: dict[str, Any], now: float) -> Finding:
    """A certificate that was verified. One that was not ends the way before this."""
    until = certificate.get("notAfter")
    if not isinstance(until, str):
        return Finding(SECTION, "TLS", OK, "the certificate is trusted")
    left_s = ssl.cert_time_to_seconds(until) - now
    text = f"trusted, by {_name(certificate.get('issuer'))}, for {left_s / _DAY_S:.0f} more days"
    facts = {"not_after": until, "days_left": round(left_s / _DAY_S, 1)}
    if left_s < _EXPIRY_S:
        advice = "have whoever runs the platform renew its certificate"
        return Finding(SECTION, "TLS", WARN, text, advice, facts=facts)
    return Finding(SECTION, "TLS", OK, text, facts=facts)


def token_finding(answer: Reply, is_given: bool) -> Finding:
    """Who does not know the batch has let us ask; who does not let us in never looks."""
    if answer.status in (401, 403):
        said = judge(answer, [], 0.0).failure
        advice = "set ARGUS_TOKEN to a token of that platform with reporter scope"
        if not is_given:
            return Finding(
                SECTION, "token", FAIL, f"none is given, and one is needed ({said})", advice
            )
        advice = f"this one may be mistyped, expired, or of another platform: {advice}"
        return Finding(SECTION, "token", FAIL, f"refused ({said})", advice)
    if answer.status == 429:
        text = "not known: too many requests with it just now"
        return Finding(SECTION, "token", WARN, text, "ask again in a minute")
    if answer.status in (200, 404):
        return Finding(SECTION, "token", OK, "accepted" if is_given else "none is needed")
    said = judge(answer, [], 0.0).failure
    return Finding(SECTION, "token", WARN, f"not known ({said})", "ask again in a while")


def events_finding(answer: Answer) -> Finding:
    """The answer to a request without an event: a platform refuses it for that, and for nothing
    else."""
    if isinstance(answer, Reply):
        if answer.status in (400, 422):
            return Finding(SECTION, "events", OK, "it takes events")
        if answer.status == 429 or answer.status >= 500:
            text = f"not known (HTTP {answer.status})"
            return Finding(SECTION, "events", WARN, text, "ask again in a while: it is busy")
        if 200 <= answer.status < 300:
            advice = "check ARGUS_URL: a login page, or another kind of server, answers there"
            return Finding(SECTION, "events", FAIL, "no Argus platform answers there", advice)
    verdict = judge(answer, [], 0.0)
    text, advice = str(verdict.failure), verdict.halt or "ask again in a while"
    return Finding(SECTION, "events", FAIL, text, advice)


def round_trip_finding(seconds: float) -> Finding:
    """The median of some requests on one connection."""
    facts = {"round_trip_ms": round(seconds * 1e3, 3)}
    text = f"{seconds * 1e3:.1f} ms"
    if seconds < _SLOW_S:
        return Finding(SECTION, "round trip", OK, text, facts=facts)
    advice = "no run waits for it, but leaving the block takes longer: see ARGUS_EXIT_TIMEOUT"
    return Finding(SECTION, "round trip", WARN, text, advice, facts=facts)


def clock_finding(date: Optional[str], asked_at: float) -> Finding:
    """How far this machine's clock is from the platform's, which stamps its answers."""
    told = None if date is None else parse_http_date(date)
    if told is None:
        return Finding(SECTION, "clock", OK, "not known: the platform tells no time")
    ahead_s = asked_at - (told + 0.5)  # in the middle of its second
    facts = {"skew_s": round(ahead_s, 1)}
    if abs(ahead_s) < _SKEW_S:
        return Finding(SECTION, "clock", OK, "as the platform's", facts=facts)
    where = "ahead of" if ahead_s > 0 else "behind"
    text = f"{abs(ahead_s):.0f} s {where} the platform's"
    advice = "set this machine's clock (NTP): curves are ordered by time"
    return Finding(SECTION, "clock", WARN, text, advice, facts=facts)


def _version(answer: Answer) -> Finding:
    health = parsed_object(answer.body) if isinstance(answer, Reply) else None
    version = (health or {}).get("version")
    text = redacted(str(version))[:100] if version else "it does not say"
    return Finding(SECTION, "version", OK, text)


def _advice_on(failure: NetworkFailure, by_proxy: bool) -> str:
    kind = failure.reason.partition(":")[0]
    if by_proxy and kind in ("ConnectionRefusedError", "gaierror"):  # nobody else was asked yet
        return "the proxy is not there: check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
    return failure.advice or _ADVICE.get(kind) or "check ARGUS_URL, the network and a proxy"


def _name(names: Any) -> str:
    """The common name, or the organisation, of a subject or issuer as `ssl` tells it."""
    told = {key: value for part in names or () for key, value in part}
    return json.dumps(told.get("commonName") or told.get("organizationName") or "somebody")
