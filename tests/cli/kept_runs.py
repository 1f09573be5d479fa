"""Runs that reporters have kept, and the command line as a user types it, for the tests of the commands
that read run directories."""

import json
import os

import pytest

from argus import Reporter
from argus.cli import main


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
