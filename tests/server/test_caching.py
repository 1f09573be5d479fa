import gzip

import pytest

from argus.server.caching import conditional, etag_of
from argus.server.head import Head
from argus.server.reply import Content, Reply, Streamed

LARGE = Reply(200, {"rows": ["x" * 40] * 200}, (("ETag", '"1"'),))


def head(method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(method, "/", None, False, named)


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"1"', 304), ('W/"1"', 304), ('"0", "1"', 304), ("*", 304), ('"2"', 200), ("", 200)],
)
def test_client_that_has_it_is_told_so(condition, status):
    reply = conditional(LARGE, head(if_none_match=condition))
    assert reply.status == status
    assert ("ETag", '"1"') in reply.headers


@pytest.mark.parametrize(
    ("accepted", "is_smaller"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_large_reply_is_compressed_for_whoever_can_read_it(accepted, is_smaller):
    reply = conditional(LARGE, head(accept_encoding=accepted))
    assert (("Content-Encoding", "gzip") in reply.headers) == is_smaller
    assert ("Vary", "Accept-Encoding") in reply.headers
    data = gzip.decompress(reply.body.data) if is_smaller else reply.body.data
    assert data.startswith(b'{"rows": ["xxxx')


def test_what_is_small_or_no_text_or_no_success_or_made_as_it_goes_stays_as_it_is():
    takes = head(accept_encoding="gzip")
    for reply in (
        Reply(200, {}),
        Reply(200, Content(b"x" * 9_000, "image/png")),
        Reply(404, {"detail": "x" * 9_000}),
        Reply(200, Streamed(iter([]), "application/x-ndjson")),
    ):
        assert conditional(reply, takes) is reply
    assert conditional(LARGE, head("POST", accept_encoding="gzip")) is LARGE


def test_same_bytes_have_the_same_name():
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
