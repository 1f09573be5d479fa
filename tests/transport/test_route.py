from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys

import pytest

from argus.transport.address import EVENTS_PATH, Address
from argus.transport.route import Proxy, proxy_for, tls_context
from tests.platform.peers import CA_FILE, StandIn
from tests.platform.peers import Proxy as ProxyProcess
from tests.platform.subprocesses import ROOT
from tests.transport.exchanges import (
    TIMEOUT_S,
    TOKEN,
    batch,
    failure_of,
    form_of,
    reply_of,
    send,
)

HTTP = Address.parse("http://platform.example:8000")
HTTPS = Address.parse("https://platform.example")


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


# Which proxy


def test_without_a_proxy_in_the_environment_the_way_is_straight(complaints):
    assert proxy_for(HTTP, complaints.append) is None
    assert complaints == []


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("proxy.example", 3128, None)),
        ("proxy.example:3128/", Proxy("proxy.example", 3128, None)),
        ("HTTP://proxy.example", Proxy("proxy.example", 80, None)),
        ("http://[::1]:3128", Proxy("::1", 3128, None)),
        ("http://ann:s3:cret@p:1", Proxy("p", 1, basic("ann:s3:cret"))),
        ("http://a%40b:%2f%C3%BC@p:1", Proxy("p", 1, basic("a@b:/ü"))),
        ("http://ann@p:1", Proxy("p", 1, basic("ann:"))),
    ],
)
def test_a_proxy_is_taken_apart(monkeypatch, complaints, url, proxy):
    monkeypatch.setenv("HTTP_PROXY", url)
    assert proxy_for(HTTP, complaints.append) == proxy
    assert complaints == []


def test_each_scheme_has_its_own_proxy(monkeypatch, complaints):
    monkeypatch.setenv("http_proxy", "http://one:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://two:2")
    found = [proxy_for(address, complaints.append) for address in (HTTP, HTTPS)]
    assert found == [Proxy("one", 1, None), Proxy("two", 2, None)]


@pytest.mark.parametrize(
    "url",
    [
        *("socks5://p:1080", "https://p:443", "http://", "http://p:x", "http://p:99999"),
        *("http://ann:s3cret[@p:1", "http://ann:s3/cret@p:1", "http://ann:s3cret@p\u2100:1"),
    ],
)
def test_a_proxy_that_is_not_spoken_is_complained_about_without_its_password(
    monkeypatch, complaints, url
):
    monkeypatch.setenv("HTTPS_PROXY", url)
    assert proxy_for(HTTPS, complaints.append) is None
    assert complaints == ["HTTPS_PROXY names a proxy that is not spoken here; not used"]


@pytest.mark.parametrize(
    ("no_proxy", "bypassed"),
    [
        ("platform.example", True),
        ("other.example, .example", True),
        ("platform.example:8000", True),
        ("*", True),
        ("platform.example:8001", False),
        ("form.example", False),
    ],
)
def test_no_proxy_names_hosts_that_are_reached_straight(
    monkeypatch, complaints, no_proxy, bypassed
):
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(HTTP, complaints.append) is None) == bypassed


def test_no_repr_shows_a_proxys_password():
    assert repr(Proxy("p", 1, basic("ann:s3cret"))) == "Proxy(p:1)"


# Through a proxy


def test_http_goes_through_a_proxy_in_absolute_form(monkeypatch, connect, stand_in, proxy):
    proxy.set(forward_to=f"127.0.0.1:{stand_in.port}")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    client = connect("http://no-such-host.invalid:8000/")
    assert [reply_of(send(client)).status for _ in range(2)] == [200, 200]
    asked = proxy.requests()
    assert [(r["method"], r["path"]) for r in asked] == [
        ("POST", f"http://no-such-host.invalid:8000{EVENTS_PATH}")
    ] * 2
    assert asked[0]["headers"]["host"] == "no-such-host.invalid:8000"
    assert "proxy-authorization" not in asked[0]["headers"]
    assert len(stand_in.events()) == 2


def test_https_goes_through_a_tunnel_that_does_not_see_the_token(
    monkeypatch, connect, tls_platform: StandIn, proxy: ProxyProcess
):
    proxy.set(auth="ann:s3cret", forward_to=f"127.0.0.1:{tls_platform.port}")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ann:s3cret@"))
    client = connect("https://localhost/", [CA_FILE])
    assert [reply_of(send(client)).status for _ in range(2)] == [200, 200]
    [tunnel] = proxy.requests()
    assert (tunnel["method"], tunnel["path"]) == ("CONNECT", "localhost:443")
    assert tunnel["headers"] == {
        "host": "localhost:443",
        "proxy-authorization": basic("ann:s3cret"),
    }
    [request, _] = tls_platform.requests()
    assert request["headers"]["authorization"] == f"Bearer {TOKEN}"
    assert "proxy-authorization" not in request["headers"]


