"""The peers as processes: they are killed, come back, speak TLS; and the proxy."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
from typing import Optional

import pytest

from tests.platform.client import BATCH, TIMEOUT_S, Client, event, form
from tests.platform.peers import CA_FILE, Proxy, StandIn, free_port


def test_what_was_stored_outlives_a_kill() -> None:
    one, job = event(), event("job_start")
    with StandIn() as platform:
        port = platform.port
        client = Client(port)
        with contextlib.closing(client.connection):
            client.send(one, job)
            platform.kill()
            with pytest.raises(ConnectionError):
                client.send(one)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        platform.restart()
        assert platform.port == port
        with contextlib.closing(client.connection):
            assert client.statuses(one, event()) == ["deduplicated", "accepted"]
            path = "/api/jobs/j1/artifacts"
            assert client.ask("POST", path, *form("a.png", b"x"))[0] == 201
        assert platform.events()[:2] == [one, job]


@pytest.mark.parametrize(
    ("tls", "problem"), [("good", None), ("expired", "expired"), ("wrong_host", "not valid for")]
)
def test_tls(tls: str, problem: Optional[str]) -> None:
    context = ssl.create_default_context(cafile=CA_FILE)
    with StandIn(tls=tls) as platform:
        assert platform.url == f"https://127.0.0.1:{platform.port}"
        client = Client(platform.port)
        client.connection = http.client.HTTPSConnection(
            "127.0.0.1", platform.port, timeout=TIMEOUT_S, context=context
        )
        with contextlib.closing(client.connection):
            if problem is not None:
                with pytest.raises(ssl.SSLCertVerificationError, match=problem):
                    client.send(event())
                return
            assert client.statuses(event()) == ["accepted"]
            platform.mode("reset_reply")
            # Some versions of Python take a reset within TLS for an end.
            with pytest.raises((ConnectionError, ssl.SSLError, http.client.IncompleteRead)):
                client.send(event())
        assert len(platform.events()) == 2


def test_free_port_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


# The proxy


def ask_through(proxy: Proxy, url: str, *, tunnel: bool = False, auth: str = "") -> int:
    password = {"Proxy-Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=TIMEOUT_S)
    host, _, path = url.partition("/")
    headers = password if auth else {}
    with contextlib.closing(connection):
        if tunnel:
            connection.set_tunnel(host, headers=headers)
        target, headers = (f"/{path}", {}) if tunnel else (f"http://{url}", headers)
        connection.request("POST", target, json.dumps({"events": [event()]}).encode(), headers)
        response = connection.getresponse()
        response.read()
        return response.status


def test_proxy_forwards_and_tunnels(stand_in: StandIn, proxy: Proxy) -> None:
    here = f"127.0.0.1:{stand_in.port}"
    assert ask_through(proxy, here + BATCH) == 200
    assert ask_through(proxy, here + BATCH, tunnel=True) == 200
    proxy.set(forward_to=here)
    assert ask_through(proxy, "platform.example:80" + BATCH) == 200
    assert ask_through(proxy, "platform.example:443" + BATCH, tunnel=True) == 200
    assert [(r["method"], r["path"]) for r in proxy.requests()] == [
        ("POST", f"http://{here}{BATCH}"),
        ("CONNECT", here),
        ("POST", f"http://platform.example:80{BATCH}"),
        ("CONNECT", "platform.example:443"),
    ]
    assert len(stand_in.events()) == 4


def test_proxy_asks_for_its_password(stand_in: StandIn, proxy: Proxy) -> None:
    url = f"127.0.0.1:{stand_in.port}{BATCH}"
    proxy.set(auth="ann:s3cret")
    assert ask_through(proxy, url) == 407
    assert ask_through(proxy, url, auth="ann:wrong") == 407
    assert ask_through(proxy, url, auth="ann:s3cret") == 200
    with pytest.raises(OSError, match="407"):
        ask_through(proxy, url, tunnel=True)
    assert ask_through(proxy, url, tunnel=True, auth="ann:s3cret") == 200
    assert all("proxy-authorization" not in r["headers"] for r in stand_in.requests())


def test_proxy_refuses_and_cannot_reach(proxy: Proxy) -> None:
    nowhere = f"127.0.0.1:{free_port()}{BATCH}"
    assert ask_through(proxy, nowhere) == 502
    proxy.set(refuse=403)
    assert ask_through(proxy, nowhere) == 403
