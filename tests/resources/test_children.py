from __future__ import annotations

import pytest

from argus.resources.children import Children
from argus.resources.process import read_process
from tests.resources.trees import FakeProc


class Looks:
    def __init__(self, proc: FakeProc) -> None:
        self._proc = proc
        self._children = Children(str(proc.root))

    def at(self, now: float) -> tuple[set[int], set[int]]:
        root = read_process(str(self._proc.root / f"{FakeProc.ROOT}/stat"))
        members, late = self._children.tree(root, now)
        assert members[root.pid] == root
        return set(members), late


def test_all_descendants_are_of_the_tree_and_no_others(tmp_path):
    proc = FakeProc(tmp_path)
    looks = Looks(proc)
    proc.put(200, 100)
    proc.put(300, 200)
    proc.put(400, 1)
    assert looks.at(0.0)[0] == {100, 200, 300}


def test_what_was_there_at_the_first_look_is_late_and_what_comes_is_not(tmp_path):
    proc = FakeProc(tmp_path)
    proc.put(200, 100)
    looks = Looks(proc)
    assert looks.at(0.0) == ({100, 200}, {200})
    proc.put(201, 200)
    assert looks.at(1.0) == ({100, 200, 201}, set())
    proc.end(201)
    assert looks.at(2.0) == ({100, 200}, set())


def test_children_of_other_threads_are_found_at_once_at_first_and_later_in_turn(tmp_path):
    proc = FakeProc(tmp_path)
    proc.put(100, threads=9)
    of_each_thread = {200 + number for number in range(1, 9)}
    for child in of_each_thread:
        proc.put(child, 100, by_thread=child - 100)
    looks = Looks(proc)
    assert looks.at(0.0) == ({100, *of_each_thread}, of_each_thread)
    proc.put(300, 100, by_thread=107)
    seen = [looks.at(now) for now in (1.0, 2.0)]
    assert seen[-1][0] == {100, 300, *of_each_thread}
    assert sum(len(late) for _, late in seen) == 1  # late when found, a member from then on


def test_an_orphan_remains_of_the_tree(tmp_path):
    proc = FakeProc(tmp_path)
    proc.put(200, 100)
    proc.put(300, 200)
    looks = Looks(proc)
    looks.at(0.0)
    proc.end(200)
    proc.put(300, 1, start=300)
    assert looks.at(1.0)[0] == {100, 300}


def test_a_number_that_is_used_again_is_not_of_the_tree(tmp_path):
    proc = FakeProc(tmp_path)
    proc.put(200, 100, start=5)
    looks = Looks(proc)
    assert looks.at(0.0)[0] == {100, 200}
    proc.put(200, 1, start=6)
    assert looks.at(1.0)[0] == {100}


@pytest.mark.parametrize("strangers", [0, 150])
def test_where_the_kernel_lists_no_children_all_processes_are_looked_through(tmp_path, strangers):
    proc = FakeProc(tmp_path, lists_children=False)
    proc.put(200, 100)
    proc.put(300, 200)
    for pid in range(1000, 1000 + strangers):
        proc.put(pid, 1)
    looks = Looks(proc)
    seen = [looks.at(now)[0] for now in (0.0, 1.0, 2.0)]
    assert seen[-1] == {100, 200, 300}
    proc.put(5000, 300)
    assert looks.at(3.0)[0] == {100, 200, 300}  # the next list is made after a minute
    members, late = looks.at(61.0)
    assert (members, late) == ({100, 200, 300, 5000}, {5000})


def test_a_circle_of_parents_ends(tmp_path):
    proc = FakeProc(tmp_path, lists_children=False)
    proc.put(200, 300)
    proc.put(300, 200)
    assert Looks(proc).at(0.0)[0] == {100}
