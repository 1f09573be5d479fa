import json
import os

import pytest

from argus.scanner import logs
from tests.server.events import event


@pytest.fixture
def filled(run):
    """A run with a log of every kind that is known."""
    for name in (
        "logs/output.log",
        "logs/rank_3.log",
        "slurm-17.out",
        "train.err",
        "notes.txt",
        "4_0/.submitit/17_2_log.out",
        ".submitit/17_1/17_1_0_log.err",
    ):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).write_text(f"{name}\n")
    return run


def test_logs_of_every_layout_are_found(filled, tmp_path):
    output = tmp_path / "hydra"
    output.mkdir()
    (output / "train.log").write_text("x")
    (output / "secret.txt").write_text("x")
    found = logs.streams(filled.path, {"hydra.runtime.output_dir": str(output)})
    told = {stream.stream_id: (stream.kind, stream.rank) for stream in found}
    assert told == {
        "events": ("events", None),
        "logs/output.log": ("console", None),
        "logs/rank_3.log": ("file", 3),
        "slurm-17.out": ("slurm", None),
        "train.err": ("slurm", None),
        "4_0/.submitit/17_2_log.out": ("submitit", 2),
        ".submitit/17_1/17_1_0_log.err": ("submitit", 0),
        "hydra/train.log": ("hydra", None),
    }
    assert all("path" not in stream.document() for stream in found)


def test_links_and_what_a_configuration_points_at_by_a_link_are_left_out(filled, tmp_path):
    (tmp_path / "passwords.log").write_text("x")
    (filled.path / "logs" / "evil.log").symlink_to(tmp_path / "passwords.log")
    (tmp_path / "linked").symlink_to(tmp_path)
    for directory in (str(tmp_path / "linked"), "relative", 7):
        found = logs.streams(filled.path, {"hydra.run.dir": directory})
        assert not [stream for stream in found if "evil" in stream.name or "passw" in stream.name]


def stream_of(run, name):
    return next(each for each in logs.streams(run.path, None) if each.stream_id == name)


def test_newest_part_is_cut_at_a_line_and_what_follows_can_be_asked_for(filled):
    path = filled.path / "logs" / "output.log"
    path.write_text("first line\nsecond\nthird")
    stream = stream_of(filled, "logs/output.log")
    part = logs.content(stream, max_bytes=14)
    assert part == {"text": "second\nthird", "start": 11, "end": 23, "size": 23}
    with open(path, "a") as file:
        file.write(" one\n")
    assert logs.content(stream, start=part["end"])["text"] == " one\n"
    assert logs.content(stream, start=10**9) == {"text": "", "start": 28, "end": 28, "size": 28}


def test_log_lines_among_the_events_are_a_log(run):
    run.append(
        event("log_line", job_id="j", data={"line": "heartbeat", "level": "debug"}),
        event("job_epoch", job_id="j", data={"epoch": 1}),
    )
    with open(run.path / "events.jsonl", "ab") as file:
        told = event("log_line", job_id="j", data={"line": "hello", "level": "warning"})
        file.write(json.dumps(told, separators=(",", ":")).encode() + b"\n" + b'{"torn')
    content = logs.content(stream_of(run, "events"))
    assert content["text"] == "2026-04-23 09:23:06 WARNING j  hello\n"
    assert content["end"] == content["size"] - len('{"torn')
    assert os.path.getsize(run.path / "events.jsonl") == content["size"]


def test_lines_that_a_console_had_too_many_of_are_told_where_they_are_missing(run):
    told = [
        {"line": "epoch 11", "stream": "stdout", "omitted": 2},
        {"line": "(3 lines omitted)", "stream": "stdout", "omitted": 3},
        {"line": "left out: 4", "omitted": 4},
    ]
    run.append(*[event("log_line", data=data) for data in told])
    lines = logs.content(stream_of(run, "events"))["text"].splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == [
        "(2 lines omitted)",
        "epoch 11",
        "(3 lines omitted)",
        "left out: 4",
    ]


def test_directory_that_is_a_link_leads_nowhere(run, tmp_path):
    """A run may be somebody else's, and the directory that it points to mine."""
    mine = tmp_path / "mine"
    (mine / ".submitit").mkdir(parents=True)
    (mine / "secret.log").write_text("x")
    (mine / ".submitit" / "1_0_log.out").write_text("x")
    (run.path / "logs").symlink_to(mine)
    (run.path / ".submitit").symlink_to(mine / ".submitit")
    assert [stream.stream_id for stream in logs.streams(run.path, None)] == ["events"]


def test_half_a_character_waits_for_its_other_half(run):
    path = run.path / "train.out"
    text = "näch\n".encode()
    path.write_bytes(text[:2])
    [stream] = [each for each in logs.streams(run.path, None) if each.name == "train.out"]
    first = logs.content(stream)
    path.write_bytes(text)
    second = logs.content(stream, start=first["end"])
    assert first["text"] + second["text"] == "näch\n"


def test_event_longer_than_what_is_asked_for_does_not_stop_the_reader(run):
    run.append(event("log_line", data={"line": "x" * 5_000}), event("log_line", data={"line": "y"}))
    [stream] = logs.streams(run.path, None)
    at, text = 0, ""
    for _ in range(100):
        told = logs.content(stream, 1_000, at)
        at, text = told["end"], text + told["text"]
    assert at == told["size"]
    assert text.endswith("y\n")
