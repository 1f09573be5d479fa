"""Proxies that work, and those that do not: in the end everything gets through, or straight there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.chaos.outage import (
    Fault,
    World,
    answer_the_three_questions,
    asked,
    end,
    listening,
    nothing,
    play,
)
from tests.environment import clean_environment
from tests.platform.peers import CA_FILE, Proxy, StandIn

__all__ = ["clean_environment"]

TOKEN = "em_live_not-for-proxies"


@pytest.fixture(scope="module")
def _tls_platform() -> Iterator[StandIn]:
    with StandIn(tls="good") as platform:
        yield platform


@pytest.fixture(params=["http", "https"])
def world(
    request: pytest.FixtureRequest,
    stand_in: StandIn,
    _tls_platform: StandIn,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A platform whose name only the proxy knows."""
    platform = stand_in if request.param == "http" else _tls_platform
    platform.reset()
    with listening() as ear:
        world = World(platform, proxy, monkeypatch, ear)
        world.setenv("ARGUS_CA_BUNDLE", CA_FILE)
        world.setenv("ARGUS_TOKEN", TOKEN)
        world.setenv(f"{request.param}_proxy", proxy.url)
        # The certificate is for this name.
        world.at("https://localhost:1" if request.param == "https" else "http://argus.invalid")
        works(world)
        yield world


def works(world: World) -> None:
    if not world.proxy.alive:
        world.proxy.restart()
    world.proxy.set(auth=None, refuse=None, forward_to=f"127.0.0.1:{world.platform.port}")


def refuses(status: int) -> Fault:
    return Fault(f"it answers {status}", lambda world: world.proxy.set(refuse=status), works)


def wants_a_password(world: World) -> None:
    world.proxy.set(auth="ann:s3cret")


def gets_a_password(world: World) -> None:
    for name in ("http_proxy", "https_proxy"):
        world.setenv(name, world.proxy.url.replace("//", "//ann:s3cret@"))


def leads_nowhere(world: World) -> None:
    world.proxy.set(forward_to="127.0.0.1:9")


def is_gone(world: World) -> None:
    world.proxy.kill()


FAULTS = [
    *map(refuses, (403, 407, 500, 502, 503)),
    Fault("it wants a password", wants_a_password, gets_a_password),
    Fault("it cannot reach the platform", leads_nowhere, works),
    Fault("it is not there", is_gone, works),
]


def test_proxy_that_works_is_not_noticed(world: World) -> None:
    fault = Fault("none", nothing, nothing, asked)
    run = play(world, fault)
    end(world, fault)
    answer_the_three_questions(world, fault, run)
    assert {q["headers"]["authorization"] for q in world.platform.requests()} == {f"Bearer {TOKEN}"}
    assert_no_tunnel_shows_the_token(world)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_proxy_that_does_not_work_holds_nobody_up_and_loses_nothing(
    world: World, fault: Fault
) -> None:
    run = play(world, fault)
    end(world, fault)
    answer_the_three_questions(world, fault, run)
    assert_no_tunnel_shows_the_token(world)


def assert_no_tunnel_shows_the_token(world: World) -> None:
    """A platform on https is reached through a tunnel, which carries nothing that can be read."""
    asked = world.proxy.requests()
    assert asked != []
    tunnels = [request for request in asked if request["method"] == "CONNECT"]
    assert len(tunnels) == (len(asked) if world.platform.scheme == "https" else 0)
    assert TOKEN not in json.dumps(tunnels)
