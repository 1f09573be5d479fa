"""`argus doctor`: what it shows, and what its exit code says."""

import io
import json

import pytest

from argus.cli import main
from argus.cli.doctor import Shown
from argus.inspection.finding import FAIL, OK, Finding
from tests.environment import clean_environment, platform

__all__ = ["clean_environment", "platform"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_where_a_run_would_report_it_is_0(platform, capsys, tmp_path):
    assert main(["doctor", "--token", "em_live_secret-1"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "FAIL" not in out
    assert "em_live_secret-1" not in out
    lines = out.splitlines()
    assert [line for line in lines if line and line[0] != " "] == [
        *("settings", "platform", "disk", "versions", "a run here would report")
    ]
    assert f"  ok    url           {platform.url}  (ARGUS_URL)" in lines
    assert "  ok    token         accepted" in lines
    assert platform.stats()["events"] == 0


def test_where_it_would_not_it_is_1_and_says_what_to_do(platform, capsys):
    platform.mode("status:401")
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  FAIL"))
    assert lines[at].split()[:2] == ["FAIL", "token"]
    assert lines[at + 1].strip().startswith("-> set ARGUS_TOKEN")
    assert lines[-1] == "a run here would not report: see FAIL"


@pytest.mark.parametrize("mode", ["disabled", "backup"])
def test_a_run_that_sends_nothing_does_not_report(platform, monkeypatch, capsys, mode):
    monkeypatch.setenv("ARGUS_MODE", mode)
    assert main(["doctor"]) == 1
    assert f"FAIL  mode          {mode}" in capsys.readouterr().out
    assert platform.stats()["requests"] == 0


def test_json_is_one_document(platform, capsys):
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["would_report"] is True
    assert {finding["section"] for finding in told["findings"]} == {
        *("settings", "platform", "disk", "versions")
    }
    [trip] = [one for one in told["findings"] if one["name"] == "round trip"]
    assert trip["facts"]["round_trip_ms"] > 0


def test_colour_is_for_a_terminal_that_wants_it():
    def shown(stream, **environ):
        show = Shown(stream, environ)
        show.finding(Finding("disk", "x", FAIL, "bad\x1b[2J", "do"))
        show.finding(Finding("disk", "y", OK, "good", origin="ARGUS_URL"))
        show.end(False)
        return stream.getvalue()

    plain = (
        "disk\n  FAIL  x             bad [2J\n                      -> do\n"
        "  ok    y             good  (ARGUS_URL)\n\na run here would not report: see FAIL\n"
    )
    assert shown(io.StringIO()) == plain
    assert shown(Terminal(), NO_COLOR="1") == plain
    assert shown(Terminal(), TERM="dumb") == plain
    assert "\x1b[31;1mFAIL\x1b[0m  x" in shown(Terminal())


def test_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--help"])
    assert ended.value.code == 0
    assert "argus doctor --json" in capsys.readouterr().out
