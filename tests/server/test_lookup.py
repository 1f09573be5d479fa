import os
import random

import pytest

from argus.server import lookup as lookup_module
from argus.server.budget import Budget
from argus.server.lookup import Lookup


def used_up():
    budget = Budget(1)
    assert budget.take(1, 0.0)
    return budget


def keys(count):
    draw = random.Random(7)
    return [draw.getrandbits(128).to_bytes(16, "big") for _ in range(count)]


@pytest.mark.parametrize("room", [1, 2_048, 1_000_000])
def test_it_knows_the_same_in_memory_and_on_disk(tmp_path, monkeypatch, room):
    monkeypatch.setattr(lookup_module, "_FIRST_CAPACITY", 256)
    lookup, given = Lookup(tmp_path, Budget(room) if room > 1 else used_up()), keys(4_000)
    for number, key in enumerate(given):
        assert lookup.get(key) is None
        lookup[key] = number
    for at in (5, 2_000, 3_999):
        lookup[given[at]] = at + 77
    assert lookup.is_on_disk is (room < 4_000)
    assert len(lookup) == 4_000
    changed = {5: 82, 2_000: 2_077, 3_999: 4_076}
    assert [lookup.get(key) for key in given] == [changed.get(at, at) for at in range(4_000)]
    assert lookup.get(bytes(16)) is None
    assert sorted(lookup.keys()) == sorted(given)
    lookup.close()


def test_none_takes_all_of_the_memory_and_what_was_taken_is_given_back(tmp_path):
    budget = Budget(8_192)
    large, small = Lookup(tmp_path, budget), Lookup(tmp_path, budget)
    for key in keys(9_000):
        large[key] = 1
    small.update(dict.fromkeys(keys(1_000), 2))
    assert (len(large), len(small)) == (9_000, 1_000)
    assert (large.is_on_disk, small.is_on_disk) == (True, False)
    large.close()
    small.close()
    assert budget.left == 8_192


def test_the_file_has_no_name(tmp_path):
    lookup = Lookup(tmp_path, used_up())
    lookup[bytes(16)] = 0
    assert lookup.get(bytes(16)) == 0
    assert lookup.is_on_disk
    if os.name != "nt":
        assert list(tmp_path.iterdir()) == []
    lookup.close()


def test_keys_that_fall_into_one_place_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(lookup_module, "hash", lambda _: 4_095, raising=False)  # the last slot
    lookup, given = Lookup(tmp_path, used_up()), keys(40)
    for number, key in enumerate(given):
        lookup[key] = number
    assert [lookup.get(key) for key in given] == list(range(40))
    lookup.close()


def test_a_disk_that_refuses_leaves_no_descriptor_behind(tmp_path):
    lookup = Lookup(tmp_path / "missing", used_up())
    with pytest.raises(OSError):
        lookup[bytes(16)] = 1
    lookup.close()
