"""Whole outages as lists of (now, reply): nothing is lost, nothing is told twice, nobody is stormed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from email.utils import formatdate
from random import Random
from typing import Any, Union

import pytest

from argus.core.batching import Backlog
from argus.core.delivery import FIRST_RETRY_S, MAX_RETRY_S, PROBE_S, Delivery, Gate, Outcome
from argus.core.flight import MAX_UNSTORED
from argus.core.jsonl import Line
from argus.core.verdicts import Answer, NetworkFailure, Reply

WALL = 1_776_936_186.0
AWAY = NetworkFailure("connection refused")
HTML = Reply(200, b"<html>Please log in</html>")


class Platform:
    """What a platform stores. Each method is one way to answer the events of a request."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    def takes(self, ids: list[str]) -> Reply:
        return self._results(ids, {})

    def refuses(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results(ids, dict.fromkeys(bad, "missing: epoch"))

    def stumbles_over(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results(ids, dict.fromkeys(bad, "internal: database is locked"))

    def forgets(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results([name for name in ids if name not in bad], {})

    def forgets_every_second(self, ids: list[str]) -> Reply:
        return self._results(ids[::2], {})

    def names(self, *bad: str) -> Callable[[list[str]], Reply]:
        """422 with the place of the bad ones; takes a request without any."""

        def answer(ids: list[str]) -> Reply:
            detail = [
                {"loc": ["body", "events", index, "event_type"], "msg": "bad"}
                for index, name in enumerate(ids)
                if name in bad
            ]
            body = json.dumps({"detail": detail}).encode()
            return Reply(422, body) if detail else self.takes(ids)

        return answer

    def chokes_on(self, *bad: str) -> Callable[[list[str]], Reply]:
        """422 that says nothing; takes a request without any."""
        return lambda ids: Reply(422) if set(bad) & set(ids) else self.takes(ids)

    def takes_at_most(self, count: int) -> Callable[[list[str]], Reply]:
        return lambda ids: Reply(413) if len(ids) > count else self.takes(ids)

    def _results(self, ids: list[str], errors: dict[str, str]) -> Reply:
        results = []
        for name in ids:
            status = "deduplicated" if name in self.stored else "accepted"
            if name in errors:
                status = "rejected"
            elif status == "accepted":
                self.stored.append(name)
            results.append({"event_id": name, "status": status, "error": errors.get(name)})
        return Reply(200, json.dumps({"results": results}).encode())


Script = Union[Answer, Callable[[list[str]], Answer]]


class Voyage:
    """An event file on its way, as the sender carries it out."""

    def __init__(self, names: list[str], random: Callable[[], float] = lambda: 0.5) -> None:
        self.waiting = [Line(name.encode(), name) for name in names]
        self.delivery = Delivery(Gate(random))
        self.gate = self.delivery.gate
        self.requests: list[list[str]] = []
        self.settled_bytes = 0
        self.confirmed = 0
        self.dead: dict[str, str] = {}

    def send(self, now: float, script: Script) -> Outcome:
        room = self.delivery.room
        self.delivery.board(self.waiting[:room])
        del self.waiting[:room]
        ids = [str(line.event_id) for line in self.delivery.request()]
        self.requests.append(ids)
        answer = script(ids) if callable(script) else script
        outcome = self.delivery.answered(now, WALL + now, answer)
        self.settled_bytes += outcome.settled_bytes
        self.confirmed += outcome.confirmed
        self.dead.update({str(line.event_id): reason for line, reason in outcome.dead})
        return outcome

    def send_all(self, now: float, script: Script, most: int = 10_000) -> float:
        """Send until nothing is left, each request when it is due. Returns the time at the end."""
        while self.is_going and most:
            most -= 1
            now = max(now, self.gate.not_before)
            self.send(now, script)
        return now

    @property
    def is_going(self) -> bool:
        return bool(self.waiting or self.delivery.in_hand)


def _names(count: int) -> list[str]:
    return [f"e{number:05d}" for number in range(count)]


def _size(names: list[str]) -> int:
    return sum(len(name) + 1 for name in names)


def test_nothing_is_known_of_a_platform_that_was_not_asked() -> None:
    gate = Gate(lambda: 0.5)
    gate.last_chance()

    assert (gate.not_before, gate.answered, gate.away) == (0.0, False, False)


def test_good_day_takes_full_requests_without_a_pause() -> None:
    names, platform = _names(1200), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(100.0, platform.takes) == 100.0

    assert [len(ids) for ids in voyage.requests] == [500, 500, 200]
    assert platform.stored == names
    assert (voyage.settled_bytes, voyage.confirmed, voyage.dead) == (_size(names), 1200, {})
    assert (voyage.gate.answered, voyage.gate.away) == (True, False)


def test_outcome_of_a_good_request_tells_nothing() -> None:
    outcome = Voyage(["a", "b"]).send(0.0, Platform().takes)

    assert outcome == Outcome(settled_bytes=4, confirmed=2, dead=[], failure=None, halt=None)


def test_hour_without_a_platform_ends_with_every_event_delivered_in_order() -> None:
    names, platform = _names(1200), Platform()
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
    assert voyage.settled_bytes == _size(names)
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
    voyage = Voyage(_names(40))
    voyage.send(0.0, Reply(429))
    voyage.send(5.0, Reply(429))
    longer = voyage.gate.linger.seconds
    platform = Platform()
    for number in range(20):
        voyage.waiting.append(Line(b"x", f"x{number}"))
        voyage.send(10.0, platform.takes)

    assert (longer, voyage.gate.linger.seconds) == (4.0, 1.0)


@pytest.mark.parametrize("poison", [*range(0, 500, 23), 1, 249, 250, 498, 499])
def test_one_bad_event_among_500_is_found_by_halving(poison: int) -> None:
    names, platform = _names(500), Platform()
    bad = names[poison]
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.chokes_on(bad)) == 0.0  # and without a pause

    assert voyage.dead == {bad: "HTTP 422"}
    assert platform.stored == [name for name in names if name != bad]
    assert voyage.settled_bytes == _size(names)
    assert len(voyage.requests) <= 2 * math.log2(500) + 3


def test_bad_events_of_every_batch_do_not_hold_up_the_others() -> None:
    names, platform = _names(2000), Platform()
    bad = names[250::500]
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.chokes_on(*bad)) == 0.0

    assert list(voyage.dead) == bad
    assert platform.stored == [name for name in names if name not in bad]
    assert len(voyage.requests) <= 4 * (2 * math.log2(500) + 3)


def test_named_bad_events_are_set_aside_and_the_rest_goes_at_once() -> None:
    names, platform = _names(500), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.names(names[3], names[499])) == 0.0

    assert voyage.dead == {names[3]: "event_type: bad", names[499]: "event_type: bad"}
    assert len(platform.stored) == 498
    assert [len(ids) for ids in voyage.requests] == [500, 498]
    assert voyage.settled_bytes == _size(names)


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
    names, platform = _names(MAX_UNSTORED + 12), Platform()
    voyage = Voyage(names[:2])
    later = names[2:]
    now = 0.0
    while not voyage.dead:
        now = voyage.gate.not_before
        voyage.send(now, platform.stumbles_over("e00000"))
        voyage.waiting.append(Line(later[0].encode(), later.pop(0)))

    assert len(voyage.requests) == MAX_UNSTORED
    assert list(voyage.dead) == ["e00000"]
    assert voyage.settled_bytes == _size(names[: MAX_UNSTORED + 1])
    assert now <= MAX_UNSTORED * FIRST_RETRY_S, "the others are held up no more than that"


