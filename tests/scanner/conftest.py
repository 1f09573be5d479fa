"""Runs on disk, as reporters and monitors leave them."""

import json

import pytest

from argus.rundir import layout, sidecar
from tests.server.events import event


class Run:
    """A run directory that a test writes by hand."""

    def __init__(self, path, **described):
        path.mkdir(parents=True)
        self.path = path
        self.describe(batch_id=path.name, **described)

    def describe(self, **content):
        sidecar.write(self.path, content, private=False)

    def append(self, *events):
        with open(self.path / layout.EVENTS, "ab") as file:
            for each in events:
                file.write(json.dumps(each).encode() + b"\n")

    def epochs(self, first, count, job_id="j"):
        made = [
            event("job_epoch", job_id=job_id, data={"epoch": number, "loss": 1 / (number + 1)})
            for number in range(first, first + count)
        ]
        self.append(*made)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def run(root):
    run = Run(root / "20260101" / "000000" / "b")
    run.append(event("batch_start", data={"n_total_jobs": 2}))
    return run
