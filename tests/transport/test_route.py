from __future__ import annotations

import base64
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import argus
from argus.transport.address import EVENTS_PATH, Address
from argus.transport.route import Proxy, proxy_for
from tests.platform.peers import CA_FILE, StandIn
from tests.platform.peers import Proxy as ProxyProcess
from tests.transport.exchanges import (
    TIMEOUT_S,
    TOKEN,
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
        ("http://proxy.example:3128", ("proxy.example", 3128, None)),
        ("proxy.example:3128/", ("proxy.example", 3128, None)),
        ("HTTP://proxy.example", ("proxy.example", 80, None)),
        ("http://[::1]:3128", ("::1", 3128, None)),
        ("http://ann:s3:cret@p:1", ("p", 1, basic("ann:s3:cret"))),
        ("http://a%40b:%2f%C3%BC@p:1", ("p", 1, basic("a@b:/ü"))),
        ("http://ann@p:1", ("p", 1, basic("ann:"))),
    ],
)
def test_a_proxy_is_taken_apart(monkeypatch, complaints, url, proxy):
    monkeypatch.setenv("HTTP_PROXY", url)
    found = proxy_for(HTTP, complaints.append)
    assert found is not None
    authorization = found.authorization.reveal() if found.authorization else None
    assert (found.host, found.port, authorization) == proxy
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


@pytest.mark.parametrize(
    ("no_proxy", "host", "bypassed"),
    [
        ("10.0.0.0/8", "10.2.3.4", True),
        ("10.0.0.0/8,127.0.0.1", "127.0.0.1", True),
        ("10.0.0.0/8", "11.2.3.4", False),
        ("10.0.0.0/8", "ten.example", False),
        ("10.2.3.4/8", "10.9.9.9", True),
        ("fd00::/8", "[fd12::1]", True),
        ("::1", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("10.2.3.4", "110.2.3.4", False),
        ("x/y 1/2/3 / .. *. , ,", "127.0.0.1", False),
    ],
)
def test_no_proxy_names_addresses_and_ranges_of_them(
    monkeypatch, complaints, no_proxy, host, bypassed
):
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    address = Address.parse(f"http://{host}:8000")
    assert (proxy_for(address, complaints.append) is None) == bypassed


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({"HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:1"}, "lower"),
        ({"HTTP_PROXY": "http://upper:1", "http_proxy": ""}, None),
        ({"Http_Proxy": "http://mixed:1"}, "mixed"),
        ({"ALL_PROXY": "http://all:1"}, "all"),
        ({"ALL_PROXY": "socks5://all:1", "http_proxy": "http://http:1"}, "http"),
        ({"ALL_PROXY": "http://all:1", "NO_PROXY": ".example"}, None),
        ({"HTTP_PROXY": "http://upper:1", "REQUEST_METHOD": "GET"}, None),  # CVE-2016-1000110
        ({"http_proxy": "http://lower:1", "REQUEST_METHOD": "GET"}, "lower"),
        ({"HTTPS_PROXY": "http://upper:1", "FTP_PROXY": "http://upper:1"}, None),
    ],
)
def test_of_several_variables_one_counts(monkeypatch, complaints, variables, host):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(HTTP, complaints.append)
    assert (found.host if found else None) == host


def test_no_repr_shows_a_proxys_password(monkeypatch, complaints):
    monkeypatch.setenv("HTTP_PROXY", "http://ann:s3cret@p:1")
    shown = repr(proxy_for(HTTP, complaints.append))
    assert "s3cret" not in shown
    assert basic("ann:s3cret").split()[1] not in shown


def test_this_machine_itself_is_asked_for_at_a_proxy_where_curl_does_so(
    monkeypatch, connect, stand_in: StandIn, proxy: ProxyProcess
):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl to compare with")
    port = stand_in.port
    urls = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
    exempt = ["", "*", "localhost", "127.0.0.1", "calhost", "::1"]
    monkeypatch.setenv("http_proxy", proxy.url)
    for url, no_proxy in itertools.product(urls, exempt):
        monkeypatch.setenv("no_proxy", no_proxy)
        proxy.reset()
        subprocess.run([curl, "-s", "-m", "10", url], stdout=subprocess.DEVNULL, check=True)
        curl_asked = len(proxy.requests())
        reply_of(send(connect(url)))
        assert len(proxy.requests()) == 2 * curl_asked, (url, no_proxy)


def test_urllib_request_is_not_loaded_for_proxies_of_the_environment(monkeypatch):
    if sys.platform in ("darwin", "win32"):
        pytest.skip("this system has proxies of its own")
    script = """
import sys
from argus.transport.address import Address
from argus.transport.route import proxy_for
print(proxy_for(Address.parse("http://h"), print).port, "urllib.request" in sys.modules)
"""
    monkeypatch.setenv("HTTP_PROXY", "http://p:3128")
    command = [sys.executable, "-S", "-c", script]
    environ = {**os.environ, "PYTHONPATH": str(Path(argus.__file__).parents[1])}
    done = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"3128", b"False"]


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
