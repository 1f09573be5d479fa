from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import argus
from argus.core.secret import Secret
from argus.core.verdicts import judge
from argus.core.version import __version__
from argus.transport.address import EVENTS_PATH, Address, job_artifacts_path, stop_path
from argus.transport.client import HttpClient
from argus.transport.patience import Patience
from tests.platform.client import event
from tests.platform.peers import CA_FILE, StandIn, free_port
from tests.transport.exchanges import (
    SHORT_S,
    TIMEOUT_S,
    TOKEN,
    ends_after,
    failure_of,
    form_of,
    nothing_meanwhile,
    reply_of,
    send,
)


@pytest.fixture
def client(connect, stand_in: StandIn) -> HttpClient:
    made: HttpClient = connect(stand_in.url)
    return made


# One connection


def test_many_requests_share_one_connection(client, stand_in: StandIn):
    reply_of(send(client, event("batch_start", None), event("job_start")))
    for _ in range(20):
        reply_of(client.request("GET", stop_path("bench-1"), None, TIMEOUT_S))
        with form_of(300_000) as form:
            reply_of(client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S))
    assert {r["status"] for r in stand_in.requests()} == {200, 201}
    assert {r["connection"] for r in stand_in.requests()} == {1}


def test_a_request_says_who_asks(client, stand_in: StandIn):
    send(client)
    headers = stand_in.requests()[0]["headers"]
    del headers["content-length"]
    assert headers == {
        "host": f"127.0.0.1:{stand_in.port}",
        "accept": "application/json",
        "user-agent": f"argus-reporter/{__version__}",
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
    }


def test_without_a_token_there_is_no_authorization(stand_in: StandIn):
    address = Address.parse(stand_in.url)
    client = HttpClient(address, None, pytest.fail, pytest.fail, nothing_meanwhile)
    reply_of(send(client))
    client.close()
    assert "authorization" not in stand_in.requests()[0]["headers"]


def test_a_connection_that_was_closed_while_idle_is_replaced(client, stand_in: StandIn):
    stand_in.mode("idle_close:0.01")
    for number in range(1, 4):
        reply_of(send(client))
        stand_in.wait_for(lambda s: s.stats()["open_connections"] == 0)
        assert stand_in.stats()["connections"] == number
    assert len(stand_in.events()) == 3


def test_a_connection_that_ends_under_a_request_is_replaced_once(client, stand_in: StandIn):
    reply_of(send(client))
    stand_in.mode("close", times=1)
    reply_of(send(client))
    assert [r["connection"] for r in stand_in.requests()] == [1, 1, 2]
    stand_in.mode("close", times=2)
    failure_of(send(client))
    assert len(stand_in.events()) == 2


def test_a_connection_that_ends_under_a_request_in_tls_is_replaced_too(
    connect, tls_platform: StandIn
):
    client = connect(tls_platform.url, [CA_FILE])
    for mode in ("close", "reset_request"):
        reply_of(send(client))
        tls_platform.mode(mode, times=1)
        reply_of(send(client, event(line="x" * 1_000_000)))
    assert len(tls_platform.events()) == 4


def test_a_new_connection_that_ends_is_not_tried_again(client, stand_in: StandIn):
    stand_in.mode("close", times=1)
    failure_of(send(client))
    assert stand_in.stats()["connections"] == 1


@pytest.mark.parametrize("url", ["stand_in", "tls_platform"])
def test_a_platform_that_was_restarted_is_found_again(connect, url, stand_in):
    with StandIn(tls="good" if url == "tls_platform" else None) as platform:
        client = connect(platform.url, [CA_FILE])
        reply_of(send(client))
        platform.kill()
        assert "ConnectionRefusedError" in failure_of(send(client)).reason
        platform.restart()
        reply_of(send(client))


def test_each_answer_on_a_connection_of_its_own(client, stand_in: StandIn):
    stand_in.mode("close_each")
    for _ in range(3):
        reply_of(send(client))
    assert stand_in.stats()["connections"] == 3


def test_a_closed_client_can_go_on(client, stand_in: StandIn):
    client.close()
    reply_of(send(client))
    client.close()
    reply_of(send(client))
    assert stand_in.stats()["connections"] == 2


# Where the platform is


def test_a_path_prefix_stands_before_every_path(connect, stand_in: StandIn):
    reply_of(send(connect(f"{stand_in.url}/argus/v1/")))
    assert stand_in.requests()[0]["path"] == f"/argus/v1{EVENTS_PATH}"


def test_an_ipv6_address_is_connected_to(connect):
    with StandIn(host="::1") as platform:
        reply_of(send(connect(platform.url)))
        assert platform.requests()[0]["headers"]["host"] == f"[::1]:{platform.port}"


def test_a_name_with_several_addresses_is_connected_to(connect, stand_in: StandIn):
    reply_of(send(connect(f"http://localhost:{stand_in.port}")))


