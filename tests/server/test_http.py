import json
import socket
import threading

import pytest

from argus.server import stream
from argus.server.app import Monitor
from tests.server.events import Client, batch_body, event, file_part


@pytest.fixture
def raw(monitor):
    """Sends bytes on a connection of their own and returns all that comes back until its end."""

    def exchange(data, then_end=False):
        data = data.replace(b"Host: localhost\r", b"Host: localhost:%d\r" % monitor.port)
        with socket.create_connection(("127.0.0.1", monitor.port), timeout=10) as connection:
            connection.sendall(data)
            if then_end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    return exchange


def test_events_are_answered_as_documented(client):
    first = event()
    [result] = client.send(first)["results"]
    assert result == {
        "event_id": first["event_id"],
        "status": "accepted",
        "db_id": 1,
        "error": None,
    }
    answer = client.send(first, event(), event(data={}), first)
    assert (answer["accepted"], answer["rejected"]) == (3, 1)
    assert [(item["status"], item["db_id"]) for item in answer["results"]] == [
        ("deduplicated", 1),
        ("accepted", 2),
        ("rejected", None),
        ("deduplicated", 1),
    ]


def test_a_single_event_is_answered_as_documented(client):
    body = json.dumps(event())
    answers = [client.ask("POST", "/api/events", body).body for _ in range(2)]
    assert answers == [
        {"accepted": True, "event_id": 1, "deduplicated": False},
        {"accepted": True, "event_id": 1, "deduplicated": True},
    ]
    assert client.ask("POST", "/api/events", json.dumps(event(data={}))).status == 422


def test_one_malformed_envelope_keeps_the_whole_request_out(client, run_directories):
    answer = client.ask("POST", "/api/events/batch", batch_body(event(), event(timestamp="now")))
    assert answer.status == 422
    assert answer.body["detail"][0]["loc"] == ["body", "events", 1, "timestamp"]
    assert run_directories() == []


def test_another_version_is_415(client):
    assert (
        client.ask("POST", "/api/events/batch", batch_body(event(schema_version="2"))).status == 415
    )


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch"])
def test_compressed_events_are_400(client, path):
    answer = client.ask("POST", path, b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert (answer.status, answer.headers["Connection"]) == (400, "close")


def test_the_stop_flag_is_set_and_read(client):
    assert client.ask("GET", "/api/batches/bench-1/stop-requested").status == 404
    assert client.ask("POST", "/api/batches/bench-1/stop").status == 404
    client.send(event())
    nothing = {"requested": False, "requested_at": None, "requested_by": None}
    assert client.ask("GET", "/api/batches/bench-1/stop-requested").body == nothing
    stopped = client.ask("POST", "/api/batches/bench-1/stop", '{"requested_by": "ann"}')
    assert (stopped.status, stopped.body["requested"], stopped.body["requested_by"]) == (
        200,
        True,
        "ann",
    )
    assert client.ask("GET", "/api/batches/bench-1/stop-requested").body == stopped.body


def test_a_stop_needs_no_body(client):
    client.send(event(batch_id="a/b"))
    client.connection.putrequest("POST", "/api/batches/a%2Fb/stop")
    client.connection.endheaders()
    response = client.connection.getresponse()
    assert json.loads(response.read())["requested_by"] is None


def test_batches_are_listed_the_newest_first(client):
    client.send(event("batch_start", data={"n_total_jobs": 2}), event("job_done"))
    client.send(event("batch_failed", batch_id="other"))
    listed = client.ask("GET", "/api/batches").body
    assert [(each["batch_id"], each["status"]) for each in listed] == [
        ("other", "failed"),
        ("bench-1", "running"),
    ]
    assert {key: listed[1][key] for key in ("project", "n_events", "n_done", "n_total_jobs")} == {
        "project": "paper",
        "n_events": 2,
        "n_done": 1,
        "n_total_jobs": 2,
    }


def test_a_token_is_asked_for_everywhere_but_for_the_health(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path, token="em_live_a") as monitor:
        client = Client(monitor.port)
        body = batch_body(event())
        for headers in ({}, {"Authorization": "Bearer em_live_b"}):
            answer = client.ask("POST", "/api/events/batch", body, headers)
            assert (answer.status, answer.body) == (401, {"detail": "a valid token is required"})
        accepted = client.ask(
            "POST", "/api/events/batch", body, {"Authorization": "Bearer em_live_a"}
        )
        assert accepted.status == 200
        assert client.ask("GET", "/health").body["status"] == "ok"
        client.connection.close()


def test_errors_are_json_and_the_connection_lives_on(client):
    for method, path, status in (("GET", "/nowhere", 404), ("DELETE", "/api/events", 405)):
        answer = client.ask(method, path)
        assert (answer.status, list(answer.body)) == (status, ["detail"])
        assert "Connection" not in answer.headers
    assert client.ask("GET", "/health").status == 200


def test_head_gets_no_body(client):
    answer = client.ask("HEAD", "/health")
    assert (answer.status, answer.body) == (200, None)
    assert client.ask("GET", "/health").status == 200


def test_a_rebound_host_and_a_foreign_page_are_403(client):
    assert client.ask("GET", "/health", headers={"Host": "evil.example"}).status == 403
    answer = client.ask("POST", "/api/events", b"{}", {"Origin": "http://evil.example"})
    assert answer.status == 403


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 411),
        (
            b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
            411,
        ),
        (b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n", 400),
        (
            b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
            413,
        ),
        (b"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\r\n\r\n", 400),
        (b"GET /health HTTP/9.9\r\n\r\n", 505),
    ],
)
def test_what_is_malformed_or_too_large_is_answered_and_ended(head, status, monkeypatch, raw):
    monkeypatch.setattr(stream, "LINGER_S", 0.0)
    reply = raw(head)
    assert reply.split(b" ")[1] == b"%d" % status
    assert b'{"detail": ' in reply
    assert b"Connection: close" in reply