def test_results_that_are_lost_for_every_second_event_set_nothing_aside() -> None:
    names, platform = _names(500), Platform()
    voyage = Voyage(names)
    now = 0.0
    while voyage.is_going:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, platform.forgets_every_second)

    assert (voyage.dead, sorted(platform.stored)) == ({}, names)
    assert len(voyage.requests) == 9


def test_locked_database_sets_nothing_aside() -> None:
    names, platform = _names(10), Platform()
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
    names, platform = _names(3), Platform()
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


def test_413_halves_what_goes_together_until_it_fits_and_grows_back() -> None:
    names, platform = _names(3000), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.takes_at_most(130)) == 0.0

    sizes = [len(ids) for ids in voyage.requests]
    assert sizes[:3] == [500, 250, 125]
    assert sizes[3:14] == [125] * 9 + [250, 125]  # ten have passed: twice as many are tried
    assert platform.stored == names
    assert (voyage.settled_bytes, voyage.dead) == (_size(names), {})


@pytest.mark.parametrize("refusal", [Reply(400), Reply(413), Reply(422), "named"])
def test_proxy_that_refuses_everything_for_an_hour_costs_no_event(refusal: Any) -> None:
    names, platform = _names(700), Platform()
    voyage = Voyage(names)
    voyage.send(0.0, platform.takes)
    now, script = 0.0, platform.names(*names) if refusal == "named" else refusal
    while now < 3600:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, script)
    refused = len(voyage.requests)

    voyage.send_all(now, platform.takes)

    assert voyage.dead == {}
    assert sorted(platform.stored) == names
    assert voyage.settled_bytes == _size(names)
    assert refused < 12 + 3600 / 15 * 1.1
    assert len(voyage.requests) - refused < 40


def test_lone_event_that_is_refused_is_asked_about_again_with_growing_pauses() -> None:
    platform = Platform()
    voyage = Voyage(["bad"])
    pauses = []
    for _ in range(4):
        voyage.send(100.0, Reply(422))
        pauses.append(voyage.gate.not_before - 100.0)
    assert (pauses, voyage.dead) == ([0.5, 1.0, 2.0, 4.0], {})

    voyage.waiting += [Line(b"good", "good")]
    voyage.send_all(200.0, platform.chokes_on("bad"))

    assert (platform.stored, voyage.dead) == (["good"], {"bad": "HTTP 422"})


