"""A thousand reporters and one platform, in scripted time: nobody sleeps, and hours take a second."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from argus.core.batching import Backlog
from argus.core.delivery import Delivery, Gate
from argus.core.jsonl import Line
from argus.core.verdicts import Answer, NetworkFailure, Reply
from tests.chaos import figures

AWAY = NetworkFailure("connection refused")
REPORTERS = 1_000
EVERY_S = 5.0  # an event of each

Platform = Callable[[float, list[str]], Answer]


class Run:
    """A reporter with an event now and then, as the sender carries its decisions out."""

    def __init__(self, random: Random) -> None:
        self.delivery = Delivery(Gate(random.random))
        self.looked_at = random.random() * EVERY_S  # they have not started together
        self.delivered = 0
        self._taken = 0

    def due_at(self) -> float:
        due_at = self.delivery.due_at(Backlog(1, 300, self.looked_at + EVERY_S, urgent=False))
        assert due_at is not None
        return due_at

    def send(self, now: float, platform: Platform) -> None:
        fresh = min(int((now - self.looked_at) / EVERY_S), self.delivery.room)
        names = [str(self._taken + number) for number in range(fresh)]
        self._taken += fresh
        self.looked_at += fresh * EVERY_S
        self.delivery.board([Line(name.encode(), name) for name in names])
        ids = [str(line.event_id) for line in self.delivery.request()]
        answer = platform(now, ids)
        self.delivered += self.delivery.answered(now, now, answer).confirmed


def taken(ids: list[str]) -> Reply:
    results = [{"event_id": event_id, "status": "accepted"} for event_id in ids]
    return Reply(200, json.dumps({"results": results}).encode())


def play(runs: list[Run], platform: Platform) -> Iterator[tuple[float, int]]:
    """Every request of these reporters, in order: when it was, and whose."""
    queue = [(run.due_at(), number) for number, run in enumerate(runs)]
    heapq.heapify(queue)
    while True:
        now, number = heapq.heappop(queue)
        runs[number].send(now, platform)
        figures.count("requests in scripted time")
        yield now, number
        heapq.heappush(queue, (max(runs[number].due_at(), now + 0.001), number))


def largest_share(times: list[float], width_s: float) -> float:
    """The largest part of the thousand that comes within any `width_s`."""
    most = max(bisect_left(times, start + width_s) - at for at, start in enumerate(times))
    return most / REPORTERS


def test_a_thousand_that_lost_their_platform_together_do_not_come_back_together(long: bool) -> None:
    for outage_s in (60, 600, 3_600) if long else (60,):
        lose_the_platform(outage_s)


def lose_the_platform(outage_s: int) -> None:
    back_at = EVERY_S + outage_s

    def platform(now: float, ids: list[str]) -> Answer:
        return AWAY if EVERY_S <= now < back_at else taken(ids)

    random = Random(1)
    first_tries: dict[int, float] = {}
    in_vain = 0
    for now, number in play([Run(random) for _ in range(REPORTERS)], platform):
        in_vain += EVERY_S <= now < back_at
        if now >= back_at:
            first_tries.setdefault(number, now)
        if len(first_tries) == REPORTERS:
            break

    times = sorted(first_tries.values())
    assert times[-1] < back_at + 31.0
    assert largest_share(times, 0.1) < 0.025
    assert largest_share(times, 1.0) < 0.1
    assert in_vain < REPORTERS * (12 + outage_s / 15 * 1.1)


class Bucket:
    """The limit of a platform for one token: so many requests a minute, a tenth of them at once."""

    def __init__(self, a_minute: float) -> None:
        self._a_minute = a_minute
        self._tokens, self._at = a_minute / 10, 0.0

    def __call__(self, now: float, ids: list[str]) -> Answer:
        gained = (now - self._at) * self._a_minute / 60.0
        self._tokens, self._at = min(self._a_minute / 10, self._tokens + gained), now
        if self._tokens < 1.0:
            return Reply(429, b"", "1")
        self._tokens -= 1.0
        return taken(ids)


def test_those_who_share_a_token_settle_near_what_it_allows(long: bool) -> None:
    reporters, minutes = (REPORTERS, 60) if long else (REPORTERS // 10, 20)
    allowed = 0.6 * reporters
    random = Random(2)
    runs = [Run(random) for _ in range(reporters)]
    a_minute: Counter[int] = Counter()
    for now, _ in play(runs, Bucket(allowed)):
        a_minute[int(now // 60)] += 1
        if now > minutes * 60.0:
            break

    settled = [a_minute[minute] for minute in range(minutes // 2, minutes)]
    assert max(settled) < 1.75 * allowed
    assert sum(run.delivered for run in runs) > reporters * (minutes - 5) * 60 / EVERY_S
