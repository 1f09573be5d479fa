"""What the page asks for, asked over HTTP."""

import errno
import gzip
import json
import socket
import threading
import time

import pytest

from argus.server.app import Monitor
from tests.server.events import Client, batch_body, event


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch):
    monkeypatch.setattr("argus.server.app.POLL_S", 0.05)


@pytest.fixture
def posted(client):
    """A batch that was reported, and the id of its run once the scanner has seen it."""
    events = (
        event("batch_start", data={"n_total_jobs": 1}),
        event("job_start", data={"model": "tst"}),
        event("job_epoch", data={"epoch": 0, "loss": 0.5}),
    )
    client.send(*events)
    return wait_for_run(client, lambda row: row["n_events"] == 3)["run_id"]


def wait_for_run(client, condition):
    deadline = time.monotonic() + 20
    while True:
        rows = client.ask("GET", "/api/runs").body["runs"]
        if rows and condition(rows[0]):
            return rows[0]
        assert time.monotonic() < deadline, rows
        time.sleep(0.05)


def edit(client, content):
    return client.ask("PATCH", "/api/run-meta", json.dumps(content))


def test_reported_run_is_listed_with_its_numbers(client, posted):
    [row] = client.ask("GET", "/api/runs").body["runs"]
    assert (row["state"], row["batch_id"], row["stoppable"]) == ("running", "bench-1", True)
    assert (row["last"], row["n_running"], row["n_total_jobs"]) == ({"loss": 0.5}, 1, 1)
    metrics = client.ask("GET", f"/api/metrics?run={posted}").body
    assert metrics["run_id"] == posted
    assert metrics["series"][0]["value"] == [0.5]
    assert metrics["rejected"] == []
    assert client.ask("GET", "/api/scan-status").body["complete"] is True


def test_numbers_come_piece_by_piece_from_where_the_viewer_is(client, posted):
    answer = client.raw("GET", f"/api/metrics-stream?run={posted}")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    chunk, done = map(json.loads, answer.body.splitlines())
    assert chunk["series"][0]["epoch"] == [0]
    client.send(event("job_epoch", data={"epoch": 1, "loss": 0.4}))
    more = client.raw("GET", f"/api/metrics-stream?run={posted}&from={done['offset']}")
    assert json.loads(more.body.splitlines()[0])["series"][0]["epoch"] == [1]


