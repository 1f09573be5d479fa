import io
from email.message import Message

import pytest

from argus.server.body import Body, ClientGoneError, check_encoding, content_length
from argus.server.reply import RefusalError


def headers(*pairs):
    message = Message()
    for name, value in pairs:
        message[name] = value
    return message


def invited(calls):
    return lambda: calls.append("go on")


def test_no_more_is_read_than_announced():
    file = io.BytesIO(b"bodynext request")
    calls: list[str] = []
    body = Body(file, 4, invited(calls))
    assert body.read(10) == b"body"
    assert (body.unread, calls, file.read()) == (0, ["go on"], b"next request")


def test_a_body_over_the_bound_is_refused_unread_and_uninvited():
    file = io.BytesIO(b"too long")
    calls: list[str] = []
    body = Body(file, 8, invited(calls))
    with pytest.raises(RefusalError) as refusal:
        body.read(7)
    assert (refusal.value.reply.status, file.tell(), calls, body.unread) == (413, 0, [], 8)


def test_a_body_without_a_length_is_refused():
    with pytest.raises(RefusalError) as refusal:
        Body(io.BytesIO(b"x"), None, invited([])).read(7)
    assert refusal.value.reply.status == 411


def test_a_client_that_stops_half_way_is_gone():
    with pytest.raises(ClientGoneError):
        Body(io.BytesIO(b"hal"), 4, invited([])).read(7)


def test_a_long_body_comes_in_pieces():
    body = Body(io.BytesIO(b"x" * 200_000), 200_000, invited([]))
    assert max(len(chunk) for chunk in body.chunks(200_000)) <= 65_536


@pytest.mark.parametrize(("value", "length"), [("0", 0), (" 12 ", 12), (None, None)])
def test_content_length_is_read(value, length):
    assert content_length(headers(*([("Content-Length", value)] if value else []))) == length


@pytest.mark.parametrize("value", ["+5", "-1", "1_0", "", "5, 6", "٣", "0x10"])
def test_what_two_readers_could_understand_differently_is_refused(value):
    with pytest.raises(RefusalError) as refusal:
        content_length(headers(("Content-Length", value)))
    assert refusal.value.reply.status == 400


def test_two_lengths_are_refused_unless_they_agree():
    with pytest.raises(RefusalError):
        content_length(headers(("Content-Length", "1"), ("Content-Length", "2")))
    assert content_length(headers(("Content-Length", "2"), ("Content-Length", "2"))) == 2


def test_a_chunked_body_is_refused_even_with_a_length():
    with pytest.raises(RefusalError) as refusal:
        content_length(headers(("Content-Length", "1"), ("Transfer-Encoding", "chunked")))
    assert refusal.value.reply.status == 411


def test_compressed_bodies_are_refused():
    check_encoding(headers(("Content-Encoding", "identity")))
    with pytest.raises(RefusalError) as refusal:
        check_encoding(headers(("Content-Encoding", "gzip")))
    assert refusal.value.reply.status == 400
