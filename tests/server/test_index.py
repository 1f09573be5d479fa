import json

import pytest

from argus.core.tally import job_key
from argus.server.index import Index, event_key, read_index
from argus.server.plain import LedElsewhereError
from tests.server.events import event


def lines(*events):
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


def test_a_key_is_the_same_in_upper_and_lower_case():
    given = event()
    assert event_key(given) == event_key({**given, "event_id": given["event_id"].upper()})


def test_numbers_count_in_the_order_of_the_file(tmp_path):
    first, second = event("job_start"), event()
    (tmp_path / "events.jsonl").write_bytes(lines(first, second))
    index = read_index(tmp_path, tmp_path / "events.jsonl")
    assert [index.number(event_key(each)) for each in (first, second, event())] == [1, 2, None]
    assert index.tally.job_status("job-1") == "running"
    assert list(index.job_keys()) == [job_key("job-1")]


def test_an_event_that_stands_there_twice_counts_once(tmp_path):
    first, second = event(), event()
    (tmp_path / "events.jsonl").write_bytes(lines(first, first, second))
    index = read_index(tmp_path, tmp_path / "events.jsonl")
    assert index.number(event_key(second)) == 2
    assert index.tally.n_events == 2


def test_damage_is_passed_over(tmp_path):
    good = event()
    damage = b'\xff\n\n[]\n{"event_id":1}\n' + lines({**event(), "source": None})
    (tmp_path / "events.jsonl").write_bytes(damage + lines(good) + b'{"event_id":"550e')
    assert read_index(tmp_path, tmp_path / "events.jsonl").number(event_key(good)) == 1


def test_no_file_is_an_empty_index(tmp_path):
    assert read_index(tmp_path, tmp_path / "none").tally.n_events == 0


def test_new_events_are_numbered_as_they_come(tmp_path):
    index, given = Index(tmp_path), [event(), event()]
    for number, each in enumerate(given, 1):
        assert index.add({event_key(each): each}) == {event_key(each): number}
    assert [index.number(event_key(each)) for each in given] == [1, 2]
    assert index.tally.n_events == 2


def test_a_file_that_leads_elsewhere_is_not_read(tmp_path):
    (tmp_path / "other").write_bytes(lines(event()))
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(LedElsewhereError):
        read_index(tmp_path, tmp_path / "events.jsonl")
