"""Figures of a job and of a batch on their way to a platform, and when it is away."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

FIGURES = ["a.png", "b.JPG", "c.jpeg", "d.pdf", "e.svg", "sub/f.png", "sub/deeper/ü.png"]
OTHERS = ["g.txt", "h.png.bak", "sub/i.gif", "png", ".png"]


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    directory = tmp_path / "figures"
    for name in FIGURES + OTHERS:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(name.encode())
    (directory / "folder.png").mkdir()
    return directory


def uploaded(platform: StandIn) -> list[tuple[str, str, str | None]]:
    return sorted((u["job_id"], u["filename"], u["label"]) for u in platform.uploads())


def test_file_is_uploaded_whole(platform: StandIn, tmp_path: Path, said: list[str]) -> None:
    content = os.urandom(700_000)
    (tmp_path / "a.png").write_bytes(content)
    with quiet() as r, r.job("j") as j:
        assert j.upload(tmp_path / "a.png") == 1

    (upload,) = platform.uploads()
    assert upload["sha256"] == hashlib.sha256(content).hexdigest()
    assert (upload["job_id"], upload["label"]) == ("j", None)
    assert platform.events("batch_done")[0]["data"]["uploaded"] == 1
    assert files_below(tmp_path) == ["a.png"]
    assert said == []


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("**/*.png", ["a.png", "f.png", "ü.png"]),
        ("*.png", ["a.png"]),
        ("**/*", ["a.png", "b.JPG", "c.jpeg", "d.pdf", "e.svg", "f.png", "ü.png"]),
        ("*.txt", []),
        ("nothing*", []),
    ],
)
def test_directory_is_searched_and_only_figures_are_taken(
    platform: StandIn, figures: Path, said: list[str], glob: str, names: list[str]
) -> None:
    with quiet() as r, r.job("j") as j:
        assert j.upload(str(figures), glob=glob) == len(names)

    assert uploaded(platform) == sorted(("j", name, None) for name in names)
    assert said == []


def test_upload_does_not_wait_for_another_event(platform: StandIn, figures: Path) -> None:
    with quiet() as r, r.job("j") as j:
        platform.wait_for(lambda s: s.events("job_start"))
        started = time.monotonic()
        assert j.upload(figures / "a.png") == 1
        assert j.upload(figures / "d.pdf") == 1
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["g.txt", "missing.png", "folder.png", "missing"])
def test_what_is_no_figure_is_skipped(
    platform: StandIn, figures: Path, said: list[str], name: str
) -> None:
    with quiet() as r, r.job("j") as j:
        assert j.upload(figures / name) == 0

    assert platform.uploads() == []
    assert said == []


@pytest.mark.parametrize("path", [None, 5, "", [], object(), b""], ids=repr)
def test_what_is_no_path_is_said(platform: StandIn, said: list[str], path: Any) -> None:
    Path("a.png").write_bytes(b"x")
    with quiet() as r, r.job("j") as j:
        assert j.upload(path) == 0

    assert platform.uploads() == []
    assert said == ["upload() takes a path; what it was given is left out"]


@pytest.mark.parametrize(
    "glob", ["", ".", "/etc/*", "**/", "a**", "[", "\0", "**/" * 3000, "\ud800"]
)
def test_bad_pattern_harms_no_other_upload(
    platform: StandIn, figures: Path, said: list[str], glob: str
) -> None:
    with quiet() as r, r.job("j") as j:
        assert j.upload(figures, glob=glob) <= 1  # "a**" means "a*" to Python 3.13
        assert j.upload(figures / "d.pdf") == 1

    assert len(said) <= 1


def test_paths_may_be_bytes_and_relative(platform: StandIn, figures: Path) -> None:
    with quiet() as r, r.job("j") as j:
        assert j.upload(b"figures/a.png") == 1  # type: ignore[arg-type]
        assert j.upload("figures/sub") == 2


def test_upload_that_nobody_waits_for_goes_on_beside_the_training(
    platform: StandIn, figures: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "1")
    platform.mode("hang", path="/artifacts")
    with quiet() as r, r.job("j") as j:
        started = time.monotonic()
        assert j.upload("figures", wait=False) == 0
        assert time.monotonic() - started < 0.5
        monkeypatch.chdir(figures)  # a relative path is meant as of the call
        platform.wait_for(lambda s: s.requests("/artifacts"))
        with r.job("k"):
            platform.wait_for(lambda s: len(s.events("job_start")) == 2)
    assert platform.uploads() == []

    platform.mode("ok")
    with quiet():
        pass

    assert uploaded(platform) == [("j", name, None) for name in ("a.png", "f.png", "ü.png")]
    assert said == []


def test_file_that_is_too_large_is_said_and_takes_no_other_along(
    platform: StandIn, figures: Path, said: list[str]
) -> None:
    (figures / "a.png").write_bytes(b"\0" * 2_000)
    platform.mode("too_large:1500", path="/artifacts")
    with quiet() as r, r.job("j") as j:
        assert j.upload(figures) == 2

    assert uploaded(platform) == [("j", "f.png", None), ("j", "ü.png", None)]
    assert len(said) == 1
    assert "a.png was not uploaded" in said[0]


@pytest.mark.parametrize("mode", ["close", "status:401", "html"])
def test_platform_that_is_away_costs_no_time_and_gets_the_files_later(
    platform: StandIn, figures: Path, said: list[str], mode: str
) -> None:
    platform.mode(mode)
    with quiet(batch_id="b") as r, r.job("j") as j:
        started = time.monotonic()
        assert j.upload(figures) == 0
        assert j.upload(figures / "d.pdf") == 0
        assert time.monotonic() - started < 2
    assert platform.uploads() == []
    assert len(said) == 1

    platform.mode("ok")
    with quiet(batch_id="c"):
        platform.wait_for(uploads=4)

    assert uploaded(platform) == [
        ("j", name, None) for name in ("a.png", "d.pdf", "f.png", "ü.png")
    ]
    assert files_below(Path("state")) == []
    assert len(said) == 1


# Figures of the batch


def test_directories_are_uploaded_on_a_clean_exit_to_the_latest_job(
    platform: StandIn, figures: Path, said: list[str]
) -> None:
    with quiet(auto_upload_dirs=[figures / "sub", "figures/missing", str(figures)]) as r:
        with r.job("first"):
            pass
        with r.job("last"):
            assert platform.uploads() == []

    names = ["a.png", "b.JPG", "c.jpeg", "d.pdf", "e.svg", "f.png", "f.png", "ü.png", "ü.png"]
    assert uploaded(platform) == [("last", name, "batch") for name in sorted(names)]
    assert len(platform.requests(f"/api/batches/{r.batch_id}/artifacts")) == len(names)
    assert said == []


def test_directories_are_not_uploaded_after_a_failure(platform: StandIn, figures: Path) -> None:
    with pytest.raises(ValueError), quiet(auto_upload_dirs=[figures]) as r, r.job("j"):
        raise ValueError

    assert platform.uploads() == []
    assert platform.requests("/artifacts") == []


@pytest.mark.parametrize(
    "given",
    ["figures/sub", b"figures/sub", Path("figures/sub"), ["figures/sub", None], [5, "figures/sub"]],
    ids=repr,
)
def test_one_directory_is_not_taken_letter_by_letter(
    platform: StandIn, figures: Path, said: list[str], given: Any
) -> None:
    with quiet(auto_upload_dirs=given) as r, r.job("j"):
        pass

    assert uploaded(platform) == [("j", "f.png", "batch"), ("j", "ü.png", "batch")]
    assert said == ["auto_upload_dirs should be a list of directories"]


@pytest.mark.parametrize("given", [5, [None], [[]], object(), [""]], ids=repr)
def test_directories_that_are_none_cost_no_event(
    platform: StandIn, said: list[str], given: Any
) -> None:
    Path("a.png").write_bytes(b"x")
    with quiet(auto_upload_dirs=given) as r, r.job("j"):
        pass

    assert platform.uploads() == []
    assert [e["event_type"] for e in platform.events()][-1] == "batch_done"
    assert said == ["auto_upload_dirs should be a list of directories"]


def test_directories_of_a_batch_without_a_job_are_said(
    platform: StandIn, figures: Path, said: list[str]
) -> None:
    with quiet(auto_upload_dirs=(figures / "sub",)):
        pass

    assert platform.uploads() == []
    assert len(said) == 1
    assert "no job" in said[0]
