"""`argus runs`, and what all commands that read runs have in common."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from argus.rundir import layout, sidecar
from tests.cli.kept_runs import argus, kept, path_of, place, rows

__all__ = ["place"]


def test_runs_are_listed_filtered_and_sorted(capsys):
    assert argus(capsys, "runs")[1].startswith("no runs: ARGUS_MODE=backup")
    kept("a", "paper", mse=(0.5,))
    kept("b", "paper", mse=(0.1, 0.2), n_total=4)
    kept("c", "other", mse=(0.3,))
    code, out, err = argus(capsys, "runs")
    assert (code, err, len(out.splitlines())) == (0, "", 4)
    line = next(line for line in out.splitlines() if " b " in line)
    assert "2/4" in line and "MSE=0.2" in line and " no" in line
    assert rows(capsys, "--project", "paper", "--sort", "run") == ["a", "b"]
    assert rows(capsys, "--sort", "MSE") == ["b", "c", "a"]
    assert rows(capsys, "--sort", "MSE", "--reverse", "--limit", "1") == ["a"]
    assert rows(capsys, "--state", "failed") == []
    assert argus(capsys, "runs", "--state", "failed")[1].startswith("none of the 3 runs here")
    assert len(rows(capsys, "--since", "1h")) == 3
    assert rows(capsys, "--since", "2999-01-01") == []
    argus(capsys, "tag", "c", "+good")
    assert rows(capsys, "--tag", "good") == ["c"]


def test_metric_that_no_run_has_is_said_with_those_that_there_are(capsys):
    kept("a")
    code, out, err = argus(capsys, "runs", "--sort", "mse")
    assert (code, out) == (2, "")
    assert err == "argus runs: no run has a metric 'mse'; there are MSE, n\n"


def test_place_that_cannot_be_read_is_told_apart_from_one_without_runs(capsys, place):
    (place / "empty").mkdir()
    assert argus(capsys, "runs", "--runs", "empty")[0] == 0
    told = argus(capsys, "show", "empty")[2]
    assert told == "argus show: empty is no run, or its files cannot be read: see `argus runs`\n"
    (place / "closed").mkdir(mode=0)
    if os.access(place / "closed", os.R_OK):
        pytest.skip("root reads everything")
    told = argus(capsys, "runs", "--runs", "closed")
    assert told == (2, "", "argus runs: closed cannot be read: Permission denied\n")


def test_damaged_run_is_read_as_far_as_it_goes_and_one_that_cannot_be_read_is_told(capsys, place):
    kept("good")
    kept("torn")
    with open(os.path.join(path_of("torn"), layout.EVENTS), "ab") as file:
        file.write(b'\0\0\n{"event_id": "half')
    assert argus(capsys, "show", "torn")[0] == 0
    bad = place / "runs" / "bad"
    bad.mkdir()
    (bad / layout.EVENTS).symlink_to(place)
    sidecar.write(bad, {"batch_id": "bad", "events_bytes": 0}, private=False)
    code, out, err = argus(capsys, "runs")
    assert code == 2
    assert err.startswith("argus runs: ") and "bad cannot be read" in err
    assert "good" in out and "torn" in out
    assert argus(capsys, "runs", "--runs", "nowhere") == (
        2,
        "",
        "argus runs: nowhere is no directory\n",
    )


@pytest.mark.parametrize("command", ["runs", "show", "best", "export", "tag", "gc"])
def test_help_teaches_by_examples(capsys, command):
    code, out, _ = argus(capsys, command, "--help")
    assert (code, f"examples:\n  argus {command}" in out) == (0, True)


@pytest.mark.parametrize("words", [("runs",), ("show", "a"), ("export", "a", "--csv")])
def test_stdout_that_takes_nothing_is_told_in_one_line_and_a_closed_one_is_nobody(words):
    kept("a")
    command = shlex.join([sys.executable, "-m", "argus", *words])

    def told(redirected):
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        shell = ["sh", "-c", f"{command} {redirected}"]
        done = subprocess.run(shell, env=environ, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    assert told(">&-") == (0, "")
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here: no disk that is full to print to")
    assert told(">/dev/full") == (1, f"argus {words[0]}: No space left on device\n")


def test_text_that_no_terminal_has_is_printed_as_an_escape(place):
    """A directory's name need not be UTF-8, and a stdout may know ASCII alone."""
    run = place / "runs" / os.fsdecode(b"odd\xff")
    try:
        run.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    (run / layout.SIDECAR).write_text(json.dumps({"project": "n\u00e4ch\U0001f600"}))
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-m", "argus", "runs", "--json"]
    done = subprocess.run(words, env=environ, capture_output=True, cwd=place, check=True)
    [row] = json.loads(done.stdout)
    assert row["project"] == "n\u00e4ch\U0001f600"
    assert row["path"].endswith("odd\udcff")