def test_what_has_not_changed_is_not_sent_again(client, posted):
    first = client.raw("GET", "/api/runs")
    again = client.raw("GET", "/api/runs", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    zipped = client.raw("GET", f"/api/metrics?run={posted}", headers={"Accept-Encoding": "gzip"})
    if "Content-Encoding" in zipped.headers:
        assert json.loads(gzip.decompress(zipped.body))["run_id"] == posted


def test_logs_and_figures_of_a_run(client, posted):
    streams = client.ask("GET", f"/api/logs?run={posted}").body["streams"]
    assert [stream["stream_id"] for stream in streams] == ["events"]
    content = client.ask("GET", f"/api/log-content?run={posted}&stream=events").body
    assert content["text"] == ""
    assert client.ask("GET", f"/api/media?run={posted}").body == {"media": []}


def test_figure_is_served_so_that_nothing_in_it_can_run(client, monitor, posted):
    media = monitor.runs / posted / "media"
    media.mkdir()
    (media / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    answer = client.raw("GET", f"/api/media-file?run={posted}&path=media/x.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/api/metrics?run=nobody",
        "/api/metrics-stream?run=..%2F..",
        "/api/logs?run=%2Fetc",
        "/api/log-content?run=RUN&stream=..%2Frun.json",
        "/api/media-file?run=RUN&path=media%2F..%2Frun.json",
        "/api/media-file?run=RUN",
    ],
)
def test_what_is_not_there_is_not_found(client, posted, path):
    answer = client.ask("GET", path.replace("RUN", posted))
    assert (answer.status, "no such run" in answer.body["detail"]) == (404, True)


@pytest.mark.parametrize(
    "path", ["/api/metrics", "/api/metrics-stream?run=x&from=-1", "/api/log-content?run=x&from=1e3"]
)
def test_question_that_makes_no_sense_is_refused(client, path):
    assert client.ask("GET", path).status == 400


def test_what_people_say_is_kept(client, posted):
    edited = edit(client, {"run_id": posted, "name": "N", "tags": ["a"]})
    assert (edited.status, edited.body["name"], edited.body["tags"]) == (200, "N", ["a"])
    assert client.ask("GET", "/api/runs").body["runs"][0]["name"] == "N"
    for odd in ({}, {"run_id": posted, "tags": "a"}, {"run_id": posted, "archived": 1}):
        assert edit(client, odd).status == 422
    assert edit(client, {"run_id": "nobody"}).status == 404


class Listening:
    """A connection that reads server-sent events."""

    def __init__(self, port, head=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        request = f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n"
        self.socket.sendall(request.encode())
        self._held = b""

    def until(self, text):
        while text not in self._held:
            piece = self.socket.recv(65_536)
            assert piece, self._held
            self._held += piece
        return self._held


def test_viewer_hears_of_what_changes_and_of_what_it_missed(client, monitor, posted):
    listening = Listening(monitor.port)
    assert b"text/event-stream" in listening.until(b"retry:")
    client.send(event("batch_done"))
    told = listening.until(b'"state": "done"')
    assert b"event: run" in told
    number = told.rpartition(b"id: ")[2].partition(b"\n")[0].decode()
    again = Listening(monitor.port, f"Last-Event-ID: {int(number) - 1}\r\n")
    assert b"id: " + number.encode() in again.until(b'"state": "done"')
    lost = Listening(monitor.port, "Last-Event-ID: 7\r\n")
    lost.until(b"event: resync")
    for each in (listening, again, lost):
        each.socket.close()


def test_monitor_that_closes_ends_its_viewers(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path / "runs") as monitor:
        listening = Listening(monitor.port)
        listening.until(b"retry:")
        began = time.monotonic()
    assert time.monotonic() - began < 2.5
    while listening.socket.recv(65_536):
        pass
    listening.socket.close()


def test_monitor_that_only_shows_writes_nothing_and_takes_nothing(tmp_path):
    runs = tmp_path / "runs"
    with Monitor("127.0.0.1", 0, runs, receives=False) as monitor:
        client = Client(monitor.port)
        assert client.ask("GET", "/api/runs").body["runs"] == []
        refused = client.ask("POST", "/api/events/batch", batch_body(event("batch_start")))
        assert (refused.status, "only shows" in refused.body["detail"]) == (404, True)
        client.connection.close()
    assert not runs.exists()


def test_token_guards_what_is_shown_too(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path / "runs", token="secret") as monitor:
        client = Client(monitor.port)
        for path in ("/api/runs", "/api/stream", "/api/media-file?run=x&path=y"):
            assert client.ask("GET", path).status == 401
        client.connection.close()


def test_two_clients_at_once_change_a_field_each(monitor, client, posted):
    def change(content):
        other = Client(monitor.port)
        for _ in range(20):
            assert edit(other, {"run_id": posted, **content}).status == 200
        other.connection.close()

    changes = ({"name": "N"}, {"notes": "n"}, {"tags": ["t"]}, {"archived": True})
    threads = [threading.Thread(target=change, args=(content,)) for content in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [row] = client.ask("GET", "/api/runs").body["runs"]
    told = {name: row[name] for name in ("name", "notes", "tags", "archived")}
    assert told == {"name": "N", "notes": "n", "tags": ["t"], "archived": True}


@pytest.mark.parametrize(
    "content", [{"notes": "x" * 70_000}, {"tags": ["x" * 101]}, {"tags": ["x"] * 101}, {"name": 1}]
)
def test_what_would_not_be_kept_whole_is_refused(client, posted, content):
    assert edit(client, {"run_id": posted, **content}).status == 422


def test_run_that_may_not_be_written_is_told(client, posted, monkeypatch):
    def refuse(path, *_):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr("argus.rundir.edits.change", refuse)
    assert edit(client, {"run_id": posted, "name": "N"}).status == 403


@pytest.mark.parametrize("number", ["abc", "-1", "9" * 5_000, "1e5"])
def test_listener_with_a_number_that_is_none_begins_anew(monitor, posted, number):
    listening = Listening(monitor.port, f"Last-Event-ID: {number}\r\n")
    listening.until(b"event: resync")
    listening.socket.close()


def test_query_of_too_many_fields_is_refused(client):
    query = "&".join(f"a{number}=1" for number in range(30))
    assert client.ask("GET", f"/api/metrics?{query}").status == 400


def test_head_of_a_streamed_body_has_none_and_the_connection_goes_on(client, posted):
    answer = client.raw("HEAD", f"/api/metrics-stream?run={posted}")
    assert (answer.status, answer.body) == (200, b"")
    assert client.ask("GET", "/api/scan-status").status == 200
