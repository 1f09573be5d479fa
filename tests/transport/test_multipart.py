from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from argus.transport.address import job_artifacts_path
from argus.transport.multipart import FileForm, UnreadableFileError
from tests.platform.client import event
from tests.platform.peers import StandIn
from tests.transport.exchanges import TIMEOUT_S, form_of, reply_of, send

BOUNDARY = "b" * 32


@pytest.fixture
def client(connect, stand_in):
    """A client of a platform that knows the job j1."""
    client = connect(stand_in.url)
    reply_of(send(client, event("job_start")))
    return client


def upload(client, form):
    return client.request("POST", job_artifacts_path("j1"), form, TIMEOUT_S)


def test_a_form_is_written_as_rfc_7578_has_it(tmp_path):
    path = tmp_path / "plot.PNG"
    path.write_bytes(b"\x89PNG")
    with path.open("rb") as file:
        form = FileForm(file, path, {"label": "loss"}, "xyz")
        body = b"".join(form.chunks())
    assert form.content_type == "multipart/form-data; boundary=xyz"
    assert form.size == len(body)
    assert body == (
        b'--xyz\r\nContent-Disposition: form-data; name="label"\r\n\r\nloss\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="plot.PNG"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--xyz--\r\n"
    )


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145])
def test_the_length_is_exact_and_a_form_can_be_sent_again(size):
    with form_of(size) as form:
        for _ in range(2):
            assert sum(map(len, form.chunks())) == form.size


def test_an_upload_arrives_whole(client, stand_in: StandIn, tmp_path):
    content = os.urandom(1_000_001)
    path = tmp_path / "loss curve.pdf"
    path.write_bytes(content)
    with path.open("rb") as file:
        form = FileForm(file, path, {"label": "Verlust ü", "meta": '{"epoch": 3}'}, BOUNDARY)
        assert reply_of(upload(client, form)).status == 201
    [stored] = stand_in.uploads()
    assert stored == {
        "path": "/api/jobs/j1/artifacts",
        "job_id": "j1",
        "filename": "loss curve.pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": "application/pdf",
        "label": "Verlust ü",
        "meta": {"epoch": 3},
    }
    request = stand_in.requests("artifacts")[0]
    assert request["headers"]["content-length"] == str(form.size) == str(request["body_bytes"])


@pytest.mark.parametrize(
    ("name", "arrives_as"),
    [
        ("Größe 損失 🙂.png", "Größe 損失 🙂.png"),
        ('the "best" one.svg', "the %22best%22 one.svg"),
        ("two\r\nlines.jpg", "two%0D%0Alines.jpg"),
        ("a;b=c'd%.jpeg", "a;b=c'd%.jpeg"),
    ],
)
def test_any_file_name_travels(client, stand_in: StandIn, name, arrives_as):
    with form_of(10, name) as form:
        assert reply_of(upload(client, form)).status == 201
    assert [stored["filename"] for stored in stand_in.uploads()] == [arrives_as]


def test_a_name_that_is_no_text_is_sent_with_marks_in_it(tmp_path):
    with (tmp_path / "x").open("wb+") as file:
        body = b"".join(FileForm(file, Path("a\udcff.png"), {"label": "\udcff"}, "xyz").chunks())
    assert b'filename="a?.png"' in body
    assert b"\r\n\r\n?\r\n" in body


def test_a_file_that_grows_is_sent_as_long_as_it_was(client, stand_in: StandIn, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 10)
    with path.open("rb") as file:
        form = FileForm(file, path, {}, BOUNDARY)
        with path.open("ab") as more:
            more.write(b"y" * 1000)
        assert reply_of(upload(client, form)).status == 201
    assert stand_in.uploads()[0]["size"] == 10


def test_a_file_that_shrinks_while_it_is_sent_ends_the_form(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 1_000_000)
    with path.open("rb") as file:
        chunks = FileForm(file, path, {}, BOUNDARY).chunks()
        next(chunks), next(chunks)
        os.truncate(path, 300_000)
        with pytest.raises(UnreadableFileError):
            b"".join(chunks)


def test_a_file_that_shrank_fails_its_request_and_no_other(client, stand_in: StandIn, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 1_000_000)
    with path.open("rb") as file:
        form = FileForm(file, path, {}, BOUNDARY)
        os.truncate(path, 300_000)
        with pytest.raises(UnreadableFileError, match="became shorter"):
            upload(client, form)
    assert reply_of(send(client)).status == 200
    assert stand_in.uploads() == []


def test_a_large_file_costs_no_memory(client, stand_in: StandIn):
    stand_in.mode("too_large:300000000")
    with form_of(200_000_000) as form:
        tracemalloc.start()
        try:
            assert reply_of(upload(client, form)).status == 201
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 5_000_000
    assert stand_in.uploads()[0]["size"] == 200_000_000
