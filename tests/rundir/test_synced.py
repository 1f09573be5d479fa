from __future__ import annotations

import json
from pathlib import Path

import pytest

from argus.rundir import layout, synced
from argus.rundir.media import DELIVERED, PENDING, REFUSED, Artifact, MediaList
from argus.rundir.synced import SyncRecord
from argus.rundir.view import look

_BY = {"user": "ann"}


def taken(directory: Path, about: str = "") -> SyncRecord:
    record = SyncRecord.take(directory, False, _BY, about)
    assert record is not None
    return record


def test_each_platform_has_a_position_that_outlives_the_sync(tmp_path: Path):
    record = taken(tmp_path)
    record.save("http://a", 10)
    record.save("http://b", 20)
    record.release()
    record = taken(tmp_path)
    assert [record.position(f"http://{name}") for name in "abc"] == [10, 20, 0]
    record.release()


def test_one_has_it_at_a_time_and_the_others_see_who(tmp_path: Path):
    record = taken(tmp_path)
    assert SyncRecord.take(tmp_path, False, {"user": "bob"}) is None
    assert synced.read(tmp_path)["by"] == _BY
    record.release()
    taken(tmp_path).release()


def test_what_was_recorded_of_another_file_counts_for_nothing(tmp_path: Path):
    record = taken(tmp_path, "one")
    record.save("http://a", 10)
    record.release()
    record = taken(tmp_path, "another")
    assert record.position("http://a") == 0
    record.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"positions": 7}', '{"positions": {"a": -1}}'])
def test_a_broken_record_only_repeats(tmp_path: Path, text: str):
    (tmp_path / layout.SYNCED).write_text(text)
    record = taken(tmp_path)
    assert record.position("a") == 0
    record.release()


def test_artifacts_are_settled_for_each_platform_and_can_be_owed_again(tmp_path: Path):
    record = taken(tmp_path)
    record.settle("http://a", "j x.png", DELIVERED, None)
    record.settle("http://b", "j y.png", REFUSED, "too large")
    record.settle("http://a", "j z.png", DELIVERED, None)
    record.settle("http://a", "j z.png", PENDING, None)
    assert record.settled("http://a") == {"j x.png"}
    assert record.settled("http://b") == {"j y.png"}
    assert synced.was_refused(tmp_path)
    record.release()


def test_a_record_can_be_forgotten_with_its_directory(tmp_path: Path):
    place = tmp_path / "record"
    place.mkdir()
    record = taken(place)
    record.settle("http://a", "j x.png", DELIVERED, None)
    record.remove()
    assert not place.exists()


def test_a_run_is_delivered_once_any_platform_has_all_of_it(tmp_path: Path):
    events, artifact = tmp_path / layout.EVENTS, Artifact("/x.png", 1, "b", "j", None)
    events.write_text("x\n")
    (tmp_path / layout.SIDECAR).write_text(json.dumps({"batch_id": "b"}))
    MediaList(tmp_path, private=False).note(artifact, PENDING)
    record = taken(tmp_path)
    record.save("http://a", 2)
    assert look(tmp_path, 0.0).delivered is False
    record.settle("http://a", artifact.mark_in(tmp_path), DELIVERED, None)
    assert look(tmp_path, 0.0).delivered is True
    events.write_text("x\ny\n")
    assert look(tmp_path, 0.0).delivered is False
    record.release()


def test_the_mark_of_an_artifact_stays_where_its_run_moves(tmp_path: Path):
    inside = Artifact("/runs/a/media/1.png", 1, "b", "j", None)
    moved = inside._replace(path="/elsewhere/media/1.png")
    outside = inside._replace(path="/runs/b.png")
    assert inside.mark_in(Path("/runs/a")) == moved.mark_in(Path("/elsewhere"))
    assert outside.mark_in(Path("/runs/a")) == "j /runs/b.png"
