from __future__ import annotations

from pathlib import Path

import pytest

from argus.rundir import edits, layout
from argus.rundir.removal import remove, why_it_stays
from argus.rundir.run import RunDirectory
from tests.sync.runs import a_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run as it is kept, with all that belongs to one."""
    made = a_run(tmp_path / "runs" / "20260422" / "092306" / "b")
    for name in ("files/git.json", "media/0001-a.png", "logs/output.log"):
        (made / name).parent.mkdir()
        (made / name).touch()
    (made / f".{layout.SIDECAR}.4711").touch()  # a kill came in the middle of writing it
    return made


def test_a_run_goes_with_all_that_belongs_to_it_and_the_empty_dates_above(run: Path):
    (run.parents[1] / "notes.txt").touch()
    assert why_it_stays(run) is None
    held = RunDirectory.recover(run, kept=True)
    assert held is not None
    remove(held)
    assert [path.name for path in run.parents[2].rglob("*")] == ["20260422", "notes.txt"]


@pytest.mark.parametrize("name", ["results.csv", ".run.json.swp", "checkpoints/best.pt"])
def test_what_is_no_part_of_a_run_speaks_for_it(run: Path, name: str):
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).touch()
    assert why_it_stays(run) == f"{name.partition('/')[0]} in it is no part of a run"


def test_what_is_nowhere_else_speaks_for_it(run: Path):
    edits.change(run, lambda said: {**said, "notes": "the good one"})
    assert why_it_stays(run) == "somebody has tagged, named or noted it"
    (run / layout.REJECTED).touch()
    assert (why_it_stays(run) or "").startswith("the platform has refused some of it")


def test_a_link_is_not_followed(run: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").touch()
    try:
        (run / "best").symlink_to(elsewhere)
    except OSError:
        pytest.skip("no symbolic links here")
    assert why_it_stays(run) == "best in it is no part of a run"
