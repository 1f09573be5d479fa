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


@pytest.mark.parametrize("room", [1_024, 2_048, 1_000_000])
def test_it_knows_the_same_in_memory_and_on_disk(tmp_path, room):
    lookup, given = Lookup(tmp_path, Budget(room)), keys(12_000)
    for number, key in enumerate(given):
        assert lookup.get(key) is None
        lookup[key] = number
    lookup[given[5]] = 77
    assert lookup.is_on_disk is (room < 12_000)
    assert (len(lookup), lookup.get(given[5])) == (12_000, 77)
    assert all(lookup.get(key) == at for at, key in enumerate(given) if at != 5)
    assert lookup.get(bytes(16)) is None
    assert sorted(lookup.keys()) == sorted(given)
    lookup.close()


def test_memory_is_given_back_when_it_moves_and_when_it_closes(tmp_path):
    budget = Budget(3_000)
    first, second = Lookup(tmp_path, budget), Lookup(tmp_path, budget)
    for key in keys(1_500):
        first[key] = 1
    for key in keys(1_500):
        second[key] = 2
    assert (first.is_on_disk, second.is_on_disk) == (False, True)
    assert budget.left == 3_000 - 2 * 1_024
    first.close()
    second.close()
    assert budget.left == 3_000


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
