from __future__ import annotations

import pytest

from argus.transport.address import EVENTS_PATH, job_artifacts_path
from argus.transport.client import HttpClient
from tests.platform.client import event
from tests.platform.peers import CA_FILE, Proxy, StandIn
from tests.transport.exchanges import (
    SHORT_S,
    TIMEOUT_S,
    batch,
    ends_after,
    failure_of,
    form_of,
    reply_of,
    send,
)


@pytest.fixture
def client(connect, stand_in: StandIn) -> HttpClient:
    made: HttpClient = connect(stand_in.url)
    return made


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_on_the_same_server_keeps_method_and_body(client, stand_in: StandIn, code):
    stand_in.mode(f"redirect:{{path}}?there:{code}", times=1)
    one = event()
    assert reply_of(send(client, one)).status == 200
    assert [(r["method"], r["path"], r["body_bytes"]) for r in stand_in.requests()] == [
        ("POST", EVENTS_PATH, len(batch(one))),
        ("POST", f"{EVENTS_PATH}?there", len(batch(one))),
    ]
    assert stand_in.events() == [one]
    reply_of(send(client))  # it holds for that request only
    assert stand_in.requests()[-1]["path"] == EVENTS_PATH
    assert stand_in.stats()["connections"] == 1


def test_a_redirected_upload_is_sent_whole(client, stand_in: StandIn):
    reply_of(send(client, event("job_start")))
    stand_in.mode("redirect:{path}", times=2)
    with form_of(1_000_000) as form:
        answer = client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)
    assert reply_of(answer).status == 201
    assert stand_in.uploads()[0]["size"] == 1_000_000


@pytest.mark.parametrize("location", ["http://127.0.0.1:{}", "//localhost:{}", "http://h@[::1]:{}"])
def test_another_server_is_never_contacted(client, stand_in: StandIn, proxy: Proxy, location):
    target = location.format(proxy.port) + "/events"
    stand_in.mode(f"redirect:{target}:308")
    reply = reply_of(send(client))
    assert (reply.status, reply.redirect) == (308, target)
    assert proxy.requests() == []
    assert len(stand_in.requests()) == 1


def test_the_same_server_under_another_name_is_never_contacted(client, stand_in: StandIn):
    stand_in.mode(f"redirect:http://localhost:{stand_in.port}{{path}}")
    reply = reply_of(send(client))
    assert reply.redirect == f"http://localhost:{stand_in.port}{EVENTS_PATH}"
    assert len(stand_in.requests()) == 1


@pytest.mark.parametrize("location", ["http://[::1", "http://h:x/", "mailto:ann@h", "//:8"])
def test_a_redirect_to_what_is_no_address_is_the_answer(client, stand_in: StandIn, location):
    stand_in.mode(f"redirect:{location}")
    assert reply_of(send(client)).redirect == location
    assert len(stand_in.requests()) == 1


@pytest.mark.parametrize("mode", ["redirect:{path}:303", "status:304", "status:307"])
def test_a_redirect_that_asks_for_something_else_or_leads_nowhere_is_the_answer(
    client, stand_in: StandIn, mode
):
    stand_in.mode(mode)
    assert 300 <= reply_of(send(client)).status < 400
    assert len(stand_in.requests()) == 1


def test_three_redirects_are_followed_and_a_loop_ends(client, stand_in: StandIn):
    stand_in.mode("redirect:{path}", times=3)
    assert reply_of(send(client)).status == 200
    stand_in.reset()
    stand_in.mode("redirect_loop")
    assert reply_of(send(client)).status == 307
    assert len(stand_in.requests()) == 4


def test_all_redirects_share_one_deadline(client, stand_in: StandIn):
    stand_in.mode("redirect:{path}", "hang", times=1)
    with ends_after(SHORT_S):
        failure_of(send(client, timeout_s=SHORT_S))


def test_a_redirect_to_https_on_the_same_host_holds_for_all_later_requests(
    connect, stand_in: StandIn, tls_platform: StandIn
):
    stand_in.mode(f"redirect:{tls_platform.url}{{path}}")
    client = connect(stand_in.url, [CA_FILE])
    assert [reply_of(send(client)).status for _ in range(3)] == [200] * 3
    assert len(stand_in.requests()) == 1
    assert [r["path"] for r in tls_platform.requests()] == [EVENTS_PATH] * 3
    assert tls_platform.stats()["connections"] == 1
    assert len(tls_platform.events()) == 3


def test_a_redirect_to_https_is_followed_to_a_trusted_server_only(
    connect, stand_in: StandIn, tls_platform: StandIn
):
    stand_in.mode(f"redirect:{tls_platform.url}{{path}}")
    assert failure_of(send(connect(stand_in.url))).advice is not None
    assert tls_platform.requests() == []


def test_a_redirect_from_https_to_http_is_not_followed(
    connect, stand_in: StandIn, tls_platform: StandIn
):
    tls_platform.mode(f"redirect:{stand_in.url}{{path}}")
    reply = reply_of(send(connect(tls_platform.url, [CA_FILE])))
    assert reply.redirect == f"{stand_in.url}{EVENTS_PATH}"
    assert stand_in.requests() == []