def test_a_name_that_does_not_resolve_is_a_failure_in_time(connect):
    began = time.monotonic()
    failure_of(send(connect("http://no-such-host.invalid"), timeout_s=3.0))
    assert time.monotonic() - began < 4.0


@pytest.mark.parametrize(
    "url",
    [
        *("http://a b/", "http://a..b/", f"http://{'x' * 64}/", "http://a\0b/", "http://a\x7fb/"),
        *("https://a..b/", "https://.leading/"),
    ],
)
def test_a_name_that_is_none_is_a_failure(connect, url):
    failure_of(send(connect(url), timeout_s=3.0))


# Failures


@pytest.mark.parametrize(
    ("mode", "reused"),
    [("hang", False), ("hang", True), ("mute", False), ("mute", True), ("drip", False)],
)
def test_a_server_that_takes_its_time_is_given_up_in_time(client, stand_in: StandIn, mode, reused):
    if reused:
        reply_of(send(client))
    stand_in.mode(mode)
    with ends_after(SHORT_S):
        failure = failure_of(send(client, timeout_s=SHORT_S))
    assert failure == ("TimeoutError: no complete answer in time", None)
    stand_in.reset()
    reply_of(send(client))


@pytest.mark.parametrize("mode", ["hang", "mute", "drip"])
def test_a_server_that_takes_its_time_in_tls_is_given_up_in_time(
    connect, tls_platform: StandIn, mode
):
    client = connect(tls_platform.url, [CA_FILE])
    tls_platform.mode(mode)
    with ends_after(SHORT_S):
        assert "TimeoutError" in failure_of(send(client, timeout_s=SHORT_S)).reason


@pytest.mark.parametrize("mode", ["endless_body", "endless_headers", "endless_informational"])
def test_an_answer_without_end_is_given_up(client, stand_in: StandIn, mode):
    stand_in.mode(mode)
    began = time.monotonic()
    failure_of(send(client, timeout_s=2.0))
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("garbage", "does not speak HTTP"),
        ("wrong_length", "breaks off"),
        ("reset_request", "Connection"),
        ("reset_reply", "Connection"),
        ("stored_but_no_answer", "closed without an answer"),
    ],
)
def test_a_broken_answer_is_a_failure_and_the_next_request_succeeds(
    client, stand_in: StandIn, mode, reason
):
    stand_in.mode(mode, times=1)
    failure = failure_of(send(client))
    assert reason in failure.reason
    assert failure.reason.isprintable()
    assert failure.advice is None
    reply_of(send(client))


@pytest.mark.parametrize("code", [100, 102, 103, 199])
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_informational_answers_are_passed_over(client, stand_in: StandIn, code, size):
    stand_in.mode(f"informational:{code}")
    one = event(line="x" * size)
    for _ in range(2):
        reply = reply_of(send(client, one))
        assert reply.status == 200
        assert json.loads(reply.body)["results"][0]["event_id"] == one["event_id"]
    assert stand_in.stats()["connections"] == 1


def test_a_change_of_protocol_is_a_failure(client, stand_in: StandIn):
    stand_in.mode("status:101")
    assert "another protocol" in failure_of(send(client)).reason


def test_a_reason_is_short(client, stand_in: StandIn):
    stand_in.mode(f"redirect:/{'x' * 5000} y")
    assert len(failure_of(send(client)).reason) < 300


def test_a_host_that_answers_no_connection_is_given_up_in_time(connect, full_listener):
    with ends_after(SHORT_S):
        failure_of(send(connect("http://{}:{}".format(*full_listener)), timeout_s=SHORT_S))


def test_an_upload_to_one_who_does_not_read_is_given_up_in_time(client, stand_in: StandIn):
    stand_in.mode("mute")
    with form_of(50_000_000) as form, ends_after(SHORT_S):
        failure_of(client.request("POST", job_artifacts_path("j1"), form, SHORT_S))


@pytest.mark.parametrize("reused", [False, True])
def test_a_body_that_is_refused_early_is_a_413(client, stand_in: StandIn, reused):
    if reused:
        reply_of(send(client))
    stand_in.mode("early_413")
    with form_of(20_000_000) as form:
        answer = client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)
    assert reply_of(answer).status == 413
    one = event(line="x" * 5_000_000)
    answer = send(client, one)
    assert reply_of(answer).status == 413
    assert judge(answer, [one["event_id"]], 0.0).wholesale


def test_a_body_that_is_refused_early_in_tls_is_a_413(connect, tls_platform: StandIn):
    client = connect(tls_platform.url, [CA_FILE])
    tls_platform.mode("early_413")
    for _ in range(3):
        with form_of(20_000_000) as form:
            answer = client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)
        assert reply_of(answer).status == 413


