from __future__ import annotations

import http.client
import io
import random
from typing import Any

import pytest

from argus.transport.answer import (
    MAX_ANSWER_BYTES,
    MAX_CHUNKS,
    MAX_HEAD_BYTES,
    MAX_HEAD_LINES,
    AnswerReader,
    BadAnswerError,
    HttpAnswer,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Trickle:
    """Bytes that come a few at a time, and are counted."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = io.BytesIO(data)
        self._most = most
        self.taken = 0

    def receive(self) -> bytes:
        piece = self._data.read(self._most)
        self.taken += len(piece)
        return piece


class Endless(Trickle):
    """The same bytes over and over, after some that come once."""

    def __init__(self, first: bytes, more: bytes) -> None:
        super().__init__(first, 4096)
        self._more = more * (8192 // len(more))

    def receive(self) -> bytes:
        piece = super().receive()
        if not piece:
            self._data = io.BytesIO(self._more)
            piece = super().receive()
        return piece


def read(data: bytes, most: int = 65_536) -> HttpAnswer:
    return AnswerReader(Trickle(data, most).receive).read()


@pytest.mark.parametrize("most", [1, 2, 7, 65_536])
@pytest.mark.parametrize(
    ("data", "status", "body", "is_last"),
    [
        (OK, 200, b"hi", False),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
        (b"HTTP/1.1 429 Too Many Requests\nContent-Length:2\n\nhi", 429, b"hi", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", 200, b"hi", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end", True),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204, b"", False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b"", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n"
            b"2;a=b\r\nhe\r\n3 \r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n",
            200,
            b"hello",
            False,
        ),
        (b"HTTP/1.1 999 Odd\r\nfolded: a\r\n b\r\nno colon\r\n\r\n", 999, b"", True),
    ],
)
def test_an_answer_is_read_whole_however_it_comes(data, status, body, is_last, most):
    answer = read(data, most)
    assert (answer.status, answer.body, answer.is_last) == (status, body, is_last)


@pytest.mark.parametrize("more", [b"\r\n", b"HTTP/1.1 500 Oh\r\n\r\n"])
def test_what_nobody_asked_for_ends_the_connection(more):
    assert read(OK + more).body == b"hi"
    assert read(OK + more).is_last


def test_headers_have_one_name_however_they_are_written():
    data = b"HTTP/1.1 200 OK\r\nRETRY-After:  1 \r\nx: a\r\nX: b\r\nFold: c\r\n\td\r\n\r\n"
    assert read(data).headers == {"retry-after": "1", "x": "a, b", "fold": "c d"}


@pytest.mark.parametrize("code", [100, 102, 103, 199])
@pytest.mark.parametrize("times", [1, 5])
def test_informational_answers_are_passed_over(code, times):
    early = b"HTTP/1.1 %d Wait\r\nLink: </style.css>\r\nContent-Length: 5\r\n\r\n" % code
    assert read(early * times + OK).body == b"hi"


def test_a_change_of_protocol_is_a_failure():
    with pytest.raises(BadAnswerError, match="another protocol"):
        read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + OK)


@pytest.mark.parametrize(
    "data",
    [
        *(b"\r\n" + OK, b"HTTP/2 200\r\n\r\n", b"SSH-2.0-OpenSSH\r\n\r\n", b"\x15\x03\x01\0\2\2"),
        *(b"HTTP/1.1 20\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 -20 OK\r\n\r\n"),
        *(b"HTTP/1.1  \r\n\r\n", b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", b"HTTP/1.1 1e2 OK\r\n\r\n"),
        *(OK[:-1], OK[:20], OK[:5], b"HTTP/1.1 103 Early\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\nhello",
    ],
)
def test_what_is_no_answer_is_a_failure(data):
    with pytest.raises((BadAnswerError, ConnectionError)):
        read(data)


def test_a_connection_that_ends_before_an_answer_is_told_apart():
    with pytest.raises(ConnectionError, match="closed without an answer"):
        read(b"")


@pytest.mark.parametrize(
    ("first", "more", "most"),
    [
        (b"", b"x", MAX_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", MAX_HEAD_LINES * 6),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y", MAX_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\nX: ", b" folded\r\n", MAX_HEAD_LINES * 9),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", MAX_HEAD_BYTES),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", MAX_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"y", MAX_ANSWER_BYTES),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n", b"y", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", b"y", 0),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", MAX_CHUNKS * 6),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"y", MAX_ANSWER_BYTES),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"y", 0),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: y\r\n",
            MAX_HEAD_LINES * 6,
        ),
    ],
)
def test_an_answer_without_end_is_given_up_at_a_bound(first, more, most):
    endless = Endless(first, more)
    with pytest.raises(BadAnswerError):
        AnswerReader(endless.receive).read()
    assert endless.taken <= most + 16_384  # what a reader takes in advance


@pytest.mark.parametrize("status", [200, 407])
def test_the_answer_to_connect_ends_with_its_head(status):
    data = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.0 %d X\r\nA: b\r\n\r\ntunnel" % status
    trickle = Trickle(data, 1)
    assert AnswerReader(trickle.receive).read_head().status == status
    assert data[trickle.taken :] == b"tunnel"


def test_an_answer_has_begun_with_the_first_byte_of_one_that_is_not_informational():
    pieces = [b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 102 P\r\n", b"\r\n", OK[:5], OK[5:]]
    reader = AnswerReader(lambda: pieces.pop(0))
    assert not reader.has_begun(lambda: False)
    assert not reader.has_begun(lambda: len(pieces) > 2)
    assert reader.has_begun(lambda: True)
    assert reader.has_begun(pytest.fail)
    assert reader.read().body == b"hi"


# Against the standard library's reader


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> Any:
        return io.BytesIO(self._data)


def standard(data: bytes) -> tuple[int, bytes] | None:
    response = http.client.HTTPResponse(_Socket(data))  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
    except (http.client.HTTPException, OSError, ValueError):
        return None
    return response.status, body


def ours(data: bytes) -> tuple[int, bytes] | None:
    try:
        answer = read(data)
    except (BadAnswerError, ConnectionError):
        return None
    return answer.status, answer.body


_FIRST = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Busy\r\n", b"HTTP/1.0 401 No\r\n"]
_FIRST += [b"HTTP/1.1 100 Continue\r\n\r\n" + first for first in _FIRST]
_HEADERS = [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X: y\r\n", b"A: b\n"]
_BODY = [b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n", b"hello", b"\n", b"\r\n"]


def test_every_answer_that_is_taken_is_taken_as_the_standard_library_takes_it():
    choose = random.Random(7)
    taken = 0
    for _ in range(4_000):
        headers = choose.choices(_HEADERS, k=choose.randrange(3))
        body = choose.choices(_BODY, k=choose.randrange(5))
        data = b"".join([choose.choice(_FIRST), *headers, b"\r\n", *body])
        found = ours(data)
        if found is not None:
            taken += 1
            assert found == standard(data), data
    assert taken > 1_000


def test_no_bytes_are_an_error_of_any_other_kind():
    mutate = random.Random(8)
    good = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for _ in range(5_000):
        data = bytearray(good)
        for _ in range(mutate.randrange(1, 5)):
            data[mutate.randrange(len(data))] = mutate.randrange(256)
        ours(bytes(data))