HEAD_THAT_WAITS = (
    b"POST %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n"
    b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
)


def test_a_client_that_waits_for_100_is_invited(monitor):
    body = batch_body(event())
    with socket.create_connection(("127.0.0.1", monitor.port), timeout=20) as connection:
        connection.sendall(HEAD_THAT_WAITS % (b"/api/events/batch", monitor.port, len(body)))
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("path", "length", "answer"),
    [(b"/nowhere", 5, b"404"), (b"/api/events", 10**9, b"413"), (b"/api/events", 0, b"422")],
)
def test_a_client_that_waits_for_100_is_not_invited_in_vain(monitor, raw, path, length, answer):
    reply = raw(HEAD_THAT_WAITS % (path, monitor.port, length), then_end=True)
    assert reply.startswith(b"HTTP/1.1 %s " % answer)


def test_a_client_of_http_1_0_is_answered_and_left(raw, monitor):
    body = json.dumps(event()).encode()
    head = b"POST /api/events HTTP/1.0\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    reply = raw(head + b"Connection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in reply


def test_a_target_in_absolute_form_is_answered_only_for_this_host(raw, monitor):
    get = b"GET http://%s/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert raw(get % (b"127.0.0.1:%d" % monitor.port)).startswith(b"HTTP/1.1 200 ")
    assert raw(get % b"evil.example").startswith(b"HTTP/1.1 403 ")


def test_a_client_still_sending_when_it_is_refused_reads_why(tmp_path):
    with Monitor("127.0.0.1", 0, tmp_path, token="em_live_a") as monitor:
        client = Client(monitor.port)
        assert client.ask("POST", "/api/events/batch", b"x" * 20_000_000).status == 401
        client.connection.close()


def test_requests_in_one_packet_are_answered_in_turn(raw):
    body = json.dumps(event()).encode()
    post = b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reply = raw(post + body + post + body + last)
    assert reply.count(b"HTTP/1.1 200 OK") == 3
    assert reply.index(b'"deduplicated": false') < reply.index(b'"deduplicated": true')


def test_several_reporters_at_once_lose_and_double_nothing(monitor, run_directories):
    shared = [event(batch_id=f"bench-{n % 3}") for n in range(300)]
    answers = []

    def report():
        client = Client(monitor.port)
        for at in range(0, 300, 30):
            answers.append(client.send(*shared[at : at + 30]))
        client.connection.close()

    threads = [threading.Thread(target=report) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = [result for answer in answers for result in answer["results"]]
    assert sum(result["status"] == "accepted" for result in results) == 300
    assert sum(result["status"] == "deduplicated" for result in results) == 1500
    assert len({(result["event_id"], result["db_id"]) for result in results}) == 300
    kept = [(path / "events.jsonl").read_bytes().splitlines() for path in run_directories()]
    assert [len(lines) for lines in kept] == [100, 100, 100]
    ids = [json.loads(line)["event_id"] for lines in kept for line in lines]
    assert sorted(ids) == [each["event_id"] for each in shared]


def test_a_disk_that_fails_an_upload_is_a_500_that_may_pass(client, run_directories):
    client.send(event())
    [directory] = run_directories()
    (directory / "media").write_bytes(b"a file stands in the way")
    answer = client.upload("/api/batches/bench-1/artifacts", file_part("a.png"))
    assert answer.status == 500
    assert answer.body["detail"].startswith("internal: ")


def test_a_defect_is_a_500_and_no_more(client, monkeypatch):
    monkeypatch.setattr("argus.server.store.Store.summaries", lambda _self: 1 / 0)
    answer = client.ask("GET", "/api/batches")
    assert (answer.status, answer.body) == (500, {"detail": "internal: see the monitor's log"})
    assert client.ask("GET", "/health").status == 200
