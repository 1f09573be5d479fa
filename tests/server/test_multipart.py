from typing import Any

import pytest

from argus.server.multipart import (
    MultipartError,
    MultipartParser,
    PartBegin,
    PartData,
    PartEnd,
)

BODY = (
    b"preamble\r\n--edge\r\n"
    b'Content-Disposition: form-data; name="label"\r\n\r\n'
    b"loss\r\n--edge \t\r\n"
    b'content-disposition: form-data; name="file"; filename="plot.png"\r\n'
    b"Content-Type: image/png\r\n\r\n"
    b"\x89PNG\r\n--edg\r\n--\r\n\r\n\r\n--edge--\r\nepilogue"
)


def parts(body, step, boundary="edge"):
    """Each part with all of its data, the body fed in pieces of `step` bytes."""
    parser = MultipartParser(boundary)
    found: list[list[Any]] = []
    for at in range(0, len(body), step):
        for piece in parser.feed(body[at : at + step]):
            if isinstance(piece, PartBegin):
                found.append([piece, b"", False])
            elif isinstance(piece, PartData):
                found[-1][1] += piece.data
            else:
                assert isinstance(piece, PartEnd)
                found[-1][2] = True
    return found, parser.complete


@pytest.mark.parametrize("step", [*range(1, 30), 10_000])
def test_a_body_means_the_same_however_it_is_cut(step):
    assert parts(BODY, step) == (
        [
            [PartBegin("label", None, None), b"loss", True],
            [
                PartBegin("file", "plot.png", "image/png"),
                b"\x89PNG\r\n--edg\r\n--\r\n\r\n",
                True,
            ],
        ],
        True,
    )


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_an_empty_file_is_a_part(step):
    body = b'--edge\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--edge--'
    assert parts(body, step) == ([[PartBegin("file", "", None), b"", True]], True)


@pytest.mark.parametrize(
    ("parameter", "filename"),
    [
        ('filename="Verlust für Ä.png"', "Verlust für Ä.png"),
        ('filename="a%22b.png"', 'a"b.png'),
        (r'filename="a\"b;c.png"', 'a"b;c.png'),
        ("filename=plain.png", "plain.png"),
        ("filename=\"x\"; filename*=UTF-8''%E2%82%AC.png", "€.png"),
        (r'filename="C:\x\y.png"', r"C:\x\y.png"),
    ],
)
def test_file_names_as_clients_write_them(parameter, filename):
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; {parameter}\r\n\r\n'
    [begin] = MultipartParser("edge").feed(head.encode() + b"x" * 3)
    assert begin == PartBegin("file", filename, None)


def test_memory_holds_no_more_than_a_boundary_of_a_large_file():
    parser = MultipartParser("edge")
    parser.feed(b'--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\n')
    [piece] = parser.feed(b"x" * 1_000_000)
    assert isinstance(piece, PartData)
    assert len(piece.data) > 999_990


@pytest.mark.parametrize("boundary", ["", "x" * 71, "é"])
def test_an_impossible_boundary_is_refused(boundary):
    with pytest.raises(MultipartError):
        MultipartParser(boundary)


@pytest.mark.parametrize(
    "body",
    [
        b"--edgewise\r\n",
        b"--edge-x\r\n",
        b"--edge-\r\n",
        b"--edge\r\nX: " + b"y" * 20_000,
        b"--edge\r\nX: y\r\n\r\n",
        b"--edge\r\nContent-Disposition: attachment; name=a\r\n\r\n",
        b"--edge\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 17,
    ],
)
@pytest.mark.parametrize("step", [1, 100_000])
def test_malformed_bodies_are_refused(body, step):
    with pytest.raises(MultipartError):
        parts(body, step)


def test_a_body_cut_short_is_not_complete():
    assert parts(BODY[:-12], 5)[1] is False
