from email.message import Message

import pytest

from argus.core.secret import Secret
from argus.server.access import check_host, check_origin, check_token
from argus.server.reply import RefusalError


def headers(*pairs):
    message = Message()
    for name, value in pairs:
        message[name] = value
    return message


def refusal(check, *args):
    try:
        check(*args)
    except RefusalError as error:
        return error.reply.status
    return None


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8765", "127.0.0.1:1", "127.8.9.1", "[::1]", "[::1]:80"]
)
def test_names_of_this_machine_are_answered(host):
    assert refusal(check_host, headers(("Host", host)), True) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil", ""]
)
def test_a_rebound_name_is_refused_on_loopback_only(host):
    assert refusal(check_host, headers(("Host", host)), True) == 403
    assert refusal(check_host, headers(("Host", host)), False) is None


def test_two_hosts_are_malformed():
    assert refusal(check_host, headers(("Host", "localhost"), ("Host", "evil")), False) == 400


def test_only_a_page_of_the_monitor_itself_may_change_something():
    own = headers(("Host", "localhost:1"), ("Origin", "http://localhost:1"))
    other = headers(("Host", "localhost:1"), ("Origin", "https://evil.example"))
    sandboxed = headers(("Host", "localhost:1"), ("Origin", "null"))
    assert refusal(check_origin, own, "POST") is None
    assert refusal(check_origin, other, "GET") is None
    assert refusal(check_origin, other, "POST") == 403
    assert refusal(check_origin, sandboxed, "POST") == 403
    assert refusal(check_origin, headers(("Host", "localhost:1")), "POST") is None


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer em_live_b", "Basic em_live_a", "em_live_a", "Bearer é"],
)
def test_anything_but_the_token_is_refused(given):
    sent = headers() if given is None else headers(("Authorization", given))
    assert refusal(check_token, sent, Secret("em_live_a")) == 401
    assert refusal(check_token, sent, None) is None


def test_the_token_is_accepted():
    sent = headers(("Authorization", "bearer em_live_a-_"))
    assert refusal(check_token, sent, Secret("em_live_a-_")) is None
