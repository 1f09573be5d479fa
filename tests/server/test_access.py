import pytest

from argus.core.secret import Secret
from argus.server.access import Hosts, check_origin, check_token
from argus.server.reply import RefusalError
from tests.server.heads import head

LOOPBACK = Hosts("127.0.0.1", "127.0.0.1", 8765)


def refusal(check, *args):
    try:
        check(*args)
    except RefusalError as error:
        return error.reply.status
    return None


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "LocalHost:8765"])
def test_what_it_listens_on_is_answered(host):
    assert refusal(LOOPBACK.check, head(host=host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example:8765",
        "localhost.evil:8765",
        "localhost",
        "localhost:80",
        "localhost:87650",
        "127.0.0.2:8765",
        "[::1]:8765",
        "localhost.:8765",
        "2130706433:8765",
    ],
)
def test_another_name_or_port_is_refused(host):
    expected = 400 if host.endswith("87650") else 403
    assert refusal(LOOPBACK.check, head(host=host)) == expected


@pytest.mark.parametrize(
    "host",
    ["", " ", ":8765", "localhost:", "localhost:x", "localhost:0", "localhost:+8765", "a b:8765",
     "me@localhost:8765", "localhost:8765@evil", "localhost:8765,evil", "[::1:8765", "localhost/:8765",
     "localhost:8765:8765", "löcalhost:8765", "localhost:٣"],
)  # fmt: skip
def test_what_is_no_host_is_malformed_wherever_it_listens(host):
    for hosts in (LOOPBACK, Hosts("0.0.0.0", "0.0.0.0", 8765)):
        assert refusal(hosts.check, head(host=host)) == 400


def test_a_request_without_a_host_is_malformed():
    assert refusal(LOOPBACK.check, head()) == 400


def test_the_port_of_http_may_be_left_out():
    assert refusal(Hosts("localhost", "127.0.0.1", 80).check, head(host="127.0.0.1")) is None


def test_ipv6_is_named_in_brackets():
    hosts = Hosts("::1", "::1", 8765)
    assert refusal(hosts.check, head(host="[::1]:8765")) is None
    assert refusal(hosts.check, head(host="[::2]:8765")) == 403


def test_what_others_can_reach_has_more_names_than_it_knows():
    assert refusal(Hosts("0.0.0.0", "0.0.0.0", 8765).check, head(host="node-12:9000")) is None


def test_the_host_in_the_target_counts_too():
    good = head(host="localhost:8765", authority="127.0.0.1:8765")
    assert refusal(LOOPBACK.check, good) is None
    for authority, status in (("evil.example:8765", 403), ("", 400), ("me@localhost:8765", 400)):
        bad = head(host="localhost:8765", authority=authority)
        assert refusal(LOOPBACK.check, bad) == status


def test_only_a_page_of_the_monitor_itself_may_change_something():
    own = head(host="localhost:1", origin="http://localhost:1")
    other = head(host="localhost:1", origin="https://evil.example")
    sandboxed = head(host="localhost:1", origin="null")
    assert refusal(check_origin, own) is None
    assert refusal(check_origin, other._replace(method="GET")) is None
    assert refusal(check_origin, other) == 403
    assert refusal(check_origin, sandboxed) == 403
    assert refusal(check_origin, head(host="localhost:1")) is None


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer em_live_b", "Basic em_live_a", "em_live_a", "Bearer é"],
)
def test_anything_but_the_token_is_refused(given):
    sent = head() if given is None else head(authorization=given)
    assert refusal(check_token, sent, Secret("em_live_a")) == 401
    assert refusal(check_token, sent, None) is None


def test_the_token_is_accepted():
    sent = head(authorization="bearer em_live_a-_")
    assert refusal(check_token, sent, Secret("em_live_a-_")) is None


def test_a_token_is_compared_in_constant_time(monkeypatch):
    compared: list[tuple[bytes, bytes]] = []

    def compare(given, token):
        compared.append((given, token))
        return False

    monkeypatch.setattr("argus.server.access.hmac.compare_digest", compare)
    assert refusal(check_token, head(authorization="Bearer right"), Secret("right")) == 401
    assert compared == [(b"right", b"right")]
