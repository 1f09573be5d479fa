"""Everything that a platform, or what poses as one, may do instead of answering as it should."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.outage import (
    EPOCHS,
    Fault,
    Run,
    World,
    answer_the_three_questions,
    asked,
    assert_whole,
    end,
    felt,
    listening,
    nothing,
    play,
    well,
)
from tests.environment import clean_environment, quiet, said
from tests.platform.peers import Proxy, StandIn

__all__ = ["clean_environment", "said"]

NAME = "argus.test"  # which no resolver knows
POISONED = frozenset({7, EPOCHS - 1})


@pytest.fixture
def world(stand_in: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with listening() as ear:
        yield World(stand_in, proxy, monkeypatch, ear)


def mode(text: str, **settings: Any) -> Fault:
    shown = "".join(f" {name}={value}" for name, value in settings.items())
    return Fault(f"{text}{shown}", lambda world: world.platform.mode(text, **settings))


def slow(text: str, **settings: Any) -> Fault:
    """A mode that the run does not notice at once."""
    return mode(text, **settings)._replace(met=asked)


def poison(text: str) -> Fault:
    """The platform never takes some events, and does not change its mind."""
    return slow(text)._replace(end=nothing, poisoned=POISONED)


def kill(world: World) -> None:
    world.platform.kill()


def restart(world: World) -> None:
    world.platform.restart()


class Resolver:
    """The system's resolver, as far as it is asked for NAME: it hangs or fails until it is well."""

    def __init__(self, hangs: bool) -> None:
        self._hangs = hangs
        self._asked = threading.Event()
        self._well = threading.Event()

    def begin(self, world: World) -> None:
        self._asked.clear()
        self._well.clear()
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            if host != NAME:
                return real(host, *args, **kwargs)
            self._asked.set()
            if self._hangs:
                self._well.wait()
            if not self._well.is_set():
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return real("127.0.0.1", *args, **kwargs)

        world.monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        world.at(f"http://{NAME}:{world.platform.port}")

    def met(self, world: World) -> None:
        assert self._asked.wait(10.0)
        if not self._hangs:
            felt(world)

    def end(self, world: World) -> None:
        self._well.set()


def resolver(name: str, hangs: bool) -> Fault:
    made = Resolver(hangs)
    return Fault(name, made.begin, made.end, made.met)


def wants_a_good_token(world: World) -> None:
    world.platform.mode("unauthorized_until_token:em_live_good")
    world.setenv("ARGUS_TOKEN", "em_live_expired")


def has_a_good_token(world: World) -> None:
    world.setenv("ARGUS_TOKEN", "em_live_good")


def points_elsewhere(world: World) -> None:
    """At a server that must never hear of it."""
    world.setenv("ARGUS_TOKEN", "em_live_secret")
    world.platform.mode(f"redirect:http://127.0.0.1:{world.proxy.port}{{path}}")


def nobody_was_there(world: World) -> None:
    assert world.proxy.requests() == []
    well(world)


FAULTS = [
    # Nobody there
    Fault("refused", kill, restart),
    resolver("a name that does not resolve", hangs=False),
    resolver("a name whose resolver hangs", hangs=True),
    # Silence and broken connections
    *map(slow, ("mute", "hang", "drip:1")),
    *map(mode, ("close", "reset_request", "reset_reply", "stored_but_no_answer", "store_500")),
    # What is no answer
    *map(mode, ("garbage", "wrong_length", "endless_headers", "endless_body")),
    *map(mode, ("endless_informational", "status:101")),
    # Refusals of everything
    *map(mode, ("status:500", "status:503", "status:408", "status:599", "html", "status:204")),
    *map(mode, ("status:403", "status:404", "status:405", "status:407", "status:415")),
    *(
        mode("status:429", retry_after=value)
        for value in (
            None,
            "0",
            "1",
            "3600",
            "Wed, 21 Oct 2099 07:28:00 GMT",
            "-5",
            "1e999",
            "soon",
        )
    ),
    Fault("401 and then a good token", wants_a_good_token, has_a_good_token),
    # Refusals of some
    slow("too_large:9000")._replace(end=nothing),
    slow("early_413"),
    *map(poison, ("named_422", "nameless_422", "reject_poison")),
    *map(slow, ("internal:3", "missing_results", "foreign_results", "internal_poison")),
    # Elsewhere
    mode("redirect_loop"),
    mode("redirect:ftp://127.0.0.1/{path}"),
    Fault("redirected to another host", points_elsewhere, nobody_was_there),
    # A fresh one in the middle of the run
    Fault("restart", nothing, nothing, restart),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_holds_nobody_up_and_loses_nothing(world: World, fault: Fault, long: bool) -> None:
    lengths = [EPOCHS]
    if long and not fault.poisoned:
        lengths += [random.Random(fault.name).randrange(1, 5_000) for _ in range(10)]
    for epochs in lengths:
        run = play(world, fault, epochs)
        end(world, fault)
        answer_the_three_questions(world, fault, run)
        if world.platform.alive:
            world.platform.reset()


PROPER = [
    *("chunked", "close_each", "idle_close:0.01", "redirect:{path}?again", "foreign_results"),
    *("informational:100", "informational:102", "informational:103", "informational:199"),
]


@pytest.mark.parametrize("mode", PROPER)
def test_answer_that_is_odd_but_proper_goes_unnoticed(
    world: World, said: list[str], mode: str
) -> None:
    world.platform.mode(mode, times=2 if "redirect" in mode else None)
    with quiet() as r, r.job("j1") as j:
        world.platform.wait_for(1)
        for epoch in range(EPOCHS):
            j.epoch(epoch)
    assert_whole(world.platform, Run(r.batch_id, EPOCHS, 0.0, 0.0))
    assert world.platform.stats()["duplicates"] == 0
    assert said == []
