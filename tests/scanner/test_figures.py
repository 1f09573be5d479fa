import json
import os

import pytest

from argus.scanner.figures import figure_path, figures


@pytest.fixture
def filled(run):
    media = run.path / "media"
    media.mkdir()
    for name in ("loss_step_200.png", "a.PDF", "notes.txt", ".hidden.png"):
        (media / name).write_bytes(b"x")
    note = {"path": "/elsewhere/loss_step_200.png", "job_id": "j", "label": "curve"}
    (run.path / "media.jsonl").write_text(json.dumps(note) + "\nodd\n")
    return run.path


def test_figures_are_listed_with_what_is_known_of_them(filled):
    found = {each["name"]: each for each in figures(filled)}
    assert set(found) == {"loss_step_200.png", "a.PDF"}
    figure = found["loss_step_200.png"]
    assert (figure["job_id"], figure["label"], figure["step"]) == ("j", "curve", 200)
    assert (figure["path"], figure["mime"], figure["size"]) == (
        "media/loss_step_200.png",
        "image/png",
        1,
    )


@pytest.mark.parametrize(
    "asked",
    [
        "media/../events.jsonl",
        "media/../../x.png",
        "/etc/passwd",
        "media//a.PDF",
        "media/a.PDF\0.png",
        "media/notes.txt",
        "media/gone.png",
        "media\\a.png",
        "events.jsonl",
        "media/link.png",
        "media/linked/x.png",
        "",
    ],
)
def test_nothing_else_is_a_figure(filled, tmp_path, asked):
    (tmp_path / "x.png").write_bytes(b"secret")
    (filled / "media" / "link.png").symlink_to(tmp_path / "x.png")
    (filled / "media" / "linked").symlink_to(tmp_path)
    assert figure_path(filled, asked) is None
    assert figure_path(filled, "media/a.PDF") == filled / "media" / "a.PDF"


def test_media_directory_that_is_a_link_is_not_listed(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png").write_bytes(b"x")
    (run.path / "media").symlink_to(tmp_path / "mine")
    assert figures(run.path) == []


def test_name_that_no_page_can_ask_for_is_left_out_and_one_too_long_is_not_there(filled):
    try:
        (filled / "media" / os.fsdecode(b"odd\xff.png")).write_bytes(b"x")
    except OSError:
        pass  # a file system that has only names in UTF-8
    assert len(figures(filled)) == 2
    assert figure_path(filled, f"media/{'x' * 5_000}.png") is None
