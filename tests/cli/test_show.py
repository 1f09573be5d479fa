"""`argus show`, and which run a name means."""

import json

import pytest

from argus import Reporter
from tests.cli.kept_runs import argus, kept, path_of, place

__all__ = ["place"]


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
