import io

import pytest

from argus.server import body as body_module
from argus.server.body import Body, check_encoding, check_expectation, content_length
from argus.server.budget import Budget
from argus.server.reply import RefusalError
from tests.server.heads import head


def invited(calls):
    return lambda: calls.append("go on")


def status_of(call, *args):
    with pytest.raises(RefusalError) as refused:
        call(*args)
    return refused.value.reply.status


def test_no_more_is_read_than_announced():
    file = io.BytesIO(b"bodynext request")
    calls: list[str] = []
    body = Body(file.read, 4, invited(calls))
    assert body.read(10) == b"body"
    assert (body.unread, calls, file.read()) == (0, ["go on"], b"next request")


def test_a_body_over_the_bound_is_refused_unread_and_uninvited():
    file = io.BytesIO(b"too long")
    calls: list[str] = []
    body = Body(file.read, 8, invited(calls))
    assert status_of(body.read, 7) == 413
    assert (file.tell(), calls, body.unread) == (0, [], 8)


def test_a_body_without_a_length_is_refused():
    assert status_of(Body(io.BytesIO(b"x").read, None, invited([])).read, 7) == 411


def test_a_long_body_comes_in_pieces():
    body = Body(io.BytesIO(b"x" * 600_000).read, 600_000, invited([]))
    assert max(len(chunk) for chunk in body.chunks(600_000)) <= 262_144


def test_all_bodies_share_one_memory(monkeypatch):
    monkeypatch.setattr(body_module, "_memory", Budget(300_000))
    monkeypatch.setattr(body_module, "_WAIT_FOR_MEMORY_S", 0.0)
    bodies = [Body(io.BytesIO(b"x" * 300_000).read, 300_000, invited([])) for _ in range(3)]
    assert len(bodies[0].read(300_000)) == 300_000
    assert status_of(bodies[1].read, 300_000) == 503
    small = Body(io.BytesIO(b"x" * 60_000).read, 60_000, invited([]))
    assert len(small.read(60_000)) == 60_000  # what is small gets through all the same
    for body in (*bodies[:2], small):
        body.forget()
    assert len(bodies[2].read(300_000)) == 300_000


@pytest.mark.parametrize(("value", "length"), [("0", 0), ("12", 12), ("9" * 400, 10**18)])
def test_content_length_is_read(value, length):
    assert content_length(head(content_length=value)) == length
    assert content_length(head()) is None


@pytest.mark.parametrize(
    "value", ["+5", "-1", "1_0", "", "5, 6", "5, 5", "٣", "0x10", "1 0", "1.0", "²"]
)
def test_what_two_readers_could_understand_differently_is_refused(value):
    assert status_of(content_length, head(content_length=value)) == 400


def test_a_chunked_body_is_refused_and_beside_a_length_it_is_malformed():
    assert status_of(content_length, head(transfer_encoding="chunked")) == 411
    both = head(content_length="1", transfer_encoding="chunked")
    assert status_of(content_length, both) == 400
    old = head(transfer_encoding="chunked")._replace(is_http_1_0=True)
    assert status_of(content_length, old) == 400


def test_nothing_but_100_can_be_expected():
    check_expectation(head())
    check_expectation(head(expect="100-Continue"))
    check_expectation(head(expect="200-ok")._replace(is_http_1_0=True))
    assert status_of(check_expectation, head(expect="200-ok")) == 417


def test_compressed_bodies_are_refused():
    check_encoding(head(content_encoding="Identity"))
    assert status_of(check_encoding, head(content_encoding="gzip")) == 400
