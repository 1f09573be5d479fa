from __future__ import annotations

from argus.resources.process import read_process
from argus.resources.tree_memory import TreeMemory
from tests.resources.trees import PAGE_BYTES, FakeProc


class Clock:
    """CPU time that passes by `step_s` at each look at it."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._step_s
        return self._now


class Tree:
    def __init__(self, root, step_s: float = 0.0) -> None:
        self.proc = FakeProc(root)
        self._memory = TreeMemory(str(root), PAGE_BYTES, Clock(step_s))

    def pages(self, now: float, *pids: int) -> float:
        processes = [read_process(str(self.proc.root / f"{pid}/stat")) for pid in pids]
        members = {process.pid: process for process in processes}
        return self._memory.total_bytes(members, now) / PAGE_BYTES


def test_pages_that_many_share_count_once(tmp_path):
    tree = Tree(tmp_path)
    for pid in (101, 102, 103):
        tree.proc.put(pid, 100, pages=100, shared_pages=90)
    assert tree.pages(0.0, 100, 101, 102, 103) == 60 + 3 * 10


def test_resident_memory_carries_the_count_on_between_two_looks(tmp_path):
    tree = Tree(tmp_path)
    assert tree.pages(0.0, 100) == 60
    tree.proc.put(100, pages=150, shared_pages=40)
    (tmp_path / "100/smaps_rollup").write_text("Pss: 400 kB\n")  # 100 pages: not looked at yet
    assert tree.pages(30.0, 100) == 60 + 50
    assert tree.pages(120.0, 100) == 100


def test_a_look_that_costs_much_is_rare(tmp_path):
    tree = Tree(tmp_path, step_s=0.2)
    assert tree.pages(0.0, 100) == 60
    (tmp_path / "100/smaps_rollup").write_text("Pss: 400 kB\n")
    assert tree.pages(190.0, 100) == 60
    assert tree.pages(210.0, 100) == 100  # a thousand times its fifth of a second is over


def test_many_new_processes_are_looked_at_in_turn(tmp_path):
    tree = Tree(tmp_path, step_s=0.0004)
    for pid in (101, 102):
        tree.proc.put(pid, 100, pages=100, shared_pages=90)
        (tmp_path / f"{pid}/smaps_rollup").write_text("Pss: 4 kB\n")
    # Until it is looked at, one counts with what it does not share.
    assert [tree.pages(now, 100, 101, 102) for now in (0.0, 1.0, 2.0)] == [80, 71, 62]


def test_without_pss_a_forked_copy_counts_with_what_it_has_beyond_the_original(tmp_path):
    tree = Tree(tmp_path)
    tree.proc.put(100, pages=1000, shared_pages=200, stack=7777)
    tree.proc.put(101, 100, pages=1010, shared_pages=200, stack=7777)
    tree.proc.put(102, 100, pages=900, shared_pages=200, stack=7777)
    tree.proc.without_pss()
    assert tree.pages(0.0, 100, 101, 102) == 800 + 10 + 0 + 200


def test_without_pss_a_spawned_program_counts_with_all_its_own(tmp_path):
    tree = Tree(tmp_path)
    tree.proc.put(100, pages=1000, shared_pages=200, stack=7777)
    tree.proc.put(101, 100, pages=1010, shared_pages=210, stack=8888)
    tree.proc.without_pss()
    assert tree.pages(0.0, 100, 101) == 800 + 800 + 210


def test_a_process_of_many_gigabytes_is_not_looked_at(tmp_path):
    tree = Tree(tmp_path)
    tree.proc.put(100, pages=2_000_000, shared_pages=500_000, stack=7777)
    tree.proc.put(101, 100, pages=2_000_010, shared_pages=500_000, stack=7777)
    (tmp_path / "100/smaps_rollup").write_text("Pss: 4 kB\n")
    (tmp_path / "101/smaps_rollup").write_text("Pss: 4 kB\n")
    tree.proc.put(102, 100, pages=50, shared_pages=40)
    assert tree.pages(0.0, 100, 101, 102) == 1_500_000 + 10 + 500_000 + 10


def test_a_number_that_is_used_again_is_looked_at_again(tmp_path):
    tree = Tree(tmp_path)
    tree.proc.put(101, 100, start=5)
    assert tree.pages(0.0, 100, 101) == 60 + 60
    tree.proc.put(101, 100, start=6, pages=50, shared_pages=49)
    assert tree.pages(1.0, 100, 101) == 60 + 1


def test_a_process_that_ended_meanwhile_counts_nothing(tmp_path):
    tree = Tree(tmp_path)
    tree.proc.put(101, 100)
    members = {pid: read_process(str(tmp_path / f"{pid}/stat")) for pid in (100, 101)}
    tree.proc.end(101)
    assert tree._memory.total_bytes(members, 0.0) == 60 * PAGE_BYTES
