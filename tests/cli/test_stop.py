"""`argus stop` and a monitor that is asked."""

import json
import os
import threading
import time

import pytest

from argus.cli import main
from tests.environment import clean_environment, quiet
from tests.platform.peers import MonitorProcess

__all__ = ["clean_environment"]

TOKEN = "em_live_stop-1"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory):
    with MonitorProcess(tmp_path_factory.mktemp("runs"), token=TOKEN) as monitor:
        yield monitor


@pytest.fixture
def here(monitor, monkeypatch):
    """The environment names the monitor and its token."""
    monkeypatch.setenv("ARGUS_URL", monitor.url)
    monkeypatch.setenv("ARGUS_TOKEN", TOKEN)
    return monitor


def started(batch_id):
    with quiet(batch_id=batch_id):
        pass


def test_a_training_that_runs_is_stopped(here, capsys):
    deadline = time.monotonic() + 30.0
    with quiet(batch_id="live", stop_polling=0.05) as r, r.job("j") as j:
        while main(["stop", "live"]) == 2:  # its first event has not arrived yet
            assert time.monotonic() < deadline
        while not j.stopped:
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)
    assert capsys.readouterr().out.startswith("live is asked to stop, since 20")


def test_a_batch_that_cannot_hear_of_it_is_told(here, capsys):
    started("runs/1 ü")
    assert main(["stop", "runs/1 ü"]) == 0
    assert "cannot hear of it" in capsys.readouterr().out


def test_json_is_one_object(here, capsys):
    started("json")
    assert main(["stop", "json", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["batch_id"], told["url"], told["requested"]) == ("json", here.url, True)
    assert told["requested_at"].startswith("20")
    assert main(["stop", "nobody", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["outcome"] == "unknown"


def test_a_batch_that_nobody_knows_is_bad_input(here, capsys):
    assert main(["stop", "nobody"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "knows no batch nobody" in err


@pytest.mark.parametrize("token", ["em_live_other", ""])
def test_a_refused_token_is_told(here, capsys, monkeypatch, token):
    monkeypatch.setenv("ARGUS_TOKEN", token)
    assert main(["stop", "b"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "check ARGUS_TOKEN" in err


def test_a_platform_that_is_away_is_told(capsys):
    assert main(["stop", "b", "--url", "http://127.0.0.1:9"]) == 1
    assert "ConnectionRefusedError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["b"], "set ARGUS_URL, or give --url"),
        (["b", "--url", "ftp://x"], "not an http:// or https:// address"),
        (["b", "--url", f"http://{'ü' * 70}.org"], "check ARGUS_URL"),
        (["", "--url", "http://127.0.0.1:9"], "name it"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, said):
    assert main(["stop", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["stop", "--help"])
    assert ended.value.code == 0
    assert "argus stop bench-1f2e3d4c5b6a" in capsys.readouterr().out
    assert "ARGUS_URL" not in os.environ
