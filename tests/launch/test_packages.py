"""What is installed, as `pip freeze` would say it, without opening a single package."""

from __future__ import annotations

import os
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from argus.launch import packages
from argus.launch.packages import frozen


def goes_on() -> bool:
    return True


def installed(directory: Path, *names: str) -> str:
    for name in names:
        (directory / name).mkdir(parents=True)
    return str(directory)


def test_names_and_versions_of_each_kind_of_directory(tmp_path: Path) -> None:
    path = installed(
        tmp_path,
        "PyYAML-6.0.1.dist-info",
        "torch-2.1.0+cu118.dist-info",
        "ruamel.yaml-0.17.21.dist-info",
        "typing_extensions-4.8.0.dist-info",
        "old_one-1.0-py3.9.egg-info",
        "with-dash-1!2.0rc1.dist-info",
        "torch",
        "~orch-2.0.dist-info",  # what an interrupted pip leaves behind
        "develop.egg-info",
        "-1.0.dist-info",
        "a b-1.0.dist-info",
    )

    assert frozen([path], goes_on) == [
        "old-one==1.0",
        "pyyaml==6.0.1",
        "ruamel-yaml==0.17.21",
        "torch==2.1.0+cu118",
        "typing-extensions==4.8.0",
        "with-dash==1!2.0rc1",
    ]


def test_of_two_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    first = installed(tmp_path / "1", "A_b-1.0.dist-info")
    second = installed(tmp_path / "2", "a.b-2.0.dist-info", "c-1.dist-info")

    assert frozen([first, second, first], goes_on) == ["a-b==1.0", "c==1"]
    assert frozen([second, first], goes_on) == ["a-b==2.0", "c==1"]


def test_what_is_no_directory_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "python.zip").touch()
    path = installed(tmp_path / "1", "a-1.dist-info")
    given = [str(tmp_path / "python.zip"), str(tmp_path / "gone"), "a\0b", path]

    assert frozen(given, goes_on) == ["a==1"]


def test_the_current_directory_counts_where_it_is_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "a-1.dist-info")
    monkeypatch.chdir(tmp_path)

    assert frozen([""], goes_on) == ["a==1"]


def test_ten_thousand_packages_take_no_time_worth_speaking_of(tmp_path: Path) -> None:
    for number in range(10_000):
        os.symlink("nothing", tmp_path / f"package_{number}-1.0.dist-info")  # quicker to make
    started = time.monotonic()
    lines = frozen([str(tmp_path)], goes_on)

    assert time.monotonic() - started < 5.0
    assert len(lines) == 10_000
    assert lines[0] == "package-0==1.0"


def test_more_than_an_event_may_hold_are_cut_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = installed(tmp_path, *[f"{letter}-1.dist-info" for letter in "abcde"])
    monkeypatch.setattr(packages, "MAX_LINES", 3)
    assert frozen([path], goes_on) == ["a==1", "b==1", "c==1", "# and 2 others"]
    monkeypatch.setattr(packages, "MAX_TEXT", 9)
    assert frozen([path], goes_on) == ["a==1", "b==1", "# and 3 others"]


def test_without_time_the_list_says_that_it_is_not_whole(tmp_path: Path) -> None:
    path = installed(tmp_path, *[f"p{number}-1.dist-info" for number in range(40)])
    answers = iter([True, True, False])
    lines = frozen([path], lambda: next(answers))

    assert len(lines) == 33
    assert lines[-1] == "# and others: there was no time to look for them"
    assert frozen([path], lambda: False) == lines[-1:]


def test_the_packages_of_this_python_are_those_that_its_own_library_finds() -> None:
    known = {
        f"{packages.normal(found.metadata['Name'])}=={found.version}"
        for found in metadata.distributions()
        if found.metadata["Name"]
    }
    lines = frozen(sys.path, goes_on)

    assert "pytest" in {line.partition("==")[0] for line in lines}
    assert set(lines) <= known
