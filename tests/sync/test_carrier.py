"""One item after the other on its way to a platform, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argus.rundir import layout
from argus.rundir.media import PENDING, Artifact, MediaList
from argus.rundir.synced import SyncRecord
from argus.sync import carrier, pace
from argus.sync import task as words
from argus.sync.finding import Wanted
from tests.platform.peers import StandIn, free_port
from tests.sync.runs import a_file, a_run, a_task, plain_event, story, sync


def figure(path: Path) -> Path:
    path.write_bytes(b"\x89PNG" + bytes(100))
    return path


def test_a_run_is_delivered_once_events_before_files(stand_in: StandIn, tmp_path: Path):
    lines = story(epochs=1_200)
    run = a_run(tmp_path / "run", lines, artifacts=(figure(tmp_path / "a.png"),))
    task = a_task(stand_in.url)
    [told], _ = sync(task, tmp_path)
    assert (told.outcome, told.events, told.files) == (words.DELIVERED, len(lines), 1)
    assert [event["event_id"] for event in stand_in.events()] == [
        json.loads(line)["event_id"] for line in lines
    ]
    paths = [request["path"].split("/")[-1] for request in stand_in.requests()]
    assert paths == ["batch", "batch", "batch", "artifacts"]
    assert (run / layout.EVENTS).read_bytes() == b"\n".join(lines) + b"\n"

    [told], _ = sync(task, tmp_path)
    assert told.outcome == words.NOTHING
    assert stand_in.stats()["requests"] == 4  # it is not even asked


def test_another_platform_gets_all_of_it_and_the_first_nothing_more(
    stand_in: StandIn, tmp_path: Path
):
    run = a_run(tmp_path / "run", url="http://127.0.0.1:9", artifacts=(figure(tmp_path / "a.png"),))
    size = (run / layout.EVENTS).stat().st_size
    (run / layout.DELIVERED).write_text(f"{size}\n")
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.events, told.files, told.left_files) == (7, 1, 0)
    assert (run / layout.DELIVERED).read_text() == f"{size}\n"
    [told], _ = sync(a_task(stand_in.url), tmp_path)
    assert (told.outcome, stand_in.stats()["duplicates"]) == (words.NOTHING, 0)


def test_it_goes_on_where_the_own_reporter_has_stopped(stand_in: StandIn, tmp_path: Path):
    lines = story()
    run = a_run(tmp_path / "run", lines, url=stand_in.url)
    sync(a_task(stand_in.url), a_file(tmp_path / "first.txt", lines[0].decode(), lines[1].decode()))
    (run / layout.DELIVERED).write_text(f"{len(lines[0] + lines[1]) + 2}\n")
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.events, stand_in.stats()["duplicates"]) == (len(lines) - 2, 0)
    size = (run / layout.EVENTS).stat().st_size
    assert (run / layout.DELIVERED).read_text() == f"{size}\n"


def test_what_the_platform_has_lost_is_handed_in_again(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", artifacts=(figure(tmp_path / "a.png"),))
    task = a_task(stand_in.url)
    sync(task, run)
    [told], _ = sync(task, run)
    assert told.outcome == words.NOTHING
    stand_in.reset()
    [told], _ = sync(task, run)
    assert (told.events, told.files) == (7, 1)
    assert len(stand_in.uploads()) == 1


def test_all_of_it_again_is_known_to_the_platform_by_its_ids(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", artifacts=(figure(tmp_path / "a.png"),))
    sync(a_task(stand_in.url), run)
    sync(a_task(stand_in.url, again=True), run)
    stats = stand_in.stats()
    assert (stats["events"], stats["duplicates"], stats["uploads"]) == (7, 7, 1)


def test_events_of_another_reporter_arrive_and_what_is_none_is_told(
    stand_in: StandIn, tmp_path: Path
):
    file = a_file(
        tmp_path / "spill-7-1.jsonl",
        plain_event(1),
        "",
        plain_event(2, event_id=..., schema_version="1.0"),
        "no event",
        plain_event(3, event_type="heartbeat"),
        plain_event(4, data={"epoch": "four"}),
    )
    task = a_task(stand_in.url, state_dir=tmp_path / "state")
    [told], _ = sync(task, file)
    assert (told.events, told.unreadable_lines, told.refused_events) == (2, 2, 1)
    assert told.refusal == "no event: no JSON object"
    [rejected] = (tmp_path / "state").rglob(layout.REJECTED)
    reasons = [json.loads(line)["reason"] for line in rejected.read_text("utf-8").splitlines()]
    assert [reason.partition(":")[0] for reason in reasons[:2]] == ["no event", "no event"]
    [told], _ = sync(task, file)
    assert (told.outcome, stand_in.stats()["duplicates"]) == (words.NOTHING, 0)


def test_where_no_position_can_be_kept_the_ids_make_it_safe(stand_in: StandIn, tmp_path: Path):
    file = a_file(tmp_path / "x.jsonl", *(plain_event(n, event_id=...) for n in range(9)))
    for _ in range(2):
        [told], _ = sync(a_task(stand_in.url), file)
        assert (told.outcome, told.events) == (words.DELIVERED, 9)
    stats = stand_in.stats()
    assert (stats["events"], stats["duplicates"]) == (9, 9)


def test_a_file_may_hold_many_batches_of_which_some_are_meant(stand_in: StandIn, tmp_path: Path):
    file = a_file(tmp_path / "x.jsonl", *(plain_event(n, batch_id=f"b{n % 2}") for n in range(6)))
    task = a_task(stand_in.url, state_dir=tmp_path / "state")
    sync(task._replace(wanted=Wanted(ids=("b1",))), file)
    assert {event["batch_id"] for event in stand_in.events()} == {"b1"}
    sync(task, file)
    stats = stand_in.stats()
    assert (stats["events"], stats["duplicates"]) == (6, 3)


def test_a_last_line_counts_where_it_is_whole(stand_in: StandIn, tmp_path: Path):
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    whole.write_text(f"{json.dumps(plain_event(1))}\n{json.dumps(plain_event(2))}")
    torn.write_text(f'{json.dumps(plain_event(3))}\n{{"event_id": "0')
    told, _ = sync(a_task(stand_in.url), torn, whole)
    assert [(each.events, each.torn_bytes) for each in told] == [(1, 15), (2, 0)]


def test_of_two_at_once_the_second_says_who_has_it(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    by = {"host": "node-1", "user": "ann", "pid": 7, "since": "2026-04-22T09:23:06Z"}
    record = SyncRecord.take(run, False, by)
    assert record is not None
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.outcome, told.reason) == (
        words.BUSY,
        "another sync has it (ann on node-1, process 7, since 2026-04-22T09:23:06Z)",
    )
    record.release()
    assert sync(a_task(stand_in.url), run)[0][0].outcome == words.DELIVERED


def test_a_platform_that_is_away_is_waited_for_and_what_is_left_is_counted(tmp_path: Path):
    a_run(tmp_path / "run", artifacts=(figure(tmp_path / "a.png"),))
    a_run(tmp_path / "wait", story("c"))
    task = a_task(f"http://127.0.0.1:{free_port()}")
    told, fleet = sync(task, tmp_path, jobs=1, limit_s=0.3)
    assert [(each.outcome, each.left_events, each.left_files) for each in told] == [
        (words.LEFT, 7, 1),
        (words.LEFT, 7, 0),
    ]
    assert "nothing got through" in str(fleet.pace.given_up)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("status:401", "it refused the token"),
        ("status:403", "it refused the token"),
        ("status:404", "no Argus platform answers there"),
        ("html", "an answer that no Argus platform gives"),
    ],
)
def test_a_refusal_for_good_ends_it(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, said: str
):
    monkeypatch.setattr(pace, "_MAX_FOREIGN", 1)
    run = a_run(tmp_path / "run")
    stand_in.mode(mode)
    [told], fleet = sync(a_task(stand_in.url), run, limit_s=600.0)
    assert said in str(fleet.pace.given_up)
    assert (told.outcome, told.left_events) == (words.LEFT, 7)
    stand_in.mode("ok")
    assert sync(a_task(stand_in.url), run)[0][0].events == 7


def test_passing_trouble_is_sat_out(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run")
    stand_in.mode("status:500", "close", times=1)
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.outcome, told.events) == (words.DELIVERED, 7)


def test_a_file_that_the_platform_refuses_is_told_and_not_sent_again(
    stand_in: StandIn, tmp_path: Path
):
    run = a_run(
        tmp_path / "run", artifacts=(figure(tmp_path / "a.png"), figure(tmp_path / "b.png"))
    )
    stand_in.mode("status:413", times=1, path="artifacts")
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.files, told.refused_files) == (1, 1)
    assert sync(a_task(stand_in.url), run)[0][0].outcome == words.NOTHING
    assert [upload["filename"] for upload in stand_in.uploads()] == ["b.png"]


def test_one_file_that_breaks_the_platform_does_not_hold_up_the_others(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(carrier, "_MAX_TRIES", 1)
    run = a_run(
        tmp_path / "run", artifacts=(figure(tmp_path / "a.png"), figure(tmp_path / "b.png"))
    )
    stand_in.mode("status:500", times=1, path="artifacts")
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.outcome, told.files, told.left_files) == (words.LEFT, 1, 1)
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.outcome, told.files, told.left_files) == (words.DELIVERED, 1, 0)
    assert len(stand_in.uploads()) == 2


def test_a_pause_that_is_asked_for_files_holds_for_all(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", artifacts=(figure(tmp_path / "a.png"),))
    stand_in.mode("status:429", times=1, path="artifacts", retry_after="0.2")
    [told], fleet = sync(a_task(stand_in.url), run)
    assert (told.outcome, told.files) == (words.DELIVERED, 1)
    asked, taken = stand_in.requests("artifacts")
    assert taken["at"] - asked["at"] >= 0.2
    assert fleet.pace.gate.not_before > 0.0


def test_a_copy_that_was_kept_goes_out_from_where_its_run_is_now(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "before")
    media = MediaList(run, private=False)
    media.note(
        media.copied(Artifact(str(figure(tmp_path / "a.png")), 104, "b", "j", None)), PENDING
    )
    (tmp_path / "a.png").unlink()
    run.rename(tmp_path / "now")
    [told], _ = sync(a_task(stand_in.url), tmp_path / "now")
    assert (told.outcome, told.files) == (words.DELIVERED, 1)
    assert [upload["filename"] for upload in stand_in.uploads()] == ["a.png"]
    (tmp_path / "now").rename(tmp_path / "later")
    [told], _ = sync(a_task(stand_in.url), tmp_path / "later")
    assert told.outcome == words.NOTHING


def test_what_a_power_cut_leaves_between_lines_takes_none_along(stand_in: StandIn, tmp_path: Path):
    first, second = (json.dumps(plain_event(number)).encode() for number in (1, 2))
    file = tmp_path / "events.jsonl"
    file.write_bytes(first + b"\n" + bytes(4096) + second + b"\n" + bytes(4096))
    [told], _ = sync(a_task(stand_in.url), file)
    assert (told.events, told.unreadable_lines, told.torn_bytes) == (2, 0, 0)


def test_a_file_without_an_event_is_not_called_delivered(stand_in: StandIn, tmp_path: Path):
    file = a_file(tmp_path / "notes.jsonl", "no event")
    [told], _ = sync(a_task(stand_in.url), file)
    assert (told.outcome, told.unreadable_lines) == (words.REFUSED, 1)


def test_a_line_that_no_event_can_have_says_how_long_it_is(stand_in: StandIn, tmp_path: Path):
    file = a_file(tmp_path / "long.jsonl", "x" * 17_000_000, plain_event(1))
    [told], _ = sync(a_task(stand_in.url), file)
    assert (told.events, told.refusal) == (1, "no event: a line of 17,000,001 bytes")
