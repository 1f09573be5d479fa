import json

import pytest

from argus.server import store as store_module
from argus.server.ingest import Arrival, Stored
from argus.server.store import RunsInUseError, Store
from tests.server.events import event

NOON = (2026, 4, 22, 12, 0, 0)


def arrivals(*events):
    return [Arrival(n, each, json.dumps(each).encode()) for n, each in enumerate(events)]


@pytest.fixture
def opened(tmp_path):
    """Opens a store at a time; all are closed at the end."""
    stores = []

    def open_at(local_time=NOON):
        stores.append(Store(tmp_path, lambda: local_time))
        return stores[-1]

    yield open_at
    for store in stores:
        store.close()


def test_a_batch_gets_a_directory_by_its_first_arrival(opened, tmp_path):
    opened().add("bench-1", arrivals(event()))
    assert (tmp_path / "20260422" / "120000" / "bench-1" / "events.jsonl").exists()


@pytest.mark.parametrize("batch_id", ["../../up", "/etc/x", "..", ".", "a\0b", "x" * 128, "\ud800"])
def test_no_batch_id_leads_outside(opened, tmp_path, batch_id):
    store = opened()
    store.add(batch_id, arrivals(event()))
    [sidecar] = tmp_path.rglob("run.json")
    assert sidecar.parent.parent == tmp_path / "20260422" / "120000"
    store.close()
    assert (opened().find(batch_id) is None) == (batch_id == "\ud800")


def test_a_directory_that_exists_is_nobody_elses(opened, tmp_path):
    reporters_own = tmp_path / "20260422" / "120000" / "bench-1"
    reporters_own.mkdir(parents=True)
    (reporters_own / "run.json").write_text('{"batch_id": "bench-1", "pid": 1}')
    store = opened()
    assert store.find("bench-1") is None
    store.add("bench-1", arrivals(event()))
    batch = store.find("bench-1")
    assert batch is not None
    assert batch.path.name == "bench-1-2"
    assert not (reporters_own / "events.jsonl").exists()


def test_a_link_in_place_of_a_new_directory_is_passed_by_and_one_above_it_is_refused(
    opened, tmp_path
):
    (tmp_path / "outside").mkdir()
    store = opened()
    (tmp_path / "20260422" / "120000").mkdir(parents=True)
    (tmp_path / "20260422" / "120000" / "bench-1").symlink_to(tmp_path / "nowhere")
    store.add("bench-1", arrivals(event()))
    batch = store.find("bench-1")
    assert batch is not None
    assert batch.path.name == "bench-1-2"
    store.close()
    store = opened((2026, 4, 23, 0, 0, 0))
    (tmp_path / "20260423").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(OSError, match="symbolic link"):
        store.add("other", arrivals(event()))
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_second_store_does_not_get_the_same_directory(opened):
    first = opened()
    with pytest.raises(RunsInUseError):
        opened()
    first.close()
    opened()


def test_what_was_known_is_known_after_a_restart(opened):
    store, first = opened(), event("job_start")
    store.add("bench-1", arrivals(first))
    store.add("other", arrivals(event("batch_start", batch_id="other")))
    before = store.summaries(9)
    store.close()
    store = opened((2026, 4, 23, 0, 0, 0))
    assert store.summaries(9) == sorted(before, key=lambda each: each["batch_id"], reverse=True)
    assert store.add("bench-1", arrivals(first, event())) == [Stored(1, False), Stored(2, True)]
    batch = store.find("bench-1")
    assert batch is not None
    assert batch.path.parent.name == "120000"


def test_a_job_is_looked_up_in_the_newest_batch_first(opened):
    store = opened()
    store.add("old", arrivals(event("job_start"), event("job_start", job_id="only-old")))
    store.add("new", arrivals(event("job_start")))
    found = [store.find_job(job_id) for job_id in ("job-1", "only-old", "none")]
    assert [batch and batch.batch_id for batch in found] == ["new", "old", None]


def test_few_batches_are_open_at_a_time(opened, monkeypatch):
    monkeypatch.setattr(store_module, "_MAX_OPEN", 2)
    store, first = opened(), event()
    store.add("a", arrivals(first))
    for batch_id in ("b", "a", "c"):
        store.add(batch_id, arrivals(event()))
    is_open = {}
    for batch_id in "abc":
        batch = store.find(batch_id)
        assert batch is not None
        is_open[batch_id] = batch.is_open
    assert is_open == {"a": True, "b": False, "c": True}
    assert store.add("b", arrivals(event())) == [Stored(2, True)]


def test_uploads_that_a_killed_monitor_left_are_removed(opened, tmp_path):
    media = tmp_path / "20260422" / "120000" / "bench-1" / "media"
    media.mkdir(parents=True)
    (media / ".upload-abc").write_bytes(b"half")
    (media / "0001-plot.png").write_bytes(b"whole")
    opened()
    assert [path.name for path in media.iterdir()] == ["0001-plot.png"]


def test_a_closed_store_takes_nothing(opened):
    store = opened()
    store.close()
    with pytest.raises(OSError, match="closing"):
        store.add("bench-1", arrivals(event()))
