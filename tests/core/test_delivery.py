"""Whole outages as lists of (now, reply): nothing is lost, nothing is told twice, nobody is stormed."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from argus.core.batching import Backlog
from argus.core.delivery import FIRST_RETRY_S, MAX_RETRY_S, PROBE_S, Delivery, Gate, Outcome
from argus.core.flight import MAX_UNSTORED
from argus.core.jsonl import Line
from argus.core.verdicts import Answer, NetworkFailure, Reply
from tests.core.voyage import AWAY, HTML, WALL, Platform, Voyage, names_of, size_of


def test_nothing_is_known_of_a_platform_that_was_not_asked() -> None:
    gate = Gate(lambda: 0.5)
    gate.last_chance()

    assert (gate.not_before, gate.answered, gate.away) == (0.0, False, False)


def test_good_day_takes_full_requests_without_a_pause() -> None:
    names, platform = names_of(1200), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(100.0, platform.takes) == 100.0

    assert [len(ids) for ids in voyage.requests] == [500, 500, 200]
    assert platform.stored == names
    assert (voyage.settled_bytes, voyage.confirmed, voyage.dead) == (size_of(names), 1200, {})
    assert (voyage.gate.answered, voyage.gate.away) == (True, False)


def test_outcome_of_a_good_request_tells_nothing() -> None:
    outcome = Voyage(["a", "b"]).send(0.0, Platform().takes)

    assert outcome == Outcome(settled_bytes=4, confirmed=2, dead=[], failure=None, halt=None)


def test_hour_without_a_platform_ends_with_every_event_delivered_in_order() -> None:
    names, platform = names_of(1200), Platform()
    voyage = Voyage(names)
    now, tries = 0.0, []
    while now < 3600:
        tries.append(now)
        outcome = voyage.send(now, AWAY)
        assert outcome == Outcome(0, 0, [], "connection refused", None)
        assert voyage.gate.away
        now = voyage.gate.not_before

    pauses = [later - earlier for earlier, later in zip(tries, tries[1:])]
    assert pauses[:7] == [0.5, 1, 2, 4, 8, 15, 15]
    assert set(pauses[7:]) == {15}

    assert voyage.send_all(now, platform.takes) == now
    assert platform.stored == names
    assert voyage.settled_bytes == size_of(names)
    assert [len(ids) for ids in voyage.requests[len(tries) :]] == [500, 500, 200]


def test_lost_reply_makes_no_second_event() -> None:
    platform = Platform()
    voyage = Voyage(["a", "b"])

    def stored_but_lost(ids: list[str]) -> Answer:
        platform.takes(ids)
        return NetworkFailure("timed out")

    voyage.send(0.0, stored_but_lost)
    voyage.send_all(0.0, platform.takes)

    assert platform.stored == ["a", "b"]
    assert (voyage.confirmed, voyage.settled_bytes) == (2, 4)


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("20", 20.0, 22.0),
        (formatdate(WALL + 100 + 20, usegmt=True), 20.0, 22.0),
        ("0", 0.0, 2.0),
        ("86400000", 600.0, 602.0),
        ("soon", 0.0, 2.0),
        (None, 0.0, 2.0),
    ],
)
def test_retry_after_is_kept_to_and_spread_a_little(
    retry_after: str | None, least: float, most: float
) -> None:
    pauses = []
    for random in (0.0, 1.0):
        voyage = Voyage(["a"], lambda random=random: random)  # type: ignore[misc]
        voyage.send(100.0, Reply(429, b"", retry_after))
        pauses.append(voyage.gate.not_before - 100.0)

    assert pauses == pytest.approx([least, most])


def test_429_makes_the_linger_longer_and_calm_shorter() -> None:
    voyage = Voyage(names_of(40))
    voyage.send(0.0, Reply(429))
    voyage.send(5.0, Reply(429))
    longer = voyage.gate.linger.seconds
    platform = Platform()
    for number in range(20):
        voyage.waiting.append(Line(b"x", f"x{number}"))
        voyage.send(10.0, platform.takes)

    assert (longer, voyage.gate.linger.seconds) == (4.0, 1.0)


def test_rejected_item_does_not_take_its_neighbours_along() -> None:
    platform = Platform()
    voyage = Voyage(["a", "b", "c"])

    outcome = voyage.send(0.0, platform.refuses("b"))

    assert platform.stored == ["a", "c"]
    assert voyage.dead == {"b": "missing: epoch"}
    assert (outcome.confirmed, outcome.settled_bytes, outcome.failure) == (2, 6, None)
    assert not voyage.is_going


def test_item_with_an_internal_error_goes_again_after_a_pause() -> None:
    platform = Platform()
    voyage = Voyage(["a", "b", "c"])

    outcome = voyage.send(10.0, platform.stumbles_over("b"))
    assert (outcome.confirmed, outcome.settled_bytes, outcome.dead) == (2, 2, [])
    assert voyage.gate.not_before == 10.5

    outcome = voyage.send(11.0, platform.takes)
    assert (outcome.confirmed, outcome.settled_bytes) == (1, 4)
    assert platform.stored == ["a", "c", "b"]
    assert voyage.gate.not_before == 0.0


def test_event_that_breaks_the_platform_is_set_aside_while_others_pass_beside_it() -> None:
    names, platform = names_of(MAX_UNSTORED + 12), Platform()
    voyage = Voyage(names[:2])
    later = names[2:]
    now = 0.0
    while not voyage.dead:
        now = voyage.gate.not_before
        voyage.send(now, platform.stumbles_over("e00000"))
        voyage.waiting.append(Line(later[0].encode(), later.pop(0)))

    assert len(voyage.requests) == MAX_UNSTORED
    assert list(voyage.dead) == ["e00000"]
    assert voyage.settled_bytes == size_of(names[: MAX_UNSTORED + 1])
    assert now <= MAX_UNSTORED * FIRST_RETRY_S, "the others are held up no more than that"


def test_results_that_are_lost_for_every_second_event_set_nothing_aside() -> None:
    names, platform = names_of(500), Platform()
    voyage = Voyage(names)
    now = 0.0
    while voyage.is_going:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, platform.forgets_every_second)

    assert (voyage.dead, sorted(platform.stored)) == ({}, names)
    assert len(voyage.requests) == 9


def test_locked_database_sets_nothing_aside() -> None:
    names, platform = names_of(10), Platform()
    voyage = Voyage(names)
    now = voyage.send_all(0.0, platform.stumbles_over(*names), most=100)

    assert voyage.dead == {}
    assert now > 900  # the pauses have grown

    voyage.send_all(now, platform.takes)
    assert platform.stored == names


def test_missing_result_goes_again() -> None:
    platform = Platform()
    voyage = Voyage(["a", "b", "c"])

    outcome = voyage.send(0.0, platform.forgets("a"))
    assert (outcome.confirmed, outcome.settled_bytes) == (2, 0)
    assert outcome.failure == "1 of 3 events were not stored"

    voyage.send_all(0.0, platform.takes)
    assert voyage.requests == [["a", "b", "c"], ["a"]]
    assert (voyage.settled_bytes, voyage.dead) == (6, {})


def test_login_page_is_not_a_delivery() -> None:
    platform = Platform()
    voyage = Voyage(["a"])

    outcome = voyage.send(0.0, HTML)

    assert (outcome.confirmed, outcome.settled_bytes, outcome.dead) == (0, 0, [])
    assert "Please log in" in str(outcome.failure)
    assert (voyage.gate.answered, voyage.gate.away) == (False, True)
    assert voyage.gate.not_before == 0.5

    voyage.send_all(1.0, platform.takes)
    assert platform.stored == ["a"]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 302])
def test_refused_token_or_wrong_url_halts_and_is_probed_now_and_then(status: int) -> None:
    names, platform = names_of(3), Platform()
    voyage = Voyage(names)
    now, tries = 0.0, 0
    while now < 3600:
        outcome = voyage.send(now, Reply(status))
        assert outcome.halt is not None
        assert (outcome.settled_bytes, outcome.dead, voyage.gate.away) == (0, [], True)
        assert PROBE_S <= voyage.gate.not_before - now <= PROBE_S + MAX_RETRY_S / 2
        now, tries = voyage.gate.not_before, tries + 1

    assert tries == 49
    voyage.send_all(now, platform.takes)
    assert platform.stored == names
    assert not voyage.gate.away


def test_gate_is_shared_by_all_that_goes_to_one_platform() -> None:
    gate = Gate(lambda: 1.0)
    own, leftover = Delivery(gate), Delivery(gate)
    for delivery in (own, leftover):
        delivery.board([Line(b"a", "a")])
        delivery.request()

    own.answered(10.0, WALL, AWAY)

    assert leftover.due_at(None) == own.due_at(None) == 11.0


@pytest.mark.parametrize(
    ("answer", "not_before"),
    [
        (AWAY, 0.0),
        (Reply(503, b"", "20"), 0.0),
        (Reply(401), 0.0),
        (Reply(429, b"", "20"), 20.0),
        (Reply(429), 1.0),
    ],
)
def test_last_chance_is_taken_but_not_where_the_platform_asked_to_wait(
    answer: Answer, not_before: float
) -> None:
    voyage = Voyage(["a"], lambda: 0.5)
    voyage.send(0.0, answer)

    voyage.gate.last_chance()

    assert voyage.gate.not_before == pytest.approx(not_before, rel=0.1)


def test_nothing_is_due_where_nothing_waits() -> None:
    delivery = Delivery(Gate(lambda: 0.5))

    assert delivery.due_at(None) is None
    assert delivery.request() == []
    assert delivery.settled_bytes() == 0


def test_new_events_linger_and_old_ones_do_not() -> None:
    voyage = Voyage(["a", "b"])
    backlog = Backlog(1, 10, 50.0, urgent=False)
    assert voyage.delivery.due_at(backlog) == 51.0
    assert voyage.delivery.due_at(backlog._replace(urgent=True)) == 50.0

    voyage.send(60.0, Platform().forgets("a"))
    assert voyage.delivery.due_at(backlog) == 60.5  # what is in hand waits for no company

    voyage.send(61.0, AWAY)
    assert voyage.delivery.due_at(backlog) == 62.0
    assert voyage.delivery.due_at(None) == 62.0


def test_backlog_waits_for_the_pause_and_for_its_company() -> None:
    gate = Gate(lambda: 1.0)
    other, own = Delivery(gate), Delivery(gate)
    other.board([Line(b"a", "a")])
    other.request()
    other.answered(50.0, WALL, Reply(503, b"", "20"))

    assert own.due_at(Backlog(1, 10, 50.0, urgent=True)) == 71.0
    assert own.due_at(Backlog(1, 10, 80.0, urgent=False)) == 81.0


def test_lines_that_are_no_events_are_settled_without_a_request() -> None:
    delivery = Delivery(Gate(lambda: 0.5))

    dead = delivery.board([Line(b"garbage", None), Line(b"", None)])

    assert [letter.line.data for letter in dead] == [b"garbage", b""]
    assert delivery.request() == []
    assert delivery.settled_bytes() == len(b"garbage\n\n")
    assert (delivery.in_hand, delivery.due_at(None)) == (0, None)