def test_last_event_that_is_refused_is_told_from_a_refusal_of_everything() -> None:
    names, platform = _names(3), Platform()
    voyage = Voyage(names[:2])
    voyage.send_all(0.0, platform.takes)

    voyage.waiting += [Line(b"bad", "bad")]
    assert voyage.send_all(10.0, platform.chokes_on("bad")) == 10.0  # without a pause

    assert voyage.requests == [names[:2], ["bad"], names[:1], ["bad"]]
    assert (voyage.dead, voyage.confirmed) == ({"bad": "HTTP 422"}, 2)
    assert voyage.settled_bytes == _size([*names[:2], "bad"])


def test_while_everything_is_refused_what_is_stored_already_is_asked_about() -> None:
    names, platform = _names(4), Platform()
    voyage = Voyage(names[:2])
    voyage.send_all(0.0, platform.takes)

    voyage.waiting += [Line(b"good", "good")]
    voyage.send_all(10.0, Reply(422), most=5)
    assert voyage.requests[1:] == [["good"], *[names[:1]] * 4]

    voyage.send_all(100.0, platform.takes)
    assert (voyage.dead, platform.stored) == ({}, [*names[:2], "good"])


def test_platform_that_refuses_every_event_is_not_stormed() -> None:
    voyage = Voyage(_names(500))

    voyage.send_all(0.0, Reply(400), most=12)  # enough to find one bad event
    assert voyage.gate.not_before == 0.0

    now = 0.0
    while now < 600:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, Reply(400))
        assert voyage.gate.not_before > now
    assert len(voyage.requests) == 12 + 45


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


# Whatever the platform answers, in whatever order: each line is settled exactly once.


def _moody(random: Random, platform: Platform, bad: set[str]) -> Callable[[list[str]], Answer]:
    """A platform in trouble: any answer, true or not; only what is bad is refused for good."""

    def answer(ids: list[str]) -> Answer:
        some = random.sample(ids, random.randrange(len(ids) + 1))
        refused = bad & set(ids)
        answers: list[Callable[[], Answer]] = [
            lambda: AWAY,
            lambda: Reply(random.choice([401, 404, 408, 418, 429, 500, 503]), b"", "3"),
            lambda: HTML,
            lambda: Reply(200, b'{"results": [{"event_id": "nobody", "status": "accepted"}]}'),
            lambda: platform.takes(some) and AWAY,
            lambda: platform.forgets(*some, *refused)(ids),
            lambda: platform.stumbles_over(*some, *refused)(ids) if some else AWAY,
            lambda: platform.refuses(*refused)(ids),
            lambda: platform.names(*refused)(ids),
            lambda: platform.chokes_on(*refused)(ids),
            lambda: platform.takes_at_most(40)(ids) if not refused and len(ids) > 1 else AWAY,
        ]
        return random.choice(answers)()

    return answer


def _told(answer: Any) -> set[str]:
    """The events that an answer says are stored."""
    if not isinstance(answer, Reply) or answer.status != 200 or answer.body[:1] != b"{":
        return set()
    results = json.loads(answer.body)["results"]
    return {r["event_id"] for r in results if r["status"] in ("accepted", "deduplicated")}


@pytest.mark.parametrize("seed", range(30))
def test_every_line_is_settled_exactly_once_whatever_is_answered(seed: int) -> None:
    random = Random(seed)
    names, platform = _names(random.choice([1, 7, 300, 700])), Platform()
    bad = {name for name in names if random.random() < 0.01}
    voyage = Voyage(list(names), random.random)
    moody = _moody(random, platform, bad)
    confirmed: set[str] = set()
    ends = {0: 0}  # where the position may stand, and how many lines are before it
    for count in range(1, len(names) + 1):
        ends[_size(names[:count])] = count
    for step in range(5000):
        if not voyage.is_going:
            break
        script = moody if step < 200 else platform.refuses(*bad)
        answers: list[Answer] = []

        def noted(ids: list[str], script: Any = script, answers: Any = answers) -> Answer:
            assert not confirmed & set(ids), "sent again though confirmed"
            assert not voyage.dead.keys() & set(ids), "sent again though set aside"
            assert ids == sorted(ids)
            answers.append(script(ids))
            return answers[-1]  # type: ignore[no-any-return]

        outcome = voyage.send(float(step), noted)
        told = _told(answers[0]) & set(names)
        assert outcome.confirmed == len(told)
        assert not confirmed & told
        confirmed.update(told)
        settled = names[: ends[voyage.settled_bytes]]
        assert all(name in confirmed or name in voyage.dead for name in settled)

    assert not voyage.is_going
    assert voyage.settled_bytes == _size(names)
    assert confirmed | voyage.dead.keys() == set(names)
    assert not confirmed & voyage.dead.keys()
    assert confirmed <= set(platform.stored)
