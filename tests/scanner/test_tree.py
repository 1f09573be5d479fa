import os
import shutil
import time

from argus.scanner.tree import Change, Tree


def later():
    """Beyond the tick of the file system's clock."""
    return time.time_ns() + 10_000_000_000


def make_run(path):
    path.mkdir(parents=True)
    (path / "events.jsonl").touch()
    return str(path)


def test_runs_come_and_go_at_any_depth(tmp_path):
    tree = Tree(str(tmp_path))
    assert list(tree.changes(later())) == []
    a, b = make_run(tmp_path / "a"), make_run(tmp_path / "x" / "y" / "z" / "b")
    assert set(tree.changes(later())) == {Change(a, True), Change(b, True)}
    assert list(tree.changes(later())) == []
    shutil.rmtree(tmp_path / "x")
    assert list(tree.changes(later())) == [Change(b, False)]
    shutil.rmtree(a)
    assert list(tree.changes(later())) == [Change(a, False)]
    assert tree.n_directories == 1


def test_directory_becomes_a_run_when_its_first_file_comes(tmp_path):
    tree = Tree(str(tmp_path))
    (tmp_path / "a").mkdir()
    assert list(tree.changes(later())) == []
    (tmp_path / "a" / "run.json").touch()
    assert list(tree.changes(later())) == [Change(str(tmp_path / "a"), True)]


def test_what_is_added_within_a_tick_of_the_last_look_is_found(tmp_path):
    tree = Tree(str(tmp_path))
    (tmp_path / "a").mkdir()
    now_ns = time.time_ns()
    assert list(tree.changes(now_ns)) == []
    before = os.stat(tmp_path)
    made = make_run(tmp_path / "b")
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a slow clock has it
    assert list(tree.changes(now_ns)) == [Change(made, True)]


def test_root_that_is_not_there_yet_and_one_that_is_a_run_itself(tmp_path):
    tree = Tree(str(tmp_path / "later"))
    assert list(tree.changes(later())) == []
    made = make_run(tmp_path / "later")
    assert list(tree.changes(later())) == [Change(made, True)]


def test_links_and_hidden_directories_are_not_entered(tmp_path):
    make_run(tmp_path / ".hidden" / "a")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list(Tree(str(tmp_path)).changes(later())) == []
    linked = tmp_path / "linked"
    made = make_run(tmp_path / "real" / "a")
    linked.symlink_to(tmp_path / "real")
    [change] = Tree(str(linked)).changes(later())
    assert (change.is_there, os.path.realpath(change.path)) == (True, made)
