import threading

import pytest

from argus.scanner import feed as feeds
from argus.scanner.feed import Feed


def test_listener_gets_what_comes_and_what_it_missed():
    feed = Feed(100)
    for number in range(3):
        feed.publish("run", {"n": number})
    messages = next(feed.listen(101, 0.0))
    assert [(each.number, each.kind, each.data) for each in messages] == [
        (102, "run", b'{"n": 1}'),
        (103, "run", b'{"n": 2}'),
    ]
    assert next(feed.listen(None, 0.0)) == []


def test_one_that_fell_behind_or_knows_another_feed_begins_anew(monkeypatch):
    monkeypatch.setattr(feeds, "KEPT_MESSAGES", 2)
    feed = Feed(100)
    for number in range(5):
        feed.publish("run", number)
    for after in (100, 102, 7, 9_999):
        listening = feed.listen(after, 0.0)
        [message] = next(listening)
        assert (message.number, message.kind) == (105, "resync")
        feed.publish("gone", {})
        assert [each.kind for each in next(listening)] == ["gone"]
        feed = Feed(100)
        for number in range(5):
            feed.publish("run", number)
    assert [each.number for each in next(feed.listen(103, 0.0))] == [104, 105]


def test_what_is_kept_is_bounded_in_bytes_too(monkeypatch):
    monkeypatch.setattr(feeds, "KEPT_BYTES", 1_000)
    feed = Feed(0)
    for _ in range(50):
        feed.publish("run", "x" * 100)
    assert len(next(feed.listen(45, 0.0))) == 5
    assert [each.kind for each in next(feed.listen(10, 0.0))] == ["resync"]


def test_waiting_listener_is_woken_by_a_message_and_by_the_end():
    feed = Feed(0)
    heard: list[list[feeds.Message]] = []
    thread = threading.Thread(target=lambda: heard.extend(feed.listen(0, 60.0)))
    thread.start()
    feed.publish("run", 1)
    feed.publish("run", 2)
    while sum(len(portion) for portion in heard) < 2:
        threading.Event().wait(0.005)
    feed.close()
    thread.join(10)
    assert not thread.is_alive()
    assert [each.data for portion in heard for each in portion] == [b"1", b"2"]


def test_what_is_no_strict_json_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        Feed(0).publish("run", float("nan"))


def test_slow_listener_gets_what_it_missed_in_portions(monkeypatch):
    monkeypatch.setattr(feeds, "PORTION_BYTES", 100)
    feed = Feed(0)
    for number in range(10):
        feed.publish("run", "x" * 40 + str(number))
    listening = feed.listen(0, 0.0)
    portions = [next(listening) for _ in range(4)]
    assert [len(portion) for portion in portions] == [3, 3, 3, 1]
    assert [each.number for portion in portions for each in portion] == list(range(1, 11))


def test_listening_begins_when_it_is_asked_for():
    feed = Feed(0)
    listening = feed.listen(None, 0.0)
    feed.publish("run", 1)
    assert [each.number for each in next(listening)] == [1]
