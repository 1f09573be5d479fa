from __future__ import annotations

from pathlib import Path

from argus.rundir import edits, layout
from argus.rundir.run import RunDirectory
from argus.sync import task as words
from tests.platform.peers import StandIn
from tests.sync.runs import a_file, a_run, a_task, plain_event, sync


def kept(runs: Path) -> Path:
    """A run as it is kept, with all that may be in it."""
    run = a_run(runs / "20260422" / "092306" / "b")
    for name in ("files/git.json", "media/0001-a.png", "logs/output.log"):
        (run / name).parent.mkdir()
        (run / name).write_text("x")
    return run


def test_what_is_delivered_goes_with_all_that_belongs_to_it(stand_in: StandIn, tmp_path: Path):
    kept(tmp_path / "runs")
    [told], _ = sync(a_task(stand_in.url, prunes=True), tmp_path / "runs")
    assert (told.outcome, told.pruned, told.events) == (words.DELIVERED, True, 7)
    assert list((tmp_path / "runs").iterdir()) == []


def test_nothing_goes_unless_it_is_asked_for(stand_in: StandIn, tmp_path: Path):
    run = kept(tmp_path / "runs")
    sync(a_task(stand_in.url), run)
    assert (run / "logs" / "output.log").exists()
    [told], _ = sync(a_task(stand_in.url, prunes=True), tmp_path / "runs")
    assert (told.events, told.pruned, run.exists()) == (0, True, False)


def test_what_the_platform_has_refused_stays(stand_in: StandIn, tmp_path: Path):
    figure = tmp_path / "a.png"
    figure.write_bytes(b"x")
    run = a_run(tmp_path / "run", artifacts=(figure,))
    stand_in.mode("status:413", times=1, path="artifacts")
    for _ in range(2):
        [told], _ = sync(a_task(stand_in.url, prunes=True), run)
        assert not told.pruned
    assert run.exists()


def test_a_dead_letter_of_long_ago_stays(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    (run / layout.REJECTED).write_text("{}\n")
    assert not sync(a_task(stand_in.url, prunes=True), run)[0][0].pruned


def test_a_run_that_is_being_written_stays(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    held = RunDirectory.recover(run, kept=True)
    assert held is not None
    [told], _ = sync(a_task(stand_in.url, prunes=True), run)
    held.release()
    assert (told.events, told.pruned) == (7, False)


def test_what_somebody_else_has_put_there_stays(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.pt").write_text("x")
    [told], _ = sync(a_task(stand_in.url, prunes=True), run)
    assert (told.pruned, told.stays) == (False, "checkpoints in it is no part of a run")
    assert (run / "checkpoints" / "best.pt").exists()


def test_what_stays_is_left_whole(stand_in: StandIn, tmp_path: Path):
    run = kept(tmp_path / "runs")
    (run / "results.csv").write_text("x")
    before = sorted(path.name for path in run.rglob("*"))
    sync(a_task(stand_in.url, prunes=True), run)
    assert set(before) <= {path.name for path in run.rglob("*")}


def test_what_somebody_has_tagged_stays(stand_in: StandIn, tmp_path: Path):
    run = kept(tmp_path / "runs")
    edits.change(run, lambda said: {**said, "tags": ["good"]})
    [told], _ = sync(a_task(stand_in.url, prunes=True), run)
    assert (told.events, told.pruned) == (7, False)
    assert edits.read(run).tags == ("good",)


def test_a_file_goes_with_the_record_of_its_delivery(stand_in: StandIn, tmp_path: Path):
    good = a_file(tmp_path / "good.jsonl", plain_event(1))
    bad = a_file(tmp_path / "bad.jsonl", plain_event(2), "no event")
    task = a_task(stand_in.url, prunes=True, state_dir=tmp_path / "state")
    told, _ = sync(task, bad, good)
    assert [each.pruned for each in told] == [False, True]
    assert (bad.exists(), good.exists()) == (True, False)
    assert len(list((tmp_path / "state" / "synced").iterdir())) == 1
    assert not sync(task, bad)[0][0].pruned  # what it left out is not anywhere else
