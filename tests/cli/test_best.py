"""`argus best`."""

import json

from tests.cli.kept_runs import argus, kept, place

__all__ = ["place"]


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