def test_an_upload_in_tls_is_not_held_up_by_what_tls_says_for_itself(
    connect, tls_platform: StandIn
):
    client = connect(tls_platform.url, [CA_FILE])
    reply_of(send(client, event("job_start")))
    for _ in range(3):
        client.close()  # tickets come with each handshake
        with form_of(1_000_000) as form:
            answer = client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)
        assert reply_of(answer).status == 201


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no list of open files")
def test_failing_requests_leave_no_file_and_no_thread_behind(
    connect, stand_in: StandIn, tls_platform: StandIn
):
    refused = connect(f"http://localhost:{free_port()}")
    broken = connect(stand_in.url)
    untrusted = connect(tls_platform.url)
    no_tls = connect(stand_in.url.replace("http", "https"))
    stand_in.mode("garbage", "wrong_length", "reset_request", "reset_reply", times=1000)
    before = descriptors(), threading.active_count()
    for _ in range(60):
        for client in (refused, broken, untrusted):
            failure_of(send(client))
        failure_of(send(no_tls, timeout_s=0.001))
    assert (descriptors(), threading.active_count()) == before


# Meanwhile


@pytest.mark.parametrize("mode", ["hang", "mute", "drip:0.01"])
def test_meanwhile_is_called_while_a_request_waits(connect, stand_in: StandIn, mode):
    turns: list[Patience] = []
    stand_in.mode(mode)
    failure_of(send(connect(stand_in.url, meanwhile=turns.append), timeout_s=0.3))
    assert 2 <= len(turns) <= 6


def test_meanwhile_is_called_while_a_connection_is_waited_for(connect, full_listener):
    turns: list[Patience] = []
    url = "http://{}:{}".format(*full_listener)
    failure_of(send(connect(url, meanwhile=turns.append), timeout_s=0.3))
    assert len(turns) >= 2


def test_meanwhile_is_not_called_where_nothing_waits(connect, stand_in: StandIn):
    turns: list[Patience] = []
    client = connect(stand_in.url, meanwhile=turns.append)
    reply_of(send(client))
    turns.clear()
    reply_of(send(client))
    assert turns == []


@pytest.mark.parametrize("mode", ["hang", "drip:0.01"])
def test_meanwhile_ends_a_request(connect, stand_in: StandIn, mode):
    stand_in.mode(mode)
    client = connect(stand_in.url, meanwhile=lambda patience: patience.until(time.monotonic()))
    began = time.monotonic()
    failure_of(send(client, timeout_s=60.0))
    assert time.monotonic() - began < 2.0


def test_meanwhile_ends_an_attempt_to_connect(connect, full_listener):
    url = "http://{}:{}".format(*full_listener)
    client = connect(url, meanwhile=lambda patience: patience.until(time.monotonic()))
    began = time.monotonic()
    failure_of(send(client, timeout_s=60.0))
    assert time.monotonic() - began < 2.0


# What it loads


def test_a_plain_address_loads_neither_tls_nor_the_libraries_of_browsers():
    script = """
import sys
from argus.delivery import daemons, sender, stop_poll
from argus.transport.address import Address
from argus.transport.client import HttpClient

client = HttpClient(Address.parse("http://127.0.0.1:9"), None, print, print, lambda _: None)
print(type(client.request("POST", "/", b"{}", 5.0)).__name__)
print(*{"ssl", "http.client", "urllib.request", "email.parser"} & set(sys.modules))
"""
    command = [sys.executable, "-S", "-c", script]
    environ = {**os.environ, "PYTHONPATH": str(Path(argus.__file__).parents[1])}
    done = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"NetworkFailure"]


# The token


def test_the_token_stands_in_one_header_and_nowhere_else(client, stand_in: StandIn):
    reply_of(send(client))
    with form_of(100) as form:
        client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)
    for request in stand_in.requests():
        assert request["headers"].pop("authorization") == f"Bearer {TOKEN}"
        assert TOKEN not in json.dumps(request)


def test_no_repr_shows_the_token(client):
    reply_of(send(client))
    assert TOKEN not in repr([client, vars(client), vars(client._connection), client._headers])
    with pytest.raises(TypeError) as caught:
        pickle.dumps(client)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "mode",
    [
        *("garbage", "wrong_length", "reset_request", "reset_reply", "close", "hang"),
        *("endless_headers", "endless_body", "redirect:/a b", "redirect:/ü"),
    ],
)
def test_no_answer_shows_the_token(client, stand_in: StandIn, mode):
    stand_in.mode(mode)
    assert TOKEN not in repr(send(client, timeout_s=SHORT_S))


@pytest.mark.parametrize("token", ["em_live_a\r\nX-More: 1", "em_live_\u2603"])
def test_a_token_that_no_header_can_carry_is_neither_sent_nor_shown(stand_in: StandIn, token):
    address = Address.parse(stand_in.url)
    client = HttpClient(address, Secret(token), pytest.fail, pytest.fail, nothing_meanwhile)
    failure = failure_of(send(client))
    client.close()
    assert failure.reason == "the address or a header cannot be written as HTTP"
    assert stand_in.requests() == []
