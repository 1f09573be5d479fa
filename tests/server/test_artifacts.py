import json

import pytest

from argus.server import artifacts
from tests.server.events import event, file_part, text_part

JOB = "/api/jobs/job-1/artifacts"


@pytest.fixture
def run_directory(client, run_directories):
    """The directory of a batch with one job."""
    client.send(event("job_start"))
    return run_directories()[0]


def media(run_directory):
    return sorted(path.name for path in (run_directory / "media").iterdir())


def test_a_file_is_kept_with_all_that_was_said_of_it(client, run_directory):
    answer = client.upload(
        JOB,
        text_part("label", "Verlust"),
        file_part("Verläufe.png", b"\x89PNG"),
        text_part("meta", '{"epoch": 3}'),
    )
    assert (answer.status, answer.body) == (
        201,
        {
            "id": 1,
            "job_id": "job-1",
            "batch_id": "bench-1",
            "filename": "Verläufe.png",
            "mime": "image/png",
            "size_bytes": 4,
            "label": "Verlust",
            "meta": {"epoch": 3},
        },
    )
    [line] = (run_directory / "media.jsonl").read_text("utf-8").splitlines()
    noted = json.loads(line)
    assert noted == {
        "path": noted["path"],
        "size": 4,
        "batch_id": "bench-1",
        "job_id": "job-1",
        "label": "Verlust",
        "state": "delivered",
    }
    assert (run_directory / noted["path"]).read_bytes() == b"\x89PNG"
    assert json.loads((run_directory / f"{noted['path']}.json").read_text()) == answer.body


def test_a_file_of_the_batch_has_no_job(client, run_directory):
    answer = client.upload("/api/batches/bench-1/artifacts", file_part("report.pdf"))
    assert (answer.status, answer.body["job_id"], answer.body["mime"]) == (
        201,
        None,
        "application/pdf",
    )
    assert (answer.body["label"], answer.body["meta"]) == (None, None)


def test_files_of_one_name_do_not_replace_each_other(client, run_directory):
    ids = [
        client.upload(JOB, file_part("plot.png", content)).body["id"] for content in (b"1", b"2")
    ]
    assert ids == [1, 2]
    assert media(run_directory) == [
        "0001-plot.png",
        "0001-plot.png.json",
        "0002-plot.png",
        "0002-plot.png.json",
    ]


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("../../../../tmp/evil.png", "evil.png"),
        ("/etc/passwd.png", "passwd.png"),
        ("..\\..\\evil.png", "evil.png"),
        ("..a.png", "..a.png"),
        ("a\0b.png", "a\0b.png"),
        ("x" * 300 + ".png", "x" * 300 + ".png"),
        (" .png", " .png"),
    ],
)
def test_no_file_name_leads_outside(client, run_directory, tmp_path, filename, shown):
    answer = client.upload(JOB, file_part(filename))
    assert (answer.status, answer.body["filename"]) == (201, shown)
    [path] = (path for path in tmp_path.rglob("*.png"))
    assert path.parent == run_directory / "media"


@pytest.mark.parametrize("path", ["/api/jobs/none/artifacts", "/api/batches/none/artifacts"])
def test_an_unknown_owner_is_404(client, run_directory, path):
    assert client.upload(path, file_part("a.png")).status == 404


def test_a_job_id_may_hold_anything(client):
    client.send(event("job_start", job_id="../a/é"))
    assert client.upload("/api/jobs/..%2Fa%2F%C3%A9/artifacts", file_part("a.png")).status == 201


@pytest.mark.parametrize("filename", ["a.html", "a", ".png", "a.png.exe", "a.svgz", ""])
def test_other_types_are_415(client, run_directory, filename):
    assert client.upload(JOB, file_part(filename)).status == 415


@pytest.mark.parametrize("meta", ["[1]", "1", "{", "null", '{"a": }'])
def test_meta_that_is_no_object_is_400_and_leaves_nothing(client, run_directory, meta):
    answer = client.upload(JOB, file_part("a.png"), text_part("meta", meta))
    assert (answer.status, answer.body) == (400, {"detail": "meta must be a JSON object"})
    assert media(run_directory) == []


def test_a_file_over_the_limit_is_413_and_leaves_nothing(client, run_directory, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_FILE_BYTES", 100_000)
    assert client.upload(JOB, file_part("a.png", b"x" * 100_001)).status == 413
    assert media(run_directory) == []
    assert client.upload(JOB, file_part("a.png", b"x" * 100_000)).status == 201


def test_a_body_over_the_limit_is_413_before_it_is_read(client, run_directory, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_BODY_BYTES", 1_000_000)
    answer = client.upload(JOB, file_part("a.png", b"x" * 3_000_000))
    assert (answer.status, answer.headers["Connection"]) == (413, "close")


def test_a_job_has_a_limit_of_its_own(client, run_directory, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_JOB_BYTES", 10)
    client.send(event("job_start", job_id="job-2"))
    statuses = [
        client.upload(f"/api/jobs/{job}/artifacts", file_part("a.png", b"x" * 6)).status
        for job in ("job-1", "job-1", "job-2")
    ]
    assert statuses == [201, 413, 201]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--edge--"),
        ("multipart/form-data; boundary=edge", b"--edge--"),
        ("multipart/form-data; boundary=edge", b"--edge\r\n" + file_part("a.png") + b"\r\n--ed"),
        ("multipart/form-data; boundary=edge", b"--edge\r\n" + text_part("label", "a") + b"\r\n--edge--"),
        ("multipart/form-data; boundary=edge", b"nothing"),
    ],
)  # fmt: skip
def test_what_is_no_form_with_a_file_is_400_and_leaves_nothing(
    client, run_directory, content_type, body
):
    answer = client.ask("POST", JOB, body, {"Content-Type": content_type})
    assert answer.status == 400
    assert not (run_directory / "media").exists() or media(run_directory) == []


def test_ids_go_on_after_a_restart_even_where_the_list_lost_a_line(client, run_directory):
    client.upload(JOB, file_part("plot.png"))
    (run_directory / "media.jsonl").write_bytes(b'{"path": "media/0001-')
    assert client.upload(JOB, file_part("plot.png")).body["id"] == 2
