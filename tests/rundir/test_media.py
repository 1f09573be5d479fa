"""The last word on an artifact counts; what the platform has or refused is not sent again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from argus.rundir.media import DELIVERED, PENDING, REFUSED, Artifact, MediaList

LOSS = Artifact("/out/loss.png", 1234, "b1", "j1", None)
ACC = Artifact("/out/acc.png", 99, "b1", None, "batch")


@pytest.fixture
def media(tmp_path: Path) -> MediaList:
    return MediaList(tmp_path, private=True)


def test_without_a_file_nothing_is_pending(tmp_path: Path, media: MediaList) -> None:
    assert media.pending() == []
    assert list(tmp_path.iterdir()) == []


def test_pending_ones_come_in_the_order_in_which_they_came(media: MediaList) -> None:
    for artifact in (LOSS, ACC, LOSS):
        media.note(artifact, PENDING)

    assert media.pending() == [LOSS, ACC]


@pytest.mark.parametrize("state", [DELIVERED, REFUSED])
def test_last_word_on_an_artifact_wins(media: MediaList, state: str) -> None:
    media.note(LOSS, PENDING)
    media.note(ACC, PENDING)
    media.note(LOSS, state, "HTTP 413")
    assert media.pending() == [ACC]

    media.note(LOSS, PENDING)
    assert media.pending() == [ACC, LOSS]


def test_same_file_of_another_job_size_or_label_is_another_artifact(media: MediaList) -> None:
    changes: list[dict[str, Any]] = [
        {"job_id": "j2"},
        {"size": 5},
        {"label": "x"},
        {"batch_id": "b2"},
    ]
    others = [LOSS._replace(**change) for change in changes]
    for artifact in (LOSS, *others):
        media.note(artifact, PENDING)

    media.note(LOSS, DELIVERED)

    assert media.pending() == others


@pytest.mark.parametrize(
    "name",
    ["größe.png", os.fsdecode(b"\xff\xfe.png"), "\ud800.png", "new\nline.png", '"\\.png', "\u2028"],
    ids=ascii,
)
def test_any_file_name_comes_back_unharmed(media: MediaList, name: str) -> None:
    artifact = LOSS._replace(path=name, label=name, job_id=name)

    media.note(artifact, PENDING)

    assert media.pending() == [artifact]


def test_list_is_found_again_by_the_next_process(tmp_path: Path, media: MediaList) -> None:
    media.note(LOSS, PENDING)

    assert MediaList(tmp_path, private=True).pending() == [LOSS]


def test_torn_and_garbled_lines_are_passed_over(tmp_path: Path, media: MediaList) -> None:
    media.note(LOSS, PENDING)
    with (tmp_path / "media.jsonl").open("ab") as file:
        file.write(b"\xff\x00\n\n[]\n{}\n")
        file.write(b'{"path": 5, "size": 1, "batch_id": "b1", "state": "pending"}\n')
        file.write(b'{"path": "x", "size": "1", "batch_id": "b1", "state": "pending"}\n')
        file.write(b'{"path": "x", "size": 1, "state": "pending"}\n')
        file.write(b'{"path": "x", "size": 1, "batch')
    assert media.pending() == [LOSS]

    media.note(ACC, PENDING)  # begins on a line of its own
    assert media.pending() == [LOSS, ACC]


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_is_neither_written_nor_read(tmp_path: Path, media: MediaList) -> None:
    elsewhere = MediaList(tmp_path / "other", private=True)
    (tmp_path / "other").mkdir()
    elsewhere.note(LOSS, PENDING)
    before = (tmp_path / "other" / "media.jsonl").read_bytes()
    (tmp_path / "media.jsonl").symlink_to(tmp_path / "other" / "media.jsonl")

    assert media.pending() == []
    with pytest.raises(OSError):
        media.note(ACC, PENDING)
    assert (tmp_path / "other" / "media.jsonl").read_bytes() == before


def test_copy_is_found_wherever_the_directory_is_moved_to(tmp_path: Path) -> None:
    (tmp_path / "loss.png").write_bytes(b"loss")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    media = MediaList(here, private=False)
    source = str(tmp_path / "loss.png")
    artifact = media.copied(LOSS._replace(path=source))
    media.note(artifact, PENDING)
    media.note(ACC, PENDING)
    assert media.absolute(artifact).path == str(here / "media" / "0001-loss.png")
    assert str(here).encode() not in (here / "media.jsonl").read_bytes()
    here.rename(there)

    moved = MediaList(there, private=False)
    found = moved.pending()
    copy = str(there / "media" / "0001-loss.png")
    assert found == [LOSS._replace(path=copy, size=4, source=source), ACC]
    moved.note(found[0], DELIVERED)
    assert moved.pending() == [ACC]


def test_copies_that_went_with_their_directory_are_made_again(tmp_path: Path) -> None:
    sources = [tmp_path / "loss.png", tmp_path / "acc.png"]
    for path in sources:
        path.write_bytes(path.name.encode())
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    media = MediaList(here, private=False)
    loss, acc = (media.copied(LOSS._replace(path=str(path))) for path in sources)
    media.note(loss, PENDING)
    media.note(acc, PENDING)
    media.note(acc, DELIVERED)
    shutil.rmtree(here)
    media.move_to(there)

    assert media.pending() == [media.absolute(loss)]
    assert (there / loss.path).read_bytes() == b"loss.png"
    media.note(loss, DELIVERED)
    assert media.pending() == []
