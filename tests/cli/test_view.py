import json
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.cli.test_serve import ROOT, posix_only
from tests.scanner.conftest import Run
from tests.server.events import event


def viewing(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "argus", "view", "--no-browser", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@posix_only
def test_runs_of_a_directory_are_shown_and_nothing_is_written_there(tmp_path):
    runs = tmp_path / "runs"
    run = Run(runs / "20260101" / "000000" / "b")
    run.append(event("batch_start"))
    before = sorted(path.relative_to(runs) for path in runs.rglob("*"))
    process = viewing(runs)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        found: list[dict[str, str]] = []
        while not found:
            with urllib.request.urlopen(f"{url}api/runs", timeout=20) as answer:
                found = json.load(answer)["runs"]
        assert [row["batch_id"] for row in found] == ["b"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    assert sorted(path.relative_to(runs) for path in runs.rglob("*")) == before


@pytest.mark.parametrize("words", [["nowhere"], ["--port", "99999"]])
def test_what_cannot_be_shown_is_said_in_one_line(words):
    process = viewing(*words)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1].startswith("argus view: ")
