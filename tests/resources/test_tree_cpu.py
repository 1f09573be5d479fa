from __future__ import annotations

from argus.resources.process import Process
from argus.resources.tree_cpu import TreeCpu


def process(pid: int, parent: int, own: int, reaped: int = 0, start: int = 0) -> Process:
    return Process(pid, parent, own, reaped, 1, start, 0, 0)


class Tree:
    """Looks, one after the other: what each says is returned."""

    def __init__(self, *first: Process) -> None:
        self._cpu = TreeCpu()
        assert self.look(*first) == 0

    def look(self, *members: Process, late: tuple[int, ...] = ()) -> int:
        return self._cpu.grown({member.pid: member for member in members}, late)


def test_all_members_count():
    tree = Tree(process(1, 0, 100), process(2, 1, 50))
    assert tree.look(process(1, 0, 110), process(2, 1, 57)) == 17


def test_a_new_child_counts_from_its_birth():
    tree = Tree(process(1, 0, 100))
    assert tree.look(process(1, 0, 100), process(2, 1, 30)) == 30


def test_one_that_is_found_late_counts_from_now_on():
    tree = Tree(process(1, 0, 100))
    assert tree.look(process(1, 0, 100), process(2, 1, 5000), late=(2,)) == 0
    assert tree.look(process(1, 0, 100), process(2, 1, 5007)) == 7
    assert tree.look(process(1, 0, 100, reaped=5010)) == 3


def test_a_child_that_came_and_went_between_two_looks_counts():
    tree = Tree(process(1, 0, 100))
    assert tree.look(process(1, 0, 100, reaped=40)) == 40


def test_a_child_that_was_seen_and_reaped_counts_once():
    tree = Tree(process(1, 0, 100), process(2, 1, 50))
    assert tree.look(process(1, 0, 100, reaped=55)) == 5
    assert tree.look(process(1, 0, 100, reaped=55)) == 0


def test_a_child_that_is_reaped_between_its_own_look_and_its_parents_counts_once():
    tree = Tree(process(1, 0, 100), process(2, 1, 50))
    assert tree.look(process(1, 0, 100)) == 0  # the parent was read first: nothing goes back
    assert tree.look(process(1, 0, 100, reaped=52)) == 2


def test_children_that_nobody_waits_for_make_nothing_negative():
    tree = Tree(process(1, 0, 100), process(2, 1, 50))
    assert tree.look(process(1, 0, 101)) == 1
    assert tree.look(process(1, 0, 103)) == 2


def test_what_a_dead_branch_has_told_passes_to_who_reaps_it():
    tree = Tree(process(1, 0, 100), process(2, 1, 10), process(3, 2, 70))
    # 3 is reaped by 2, and 2 by 1, all between two looks
    assert tree.look(process(1, 0, 100, reaped=85)) == 5


def test_a_grandchild_that_is_reaped_counts_once():
    tree = Tree(process(1, 0, 100), process(2, 1, 10), process(3, 2, 70))
    assert tree.look(process(1, 0, 100), process(2, 1, 10, reaped=71)) == 1
    assert tree.look(process(1, 0, 100, reaped=83)) == 2


def test_a_number_that_is_used_again_is_another_process():
    tree = Tree(process(1, 0, 100), process(2, 1, 50, start=7))
    assert tree.look(process(1, 0, 100, reaped=50), process(2, 1, 3, start=8)) == 3


def test_an_orphan_goes_on_counting():
    tree = Tree(process(9, 0, 0), process(2, 9, 10), process(3, 2, 70))
    assert tree.look(process(9, 0, 0, reaped=10), process(3, 1, 75)) == 5
