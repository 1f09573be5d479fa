"""`argus serve` as a process of its own, speaking real HTTP."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from argus import __version__
from argus.cli import main
from tests.server.events import Client, event, file_part

ROOT = Path(__file__).resolve().parents[2]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Serving:
    """A running `argus serve`, its first lines, and a connection."""

    def __init__(self, runs, arguments, environ):
        command = [sys.executable, "-m", "argus", "serve", "--port", "0", "--runs", str(runs)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline() for _ in range(3)]
        self.port = int(self.lines[0].split(",")[0].rpartition(":")[2])
        self.client = Client(self.port)

    def end(self, number):
        self.client.connection.close()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def serve(tmp_path):
    """Starts `argus serve` on `tmp_path / "runs"`; all are killed at the end."""
    servings = []

    def start(*arguments, **environ):
        servings.append(Serving(tmp_path / "runs", arguments, environ))
        return servings[-1]

    yield start
    for serving in servings:
        serving.client.connection.close()
        if serving.process.poll() is None:
            serving.process.kill()
        serving.process.communicate(timeout=20)


def refusal(*arguments):
    """The one line of an `argus serve` that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "argus", "serve", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_cleanly(serve, tmp_path, number):
    serving = serve()
    url = f"http://127.0.0.1:{serving.port}"
    assert serving.lines[0] == (
        f"Argus monitor listening on {url}, keeping runs in {tmp_path / 'runs'}\n"
    )
    assert f"ARGUS_URL={url} " in serving.lines[1]
    assert serving.lines[2].split() == ["Look", "at", "the", "runs:", f"{url}/"]
    serving.client.send(event("batch_start"))
    assert serving.end(number) == (0, "", "")
    [sidecar] = (tmp_path / "runs").glob("*/*/*/run.json")
    assert json.loads(sidecar.read_text("utf-8"))["n_events"] == 1


@posix_only
def test_after_kill_9_it_knows_what_it_had_answered(serve, tmp_path):
    serving, sent = serve(), [event("job_start"), event()]
    first = serving.client.send(*sent)
    serving.client.ask("POST", "/api/batches/bench-1/stop")
    serving.client.upload("/api/jobs/job-1/artifacts", file_part("plot.png"))
    before = serving.client.ask("GET", "/api/batches").body
    assert serving.end(signal.SIGKILL)[0] == -signal.SIGKILL
    [events] = (tmp_path / "runs").glob("*/*/*/events.jsonl")
    with open(events, "ab") as file:
        file.write(b'{"event_id":"550e8400-')

    client = serve().client
    assert client.ask("GET", "/api/batches").body == before
    again = client.send(*sent, event())
    assert [item["status"] for item in again["results"]] == [
        "deduplicated",
        "deduplicated",
        "accepted",
    ]
    assert [item["db_id"] for item in again["results"]] == [1, 2, 3]
    assert [item["db_id"] for item in first["results"]] == [1, 2]
    assert client.ask("GET", "/api/batches/bench-1/stop-requested").body["requested"] is True
    upload = client.upload("/api/jobs/job-1/artifacts", file_part("plot.png"))
    assert (upload.status, upload.body["id"]) == (201, 2)
    assert len(events.read_bytes().splitlines()) == 3


@posix_only
def test_the_token_comes_from_the_environment_and_is_never_printed(serve):
    serving = serve("--verbose", ARGUS_SERVE_TOKEN="em_live_secret-1")
    asked = serving.client.ask("GET", "/api/batches")
    allowed = serving.client.ask(
        "GET", "/api/batches", headers={"Authorization": "Bearer em_live_secret-1"}
    )
    assert (asked.status, allowed.status) == (401, 200)
    code, out, err = serving.end(signal.SIGTERM)
    assert "em_live_secret-1" not in "".join([*serving.lines, out, err])
    assert [line.split()[1:4] for line in err.splitlines()] == [
        ["GET", "'/api/batches'", "401"],
        ["GET", "'/api/batches'", "200"],
    ]
    assert code == 0


def test_a_second_monitor_on_the_same_runs_says_what_to_do(serve, tmp_path):
    serve()
    said = refusal("--port", "0", "--runs", str(tmp_path / "runs"))
    assert said.count("\n") == 1
    assert "--runs" in said
    assert "another monitor" in said


def test_a_port_in_use_says_what_to_do(serve, tmp_path):
    said = refusal("--port", str(serve().port), "--runs", str(tmp_path / "other"))
    assert said.count("\n") == 1
    assert "in use" in said
    assert "--port" in said


def test_a_runs_directory_that_cannot_be_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    said = refusal("--port", "0", "--runs", str(tmp_path / "file" / "runs"))
    assert said.count("\n") == 1
    assert "--runs" in said


def test_other_machines_need_a_token(tmp_path):
    said = refusal("--host", "0.0.0.0", "--port", "0", "--runs", str(tmp_path / "runs"))
    assert said.count("\n") == 1
    assert "ARGUS_SERVE_TOKEN" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("token", ["em live", "em_live_é", "em\x07live"])
def test_a_token_that_no_header_can_carry_is_told(tmp_path, token):
    said = refusal("--token", token, "--runs", str(tmp_path / "runs"))
    assert said.count("\n") == 1
    assert token not in said


@pytest.mark.parametrize("token", ["", "  "])
def test_an_empty_token_is_none(tmp_path, token):
    said = refusal("--host", "0.0.0.0", "--token", token, "--runs", str(tmp_path / "runs"))
    assert "ARGUS_SERVE_TOKEN" in said


def test_a_host_that_is_no_name_is_told(tmp_path):
    said = refusal("--host", "é" * 70, "--token", "em_live_x", "--runs", str(tmp_path / "runs"))
    assert said.count("\n") == 1
    assert "no name of a host" in said


def test_a_host_that_is_not_here_is_told(tmp_path):
    said = refusal("--host", "127.0.0.1.invalid", "--token", "em_live_x", "--runs", str(tmp_path))
    assert said.count("\n") == 1
    assert "em_live_x" not in said


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_an_argument_error(capsys, port):
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", port])
    assert ended.value.code == 2
    assert "is not a port" in capsys.readouterr().err


def test_without_a_command_the_help_is_printed(capsys):
    assert main([]) == 2
    assert "argus serve" in capsys.readouterr().err


def test_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    assert "ARGUS_URL=http://127.0.0.1:8765" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"argus {__version__}\n")
