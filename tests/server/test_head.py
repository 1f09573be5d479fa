import time

import pytest

from argus.server.head import MAX_FIELDS, MAX_HEAD_BYTES, HeadFinder, parse_head
from argus.server.reply import RefusalError

GOOD = b"POST /api/events?x=1 HTTP/1.1\r\nHost: localhost:1\r\nX-A:  b c\t\r\nX-A: d\r\nE:\r\n\r\n"


def found(raw, step=1):
    """The end of the head that `raw` begins with, fed in pieces of `step` bytes."""
    finder, held = HeadFinder(), bytearray()
    for at in range(0, len(raw), step):
        held += raw[at : at + step]
        end = finder.end(held)
        if end is not None:
            return end
    return None


def status_of(raw):
    """The status that refuses a head, as soon as one does; None where none does."""
    try:
        end = found(raw)
        return None if end is None else parse_head(raw[:end]) and None
    except RefusalError as refusal:
        return refusal.reply.status


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_head_ends_at_its_empty_line_however_it_is_cut(step):
    assert found(GOOD + b"body\n\r\n\r\n", step) == len(GOOD)


def test_what_a_head_says_is_read():
    head = parse_head(GOOD)
    assert (head.method, head.path, head.authority) == ("POST", "/api/events?x=1", None)
    assert head.headers == {"host": "localhost:1", "x-a": "b c, d", "e": ""}
    assert (head.keeps_alive, head.expects_continue, head.is_http_1_0) == (True, False, False)


@pytest.mark.parametrize(
    ("line", "path", "authority"),
    [
        (b"GET http://localhost:1/a?b HTTP/1.1", "/a?b", "localhost:1"),
        (b"GET HTTP://x HTTP/1.1", "/", "x"),
        (b"GET http://x?a HTTP/1.1", "/?a", "x"),
        (b"GET https://x/ HTTP/1.1", "https://x/", None),
        (b"OPTIONS * HTTP/1.1", "*", None),
    ],
)
def test_a_target_in_absolute_form_names_its_host(line, path, authority):
    head = parse_head(line + b"\r\n\r\n")
    assert (head.path, head.authority) == (path, authority)


def test_a_connection_is_kept_by_1_1_alone():
    def kept(version, connection):
        head = b"GET / HTTP/%s\r\nConnection: %s\r\n\r\n" % (version, connection)
        return parse_head(head).keeps_alive

    assert kept(b"1.1", b"Keep-Alive") is True
    assert kept(b"1.1", b"TE, Close") is False
    assert kept(b"1.0", b"keep-alive") is False


def test_only_a_client_of_1_1_waits_for_100():
    for version, expects in ((b"1.1", True), (b"1.0", False)):
        raw = b"POST / HTTP/%s\r\nExpect: 100-continue\r\n\r\n" % version
        assert parse_head(raw).expects_continue is expects


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /\r\n", 400),  # HTTP/0.9
        (b"\x16\x03\x01", 400),  # TLS; nothing more would come
        (b"\r\nGET / HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1 \r\n", 400),
        (b"GET\t/ HTTP/1.1\r\n", 400),
        (b"GET / http/1.1\r\n", 400),
        (b"GET / HTTP/1.10\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n", 400),
        ("GET /é HTTP/1.1\r\n".encode(), 400),
        (b"G(T / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/2.0\r\n", 505),
        (b"PRI * HTTP/2.0\r\n", 505),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"get / HTTP/1.1\r\n\r\n", 501),
        (b"GET / HTTP/1.1\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),  # obs-fold
        (b"GET / HTTP/1.1\r\n A: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\né: b\r\n\r\n".encode(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000, 414),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * MAX_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_FIELDS + 1), 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * MAX_FIELDS + b"\r\n", None),
    ],
)
def test_what_could_be_read_in_two_ways_or_has_no_end_is_refused(raw, status):
    assert status_of(raw) == status


def test_a_whole_head_that_comes_at_once_has_the_same_bound():
    raw = b"GET / HTTP/1.1\r\nA: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n"
    end = HeadFinder().end(raw)
    with pytest.raises(RefusalError) as refused:
        parse_head(raw[:end])
    assert refused.value.reply.status == 431


def test_no_head_takes_long_to_understand():
    began = time.process_time()
    for filling in (b" " * 60_000 + b"b", b"\t " * 30_000 + b"\x00", b"," * 60_000):
        status_of(b"GET / HTTP/1.1\r\nConnection: " + filling + b"\r\n\r\n")
    assert time.process_time() - began < 5  # a quadratic one takes minutes
