"""Every answer of the wire contract, from the real process, to whatever it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos.hostile_clients import NASTY_IDS, exchange
from tests.platform.peers import MonitorProcess
from tests.server.events import Client, batch_body, event, file_part, text_part

TOKEN = "em_live_A-b_9"
BATCH = "/api/events/batch"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory):
    runs = tmp_path_factory.mktemp("contract") / "runs"
    with MonitorProcess(runs, token=TOKEN) as monitor:
        yield monitor
        assert monitor.alive
        assert monitor.server.stderr() == ""


@pytest.fixture
def ask(monitor):
    """Asks with the token, and sees that the monitor answers the next one too."""
    client = Client(monitor.port)

    def ask(method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.ask(method, path, body, {"Authorization": f"Bearer {TOKEN}", **named})
        assert client.ask("GET", "/health").status == 200
        return answer

    yield ask
    client.connection.close()


def problems(answer):
    """The places of what is wrong, of a 422."""
    assert answer.status == 422, answer
    return [problem["loc"] for problem in answer.body["detail"]]


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_without_the_token_it_is_401_and_told_how(monitor, given):
    client = Client(monitor.port)
    for method, path in (("POST", BATCH), ("GET", "/api/batches"), ("POST", "/api/batches/b/stop")):
        answer = client.ask(method, path, b"{}", {} if given is None else {"Authorization": given})
        assert (answer.status, list(answer.body)) == (401, ["detail"])
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    client.connection.close()


def test_another_schema_is_415(ask):
    for version in ("1.0", "1.2", "2"):
        assert ask("POST", BATCH, batch_body(event(), event(schema_version=version))).status == 415
        assert ask("POST", "/api/events", json.dumps(event(schema_version=version))).status == 415


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_id": "x"}, "event_id"),
        ({"event_id": None}, "event_id"),
        ({"event_id": "550e8400-e29b-81d4-a716-00000000000g"}, "event_id"),
        ({"schema_version": None}, "schema_version"),
        ({"schema_version": 1.1}, "schema_version"),
        ({"event_type": "heartbeat"}, "event_type"),
        ({"timestamp": "2026-04-23T09:23:06+00:00"}, "timestamp"),
        ({"timestamp": "2026-02-31T09:23:06Z"}, "timestamp"),
        ({"batch_id": ""}, "batch_id"),
        ({"batch_id": "x" * 129}, "batch_id"),
        ({"batch_id": 7}, "batch_id"),
        ({"batch_id": "a\ud800"}, "batch_id"),
        ({"job_id": None}, "job_id"),
        ({"job_id": "x" * 257}, "job_id"),
        ({"job_id": "\udfff"}, "job_id"),
        ({"source": {}}, "source"),
        ({"source": {"project": "p", "pid": 1}}, "source"),
        ({"data": []}, "data"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_malformed_envelope_is_422_and_named_and_nothing_is_kept(ask, changes, field):
    good = event(batch_id="untouched")
    answer = ask("POST", BATCH, batch_body(good, event(**{"batch_id": "untouched", **changes})))
    assert problems(answer) == [["body", "events", 1, field]]
    assert ask("GET", "/api/batches/untouched/stop-requested").status == 404


@pytest.mark.parametrize("number", [0, 501])
def test_a_request_has_1_to_500_events(ask, number):
    body = batch_body(*(event(batch_id="untouched") for _ in range(number)))
    assert problems(ask("POST", BATCH, body)) == [["body", "events"]]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"epoch": 1.5},
        {"epoch": "1"},
        {"epoch": True},
        {"epoch": 10**400},
        {"epoch": 1, "train_loss": [1]},
        {"epoch": 1, "lr": "nan"},
        {"epoch": 1, "extra": json.loads("[" * 200 + "]" * 200)},
    ],
)
def test_bad_data_rejects_its_event_alone(ask, data):
    answer = ask("POST", BATCH, batch_body(event(), event(data=data), event()))
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (200, 2, 1)
    rejected = answer.body["results"][1]
    assert (rejected["status"], rejected["db_id"]) == ("rejected", None)
    assert rejected["error"].startswith("[{'type': ")


def test_non_finite_numbers_travel_as_strings_alone(ask):
    as_strings = event(data={"epoch": 1, "val_loss": "NaN", "lr": "-Infinity", "x": "Infinity"})
    assert ask("POST", BATCH, batch_body(as_strings)).body["accepted"] == 1
    for token in ("NaN", "Infinity", "-Infinity"):
        body = batch_body(event()).replace(b'"epoch": 1', b'"epoch": 1, "x": %s' % token.encode())
        assert token.encode() in body
        assert problems(ask("POST", BATCH, body))[0][0] == "body"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"events":[' + b'{"a":' * 100_000,
        b'{"events":[' + b"9" * 5_000 + b"]}",
        b'{"events":["\xff"]}',
        b"\xef\xbb\xbf" + batch_body(event()),
        batch_body(event()).decode().encode("utf-16"),
    ],
)
def test_what_is_no_json_is_422(ask, body):
    for path in (BATCH, "/api/events"):
        assert problems(ask("POST", path, body))[0][0] == "body"


def test_of_two_keys_of_one_name_the_last_counts_now_and_later(ask, monitor):
    first, second = event(batch_id="twice"), event(batch_id="twice")
    text = json.dumps(second).replace("{", f'{{"event_id": "{first["event_id"]}", ', 1)
    for status in ("accepted", "deduplicated"):
        [result] = ask("POST", BATCH, f'{{"events": [{text}]}}'.encode()).body["results"]
        assert (result["event_id"], result["status"]) == (second["event_id"], status)
    [result] = ask("POST", BATCH, batch_body(first)).body["results"]
    assert result["status"] == "accepted"


@pytest.mark.parametrize("path", [BATCH, "/api/events", "/api/batches/bench-1/artifacts"])
def test_compression_is_400(ask, path):
    ask("POST", BATCH, batch_body(event()))
    assert ask("POST", path, b"\x1f\x8b", Content_Encoding="gzip").status == 400


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", BATCH, "POST"),
        ("DELETE", "/api/events", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("PUT", "/api/batches", "GET, HEAD"),
        ("GET", "/api/batches/b/stop", "POST"),
        ("OPTIONS", "/api/jobs/j/artifacts", "POST"),
    ],
)
def test_another_method_is_405_and_told_which(ask, method, path, allowed):
    answer = ask(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/page/../app.py"),
        ("GET", "/page/__init__.py"),
        ("GET", "/api"),
        ("GET", "/api/../health"),
        ("GET", "/%68ealth"),
        ("GET", "/../../etc/passwd"),
        ("GET", "/api/batches/none/stop-requested"),
        ("POST", "/api/batches/none/stop"),
        ("POST", "/api/batches/none/artifacts"),
        ("POST", "/api/jobs/none/artifacts"),
    ],
)
def test_what_is_not_there_is_404(ask, method, path):
    assert (ask(method, path).status) == 404


def test_a_body_that_is_too_long_is_413_before_it_is_sent(ask):
    for path in (BATCH, "/api/batches/bench-1/artifacts"):
        ask("POST", BATCH, batch_body(event()))
        headers = {
            "Content_Length": "99999999999",
            "Content_Type": "multipart/form-data; boundary=e",
        }
        assert ask("POST", path, None, **headers).status == 413


def test_a_chunked_body_is_411_and_what_follows_is_no_request(monitor):
    head = b"POST %b HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %b\r\n%b\r\n"
    request = head % (
        BATCH.encode(),
        monitor.port,
        TOKEN.encode(),
        b"Transfer-Encoding: chunked\r\n",
    )
    answer = exchange(monitor.port, request + b"0\r\n\r\nGET /health HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_three_megabyte_event_is_accepted(ask):
    assert (
        ask("POST", BATCH, batch_body(event(data={"epoch": 1, "x": "y" * 3_000_000}))).status == 200
    )


@pytest.mark.parametrize("name", NASTY_IDS)
def test_no_id_and_no_file_name_leads_outside(ask, monitor, tmp_path, name):
    started = ask("POST", BATCH, batch_body(event("job_start", batch_id=name, job_id=name or "j")))
    quoted = "".join(f"%{byte:02X}" for byte in name.encode("utf-8", "replace"))
    acceptable = 1 <= len(name) <= 128 and name != "\ud800"
    assert started.status == (200 if acceptable else 422)
    form = b"--e\r\n" + file_part(name.encode("utf-8", "replace").decode() + ".png", b"x") + b"\r\n"
    form += b"--e\r\n" + text_part("meta", "{}") + b"\r\n--e--"
    for kind in ("jobs", "batches"):
        kept = ask(
            "POST",
            f"/api/{kind}/{quoted}/artifacts",
            form,
            Content_Type="multipart/form-data; boundary=e",
        )
        # Behind dots alone, ".png" is no suffix.
        assert kept.status == (404 if not acceptable else 201 if name.strip(".") else 415)
    runs = Path(monitor.runs)
    assert sorted(path.name for path in runs.parent.iterdir()) == ["runs"]
    for path in runs.rglob("*"):
        assert not path.is_symlink()
        assert len(path.relative_to(runs).parts) <= 5  # date, time, batch, media, file


def test_ids_that_differ_in_case_alone_stay_apart(ask):
    ids = ["Twin", "twin", "TWIN"]
    sent = [event("batch_start", batch_id=each) for each in ids]
    ask("POST", BATCH, batch_body(*sent))
    known = {each["batch_id"]: each["n_events"] for each in ask("GET", "/api/batches").body}
    assert [known[each] for each in ids] == [1, 1, 1]


def test_a_stop_pressed_before_the_first_start_stays_and_a_restart_takes_it_back(ask):
    def send(kind):
        ask("POST", BATCH, batch_body(event(kind, batch_id="stopped")))
        return ask("GET", "/api/batches/stopped/stop-requested").body["requested"]

    assert send("log_line") is False
    assert ask("POST", "/api/batches/stopped/stop").status == 200
    assert [send(kind) for kind in ("batch_start", "job_start", "batch_start")] == [
        True,
        True,
        False,
    ]