def test_an_ipv6_address_is_in_brackets_for_a_proxy(
    monkeypatch, connect, tls_platform: StandIn, proxy: ProxyProcess
):
    proxy.set(forward_to=f"127.0.0.1:{tls_platform.port}")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert reply_of(send(connect("https://[::1]", [CA_FILE]))).status == 200
    assert proxy.requests()[0]["path"] == "[::1]:443"


def test_a_proxy_gets_its_password_and_a_wrong_one_is_told(monkeypatch, connect, stand_in, proxy):
    proxy.set(auth="ann:s3cret")
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ann:s3cret@"))
    assert reply_of(send(connect(stand_in.url))).status == 200
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ann:wrong@"))
    assert reply_of(send(connect(stand_in.url))).status == 407
    assert len(stand_in.events()) == 1


def test_a_proxy_that_refuses_is_an_answer_for_http_and_a_failure_for_https(
    monkeypatch, connect, stand_in, tls_platform: StandIn, proxy: ProxyProcess
):
    proxy.set(refuse=403)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ann:s3cret@"))
    assert reply_of(send(connect(stand_in.url))).status == 403
    failure = failure_of(send(connect(tls_platform.url, [CA_FILE])))
    assert failure.reason == "ConnectionError: the proxy answered 403 to CONNECT"
    assert stand_in.requests() == tls_platform.requests() == []


def test_a_proxy_that_is_not_there_is_a_failure(monkeypatch, connect, stand_in, proxy):
    monkeypatch.setenv("HTTP_PROXY", "http://no-such-proxy.invalid:3128")
    assert "gaierror" in failure_of(send(connect(stand_in.url))).reason


def test_an_upload_goes_through_a_tunnel(monkeypatch, connect, tls_platform: StandIn, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    client = connect(tls_platform.url, [CA_FILE])
    with form_of(3_000_000) as form:
        answer = client.request("POST", "/api/jobs/unknown/artifacts", form, TIMEOUT_S)
    assert reply_of(answer).status == 404
    assert tls_platform.requests()[0]["body_bytes"] == form.size


# Whom to trust


def test_a_platform_with_a_trusted_certificate_is_spoken_to(
    connect, complaints, tls_platform: StandIn
):
    client = connect(tls_platform.url, [CA_FILE])
    assert [reply_of(send(client)).status for _ in range(3)] == [200] * 3
    assert tls_platform.stats()["connections"] == 1
    assert complaints == []


def test_a_bundle_is_trusted_beside_the_systems_authorities():
    alone = tls_context((), pytest.fail).cert_store_stats()["x509_ca"]
    more = tls_context((CA_FILE,), pytest.fail).cert_store_stats()["x509_ca"]
    assert more == alone + 1


@pytest.mark.parametrize(
    ("tls", "ca_bundles", "reason"),
    [
        ("expired", [CA_FILE], "certificate has expired"),
        ("wrong_host", [CA_FILE], "certificate is not valid for '127.0.0.1'"),
        ("good", [], "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_a_failure_with_advice(
    connect, tls: str, ca_bundles, reason: str
):
    with StandIn(tls=tls) as platform:
        failure = failure_of(send(connect(platform.url, ca_bundles)))
        assert reason in failure.reason
        assert failure.advice is not None
        assert reason in failure.advice
        assert "ARGUS_CA_BUNDLE" in failure.advice
        assert platform.requests() == []


def test_a_ca_file_that_cannot_be_used_is_complained_about_and_the_others_are_used(
    connect, complaints, tls_platform: StandIn, tmp_path
):
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.touch()
    bundles = [str(missing), str(empty), CA_FILE]
    assert reply_of(send(connect(tls_platform.url, bundles))).status == 200
    assert len(complaints) == 2
    assert f"the CA file {missing} cannot be used" in complaints[0]


def test_old_versions_of_tls_are_not_spoken():
    context = tls_context((), pytest.fail)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_ssl_cert_file_is_honoured(tls_platform: StandIn):
    script = """
import json, sys
from argus.transport.address import EVENTS_PATH, Address
from argus.transport.client import HttpClient

client = HttpClient(Address.parse(sys.argv[1]), None, (), print, lambda _: None)
answer = client.request("POST", EVENTS_PATH, sys.stdin.buffer.read(), 10.0)
print(json.dumps(answer[0]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tls_platform.url],
        cwd=ROOT,
        env={**os.environ, "SSL_CERT_FILE": CA_FILE},
        input=batch(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == 200
