"""The commands that read run directories, on runs that reporters have kept."""

import csv
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import time

import pytest

from argus import Reporter
from argus.cli import gc, main
from argus.rundir import layout, sidecar

YEARS = 90 * 86_400


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working directory with nothing configured, and runs below it."""
    for name in [name for name in os.environ if name.startswith("ARGUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARGUS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(batch_id, project="p", mse=(0.2,), epochs=3, **options):
    with Reporter(batch_id=batch_id, source_project=project, mode="backup", **options) as r:
        for number, value in enumerate(mse):
            with r.job(f"{batch_id}-j{number}", model="tst") as j:
                for epoch in range(epochs):
                    j.epoch(epoch, train_loss=1 / (epoch + 1), note="=1+1")
                j.log("nearly there")
                j.metrics({"MSE": value, "n": number})


def path_of(batch_id):
    [found] = [each for each in (os.walk("runs")) if os.path.basename(each[0]) == batch_id]
    return found[0]


def argus(capsys, *words):
    try:
        code: object = main([str(word) for word in words])
    except SystemExit as refused:  # argparse
        code = refused.code
    told = capsys.readouterr()
    return code, told.out, told.err


def rows(capsys, *words):
    code, out, err = argus(capsys, "runs", "--json", *words)
    assert (code, err) == (0, "")
    return [row["batch_id"] for row in json.loads(out)]


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


def test_run_is_shown_with_its_curves_jobs_and_last_words(capsys):
    kept("a", config={"lr": 0.1, "token": "hidden-or-not"})
    code, out, err = argus(capsys, "show", "a")
    assert (code, err) == (0, "")
    for text in (
        "a  done",
        "not delivered",
        "a-j0",
        "MSE=0.2",
        "train_loss",
        "lr ",
        "nearly there",
    ):
        assert text in out
    assert "hidden-or-not" not in out
    told = json.loads(argus(capsys, "show", "a", "--json")[1])
    assert told["run"]["state"] == "done"
    assert [job["job_id"] for job in told["jobs"]] == ["a-j0"]
    [loss] = [series for series in told["series"] if series["name"] == "train_loss"]
    assert loss["epoch"] == [0, 1, 2]


def test_run_that_failed_outside_of_its_jobs_says_why(capsys):
    with pytest.raises(KeyError), Reporter(batch_id="a", source_project="p", mode="backup"):
        raise KeyError("no such dataset")
    assert "KeyError: 'no such dataset'" in argus(capsys, "show", "a")[1]


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


def test_run_is_meant_by_its_path_its_id_the_beginning_of_it_or_its_name(capsys):
    kept("bench-12")
    kept("bench-13")
    assert argus(capsys, "show", "bench-12")[0] == 0
    assert argus(capsys, "show", path_of("bench-13"))[1].startswith("bench-13")
    argus(capsys, "tag", "bench-13", "--name", "favourite")
    assert argus(capsys, "show", "favourite")[0] == 0
    code, out, err = argus(capsys, "show", "bench-1")
    assert (code, out) == (2, "")
    assert "can mean 2 runs (bench-1" in err
    assert argus(capsys, "show", "nobody") == (
        2,
        "",
        "argus show: there is no run 'nobody': see `argus runs`\n",
    )


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


def test_best_job_is_the_lowest_or_the_highest_and_never_nan(capsys):
    kept("a", mse=(0.5, float("nan"), 0.3))
    kept("b", mse=(0.4,))
    best = json.loads(argus(capsys, "best", "--metric", "MSE", "--json")[1])
    assert [(job["value"], job["job_id"]) for job in best] == [
        (0.3, "a-j2"),
        (0.4, "b-j0"),
        (0.5, "a-j0"),
    ]
    best = json.loads(argus(capsys, "best", "a", "--metric", "MSE", "--max", "--json")[1])
    assert best[0]["value"] == 0.5
    assert argus(capsys, "best", "--metric", "MSE", "--limit", "1")[1].splitlines()[1].split()[
        :4
    ] == [
        "1",
        "0.3",
        "a",
        "a-j2",
    ]
    code, out, err = argus(capsys, "best", "--metric", "loss")
    assert (code, out, "there are: MSE, n" in err) == (2, "", True)


def test_best_of_more_jobs_than_a_sidecar_lists(capsys):
    kept("many", mse=[1 - number / 1_000 for number in range(130)], epochs=0)
    best = json.loads(argus(capsys, "best", "--metric", "MSE", "--max", "--json", "--limit", 2)[1])
    assert [job["job_id"] for job in best] == ["many-j0", "many-j1"]


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


def test_tags_are_added_and_taken_away(capsys):
    kept("a")
    assert argus(capsys, "tag", "a", "+good", "+old")[1] == "a: good old\n"
    assert argus(capsys, "tag", "a", "-old", "+x y", "--json")[1] == (
        '{"batch_id": "a", "name": null, "notes": "", "tags": ["good", "x y"], "archived": false}\n'
    )
    assert argus(capsys, "tag", "a", "--notes", "n", "-good", "+b")[:2] == (0, "a: x y b\n")
    assert argus(capsys, "tag", "a", "good")[0] == 2
    assert argus(capsys, "tag", "a", "--archiv3")[2].endswith("unrecognized arguments: --archiv3\n")
    argus(capsys, "tag", "a", "--archive")
    assert (rows(capsys), rows(capsys, "--archived")) == ([], ["a"])
    argus(capsys, "tag", "a", "--restore")
    assert rows(capsys) == ["a"]


def test_what_is_delivered_and_old_can_go_and_nothing_else(capsys):
    for batch_id in ("young", "old", "liked", "undelivered", "shared"):
        kept(batch_id)
        path = path_of(batch_id)
        if batch_id != "undelivered":
            size = os.path.getsize(os.path.join(path, layout.EVENTS))
            with open(os.path.join(path, layout.DELIVERED), "w") as file:
                file.write(f"{size}\n")
        if batch_id != "young":
            ago = time.time() - YEARS
            for name in (layout.EVENTS, layout.HEARTBEAT):
                os.utime(os.path.join(path, name), (ago, ago))
    argus(capsys, "tag", "liked", "+good")
    checkpoint = os.path.join(path_of("shared"), "checkpoints", "best.pt")
    os.mkdir(os.path.dirname(checkpoint))
    with open(checkpoint, "w"):
        pass
    code, out, _ = argus(capsys, "gc")
    assert (code, "1 of 5 runs can go" in out) == (0, True)
    assert len(rows(capsys)) == 5
    told = json.loads(argus(capsys, "gc", "--json")[1])
    reasons = {os.path.basename(each["path"]): each["reason"] for each in told}
    assert reasons["undelivered"].startswith("it is not delivered")
    assert reasons["liked"].startswith("somebody has tagged")
    assert reasons["young"].startswith("it is too young")
    assert reasons["shared"] == "checkpoints in it is no part of a run"
    assert argus(capsys, "gc", "--yes")[0] == 0
    assert sorted(rows(capsys)) == ["liked", "shared", "undelivered", "young"]
    assert os.path.exists(checkpoint)


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


def test_run_that_goes_on_while_it_is_judged_stays(capsys, monkeypatch):
    kept("a")
    path = path_of("a")
    with open(os.path.join(path, layout.DELIVERED), "w") as file:
        file.write(str(os.path.getsize(os.path.join(path, layout.EVENTS))))
    ago = time.time() - YEARS
    for name in (layout.EVENTS, layout.HEARTBEAT):
        os.utime(os.path.join(path, name), (ago, ago))
    real_size = gc._size

    def size_and_more(place):
        with open(os.path.join(path, layout.EVENTS), "ab") as file:
            file.write(b"{}\n")
        return real_size(place)

    monkeypatch.setattr(gc, "_size", size_and_more)
    code, _, err = argus(capsys, "gc", "--yes")
    assert (code, err.count("it has changed meanwhile")) == (1, 1)
    assert rows(capsys) == ["a"]
