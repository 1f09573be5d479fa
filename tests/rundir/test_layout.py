"""Names are harmless and stay distinct; the place for undelivered runs is nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argus.rundir import layout

posix = pytest.mark.skipif(os.name == "nt", reason="owners, modes and links are those of POSIX")
USER = os.getuid() if hasattr(os, "getuid") else -1


@pytest.mark.parametrize("text", ["bench-1f2e3d4c5b6a", "node-12.cluster", "A_b.c-9", "x" * 100])
def test_harmless_name_is_kept(text: str) -> None:
    assert layout.file_name(text) == text


HOSTILE = [
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "CON",
    "nul.txt",
    "com1",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:a",
    "a b",
    "a\x00b",
    "a\nb",
    "ä",
    "\ud800",
    "\u202egnp.exe",
    "*?<>|\"'$`;",
    "-rf /",
    "~root",
    "x" * 101,
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_name_becomes_one_file_name(tmp_path: Path, text: str) -> None:
    name = layout.file_name(text)
    assert name.partition(".")[0].lower() not in ("con", "nul", "com1")

    assert len(name) <= 100
    assert set(name) <= set(layout._SAFE)
    assert not name.startswith(".")
    (tmp_path / name).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_different_names_stay_different() -> None:
    texts = [*HOSTILE, "a_b", "a:b", "a?b", "x" * 102, "etc/passwd", "passwd", "ö"]

    assert len({layout.file_name(text) for text in texts}) == len(set(texts))


def test_spill_directory_fits_a_file_system_however_long_the_ids() -> None:
    path = layout.spill_dir(Path("state"), "b/" * 128, "h" * 1000, 4_194_304, "1f2e3d4c5b6a7980")

    assert path.parent == Path("state/spill")
    assert len(path.name.encode()) <= 255
    assert path.name.endswith(".4194304.1f2e3d4c5b6a7980")


def test_spill_directory_is_named_after_batch_host_and_process() -> None:
    assert layout.spill_dir(Path("/s"), "bench-1", "node-12", 7, "ab") == Path(
        "/s/spill/bench-1.node-12.7.ab"
    )


def test_kept_directory_is_named_after_its_time_and_batch() -> None:
    path = layout.kept_dir(Path("/runs"), "bench-1", (2026, 4, 2, 9, 3, 6, 3, 92, 1))

    assert path == Path("/runs/20260402/090306/bench-1")


def test_kept_directory_of_a_hostile_id_stays_below_the_runs() -> None:
    path = layout.kept_dir(Path("/runs"), "../../../etc", (2026, 4, 2, 9, 3, 6))

    assert path.parent == Path("/runs/20260402/090306")


@pytest.mark.parametrize(
    ("configured", "environ", "expected"),
    [
        ("/data/argus", {"XDG_STATE_HOME": "/xdg"}, "/data/argus"),
        (None, {"XDG_STATE_HOME": "/xdg"}, "/xdg/argus"),
        (None, {"XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/argus"),
        (None, {"XDG_STATE_HOME": ""}, "/home/ann/.local/state/argus"),
        (None, {}, "/home/ann/.local/state/argus"),
        ("~/argus", {}, "/home/ann/argus"),
        ("", {}, "/home/ann/.local/state/argus"),
    ],
)
def test_state_directory_is_configured_or_the_usual_one_or_temporary(
    configured: str | None,
    environ: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "/home/ann")

    places = layout.state_dir_candidates(configured, environ, "/tmp", 1000)

    assert places == [Path(expected), Path("/tmp/argus-1000")]


def test_home_that_nobody_knows_leaves_the_temporary_directory() -> None:
    places = layout.state_dir_candidates("~no-such-user-here/argus", {}, "/tmp", 1000)

    assert places == [Path("/tmp/argus-1000")]


def test_first_usable_place_is_taken_and_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    places = [tmp_path / "file" / "argus", tmp_path / "a" / "argus", tmp_path / "b"]

    assert layout.usable_state_dir(places, USER) == places[1]

    assert (places[1] / "spill").is_dir()
    if os.name != "nt":
        assert places[1].stat().st_mode & 0o777 == 0o700
    assert not places[2].exists()


@posix
def test_place_is_private_below_and_otherwise_left_as_its_owner_has_it(tmp_path: Path) -> None:
    place = tmp_path / "shared"
    (place / "spill").mkdir(parents=True)
    place.chmod(0o1777)
    (place / "spill").chmod(0o777)

    assert layout.usable_state_dir([place], USER) == place

    assert place.stat().st_mode & 0o7777 == 0o1777
    assert (place / "spill").stat().st_mode & 0o7777 == 0o700


@posix
def test_link_of_ones_own_leads_to_a_larger_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "argus").symlink_to(tmp_path / "disk")

    place = layout.usable_state_dir([tmp_path / "argus"], USER)

    assert place == tmp_path / "argus"
    assert (tmp_path / "disk" / "spill").is_dir()


@posix
@pytest.mark.skipif(USER != 0, reason="only root can give a link away")
def test_link_that_somebody_else_laid_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "argus").symlink_to(tmp_path / "elsewhere")
    os.lchown(tmp_path / "argus", 12_345, -1)

    with pytest.raises(PermissionError):
        layout.usable_state_dir([tmp_path / "argus"], USER)


@posix
def test_link_in_place_of_the_spill_directory_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (tmp_path / "argus").mkdir()
    (tmp_path / "argus" / "spill").symlink_to(elsewhere)

    with pytest.raises(NotADirectoryError):
        layout.usable_state_dir([tmp_path / "argus"], USER)

    assert elsewhere.stat().st_mode & 0o777 == 0o755


@posix
def test_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        layout.usable_state_dir([tmp_path / "argus"], USER + 1)


def test_no_place_at_all_is_an_error() -> None:
    with pytest.raises(OSError):
        layout.usable_state_dir([], USER)


def test_spilled_runs_are_the_directories_of_the_spill(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    for name in ("a", "b"):
        (spill / name).mkdir(parents=True)
    (spill / "file").write_bytes(b"")
    if os.name != "nt":
        (spill / "link").symlink_to(spill / "a", target_is_directory=True)

    assert sorted(layout.spilled_runs(tmp_path)) == [spill / "a", spill / "b"]


def test_missing_state_directory_has_no_spilled_runs(tmp_path: Path) -> None:
    assert list(layout.spilled_runs(tmp_path / "nowhere")) == []
