"""`argus export`."""

import csv
import io
import json
import os
import shutil

from argus.rundir import layout, sidecar
from tests.cli.kept_runs import argus, kept, path_of, place

__all__ = ["place"]


def test_numbers_are_exported_for_spreadsheets_and_scripts(capsys):
    kept("a")
    table = list(csv.DictReader(io.StringIO(argus(capsys, "export", "a", "--csv")[1])))
    assert [(row["job_id"], row["epoch"], row["train_loss"]) for row in table] == [
        ("a-j0", "0", "1.0"),
        ("a-j0", "1", "0.5"),
        ("a-j0", "2", "0.3333333333333333"),
    ]
    assert table[0]["note"] == "'=1+1"  # no spreadsheet runs it
    jobs = argus(capsys, "export", "a", "--json", "--table", "jobs")[1]
    assert json.loads(jobs)["MSE"] == 0.2
    events = argus(capsys, "export", "a", "--json", "--table", "events")[1].splitlines()
    assert json.loads(events[0])["event_type"] == "batch_start"
    code, out, err = argus(capsys, "export", "a", "nobody", "--json")
    assert (code, len(out.splitlines())) == (2, 3)
    assert "nobody" in err


def test_export_of_a_run_that_has_a_new_name_meanwhile(capsys, monkeypatch):
    row = {"batch_id": "b", "loss": 1}
    told = iter([[row], [row, {**row, "new": 2}]])
    monkeypatch.setattr("argus.cli.export.Rows.__iter__", lambda _: iter(next(told)))
    kept("a")
    code, out, _ = argus(capsys, "export", "a", "--csv")
    assert (code, out.splitlines()[-1]) == (0, "b,,,1")


def test_events_that_cannot_be_read_are_told_and_the_other_runs_are_done(capsys):
    kept("a")
    kept("b", mse=(0.5,))
    events = os.path.join(path_of("a"), layout.EVENTS)
    os.remove(events)
    os.mkfifo(events)
    for words in (("export", "a", "b", "--json", "--table", "jobs"), ("show", "a")):
        code, out, err = argus(capsys, *words)
        assert (code, err.count("\n"), "a cannot be read: not a regular file" in err) == (
            2,
            1,
            True,
        )
        assert '"MSE": 0.5' in out or words[0] == "show"


def test_exported_nan_is_one_of_the_contract(capsys):
    kept("a")
    with open(os.path.join(path_of("a"), layout.EVENTS), "r+b") as file:
        changed = file.read().replace(b'"train_loss":1.0', b'"train_loss":NaN')
        file.seek(0)
        file.write(changed)
    _, out, _ = argus(capsys, "export", "a", "--json")
    assert json.loads(out.splitlines()[0])["train_loss"] == "NaN"


def test_what_a_monitor_keeps_beside_its_reporter_is_told_once(capsys, place):
    kept("a", epochs=3)
    twin = place / "runs" / "20260101" / "000000" / "a-2"
    shutil.copytree(path_of("a"), twin)
    described = sidecar.read(twin)
    sidecar.write(twin, {**described, "written_by": "monitor"}, private=False)
    _, out, _ = argus(capsys, "export", "a", "--json")
    assert [json.loads(line)["epoch"] for line in out.splitlines()] == [0, 1, 2]
