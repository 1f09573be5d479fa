"""Certificates that nobody should trust, and the faults of a platform behind TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.outage import (
    Act,
    Fault,
    World,
    answer_the_three_questions,
    asked,
    end,
    felt,
    listening,
    nothing,
    play,
    well,
)
from tests.environment import clean_environment
from tests.platform.peers import CA_FILE, Proxy, StandIn

__all__ = ["clean_environment"]

TOKEN = "em_live_only-for-whom-it-is-meant"


@pytest.fixture(scope="module")
def _tls_platform() -> Iterator[StandIn]:
    with StandIn(tls="good") as platform:
        yield platform


@pytest.fixture
def world(_tls_platform: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    _tls_platform.reset()
    with listening() as ear:
        world = World(_tls_platform, proxy, monkeypatch, ear)
        world.setenv("ARGUS_CA_BUNDLE", CA_FILE)
        world.setenv("ARGUS_TOKEN", TOKEN)
        yield world


def certificate(tls: str) -> Fault:
    return Fault(
        f"a certificate that is {tls}",
        lambda world: world.platform.certify(tls),
        lambda world: world.platform.certify("good"),
        untrusted,
    )


def untrusted(world: World) -> None:
    """Nobody asks a platform that is not who it says."""
    world.ear.hears("its certificate is not trusted")
    assert world.platform.requests() == []


def forgets_the_authority(world: World) -> None:
    world.monkeypatch.delenv("ARGUS_CA_BUNDLE")


def learns_of_the_authority(world: World) -> None:
    world.setenv("REQUESTS_CA_BUNDLE", CA_FILE)


def points_to_http(world: World) -> None:
    """At a server that must never hear of it."""
    world.platform.mode(f"redirect:http://127.0.0.1:{world.proxy.port}{{path}}")


def nobody_was_there(world: World) -> None:
    assert world.proxy.requests() == []
    well(world)


def in_tls(mode: str, met: Act = felt) -> Fault:
    return Fault(mode, lambda world: world.platform.mode(mode), well, met)


def slow(mode: str) -> Fault:
    return in_tls(mode, met=asked)


UNTRUSTED = [
    certificate("expired"),
    certificate("wrong_host"),
    Fault("an authority of one's own", forgets_the_authority, learns_of_the_authority, untrusted),
]
FAULTS = [
    *map(slow, ("mute", "hang", "drip:1", "early_413")),
    *map(in_tls, ("close", "reset_request", "reset_reply", "garbage", "wrong_length")),
    *map(in_tls, ("endless_body", "endless_headers", "status:500")),
    Fault("redirected to http", points_to_http, nobody_was_there),
    Fault("restart", nothing, nothing, lambda world: world.platform.restart()),
]


@pytest.mark.parametrize("fault", UNTRUSTED, ids=lambda fault: fault.name)
def test_platform_that_is_not_trusted_hears_nothing_until_it_is(world: World, fault: Fault) -> None:
    run = play(world, fault)
    end(world, fault)
    answer_the_three_questions(world, fault, run)
    assert {q["headers"]["authorization"] for q in world.platform.requests()} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_behind_tls_holds_nobody_up_and_loses_nothing(world: World, fault: Fault) -> None:
    run = play(world, fault)
    end(world, fault)
    answer_the_three_questions(world, fault, run)
