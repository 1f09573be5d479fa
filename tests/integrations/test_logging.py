"""Records of the standard `logging` as log lines of the active job."""

from __future__ import annotations

import logging
import logging.config
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import argus
from argus.integrations.logging import BURST, LINES_PER_S, ArgusHandler, Budget
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """The root of a tree of loggers of its own, reporting what is INFO and worse."""
    logger = logging.Logger("training", logging.DEBUG)
    logger.addHandler(ArgusHandler(logging.INFO))
    yield logger
    logger.handlers[0].close()


def lines(platform: StandIn) -> list[tuple[str, str, str]]:
    return [
        (event["job_id"], event["data"]["level"], event["data"]["line"])
        for event in platform.events("log_line")
    ]


def test_records_become_lines_of_the_innermost_open_job(
    platform: StandIn, log: logging.Logger
) -> None:
    log.info("nobody is there")
    with quiet(batch_id="b") as r:
        log.warning("before any job")
        with r.job("j"):
            log.info("epoch %d of %d", 1, 2)
            log.debug("below the level")
            log.log(35, "between")
        log.critical("after it")
    log.info("nobody is there any more")

    assert lines(platform) == [
        ("b", "warning", "before any job"),
        ("j", "info", "epoch 1 of 2"),
        ("j", "level 35", "between"),
        ("b", "critical", "after it"),
    ]
    assert {event["data"]["logger"] for event in platform.events("log_line")} == {"training"}


def test_an_error_arrives_with_its_traceback_and_without_its_secrets(
    platform: StandIn, log: logging.Logger
) -> None:
    with quiet(batch_id="b"):
        try:
            raise ConnectionError("https://ann:hunter2@host refused, token=em_live_abc")
        except ConnectionError:
            log.exception("no data, password=%s", "hunter2")

    ((_, level, line),) = lines(platform)
    assert level == "error"
    assert line.startswith("no data, password=***\nTraceback (most recent call last):\n")
    assert line.endswith("\nConnectionError: https://***@host refused, token=***")


def test_what_the_reporter_itself_has_to_say_is_not_reported(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    handler = ArgusHandler()
    root.addHandler(handler)
    try:
        with quiet(batch_id="b") as r:
            r.job(None)  # type: ignore[arg-type]  # a mistake, which is said
            logging.getLogger("argus.server").warning("nor this")
            logging.getLogger("argusnaut").warning("but this")
    finally:
        root.removeHandler(handler)

    assert len(said) == 1
    assert lines(platform) == [("b", "warning", "but this")]


class Hostile:
    def __str__(self) -> str:
        raise SystemError("no text")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("%d epochs", "many"), "%d epochs"),
        (("one %s", 1, 2), "one %s"),
        (("%s", Hostile()), "%s"),
        (({"loss": 0.5},), "{'loss': 0.5}"),
    ],
)
def test_a_record_that_cannot_be_put_together_arrives_as_it_was_written(
    platform: StandIn,
    log: logging.Logger,
    arguments: tuple[Any, ...],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with quiet(batch_id="b"):
        log.info(*arguments)
        log.info(Hostile())

    first, second = lines(platform)
    assert first == ("b", "info", line)
    assert "Hostile" in second[2]


def test_what_ends_the_program_is_not_swallowed(platform: StandIn, log: logging.Logger) -> None:
    class Interrupts:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with quiet(batch_id="b"), pytest.raises(KeyboardInterrupt):
        log.info("%s", Interrupts())


def test_a_flood_is_cut_and_counted_and_its_last_error_arrives(
    platform: StandIn, log: logging.Logger
) -> None:
    n_threads, n_each = 4, 500

    def say_often() -> None:
        for _ in range(n_each):
            log.info("step")

    with quiet(batch_id="b"):
        threads = [threading.Thread(target=say_often) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.error("out of memory")
        log.handlers[0].flush()

    arrived = [line for _, _, line in lines(platform)]
    omitted = sum(event["data"].get("omitted", 0) for event in platform.events("log_line"))
    assert arrived.count("step") >= BURST
    assert arrived.count("step") + omitted == n_threads * n_each
    assert omitted > 0
    assert "out of memory" in arrived


def test_the_budget_fills_up_with_time_and_tells_once_a_second_what_stayed() -> None:
    budget = Budget(now=100.0)
    assert [budget.take(100.0) for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
    assert (budget.untold(100.0), budget.untold(100.0)) == (2, 0)
    assert not budget.take(100.0)
    assert (budget.untold(100.5), budget.untold(101.0), budget.untold(102.0)) == (0, 1, 0)
    assert [budget.take(101.0) for _ in range(60)].count(True) == LINES_PER_S
    assert [budget.take(9_999.0) for _ in range(BURST + 1)].count(True) == BURST


def test_it_is_made_by_a_configuration(platform: StandIn) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "formatters": {"short": {"format": "%(name)s: %(message)s"}},
            "handlers": {
                "argus": {
                    "class": "argus.integrations.logging.ArgusHandler",
                    "level": "WARNING",
                    "formatter": "short",
                }
            },
            "loggers": {"configured": {"handlers": ["argus"]}},
        }
    )
    logger = logging.getLogger("configured")
    try:
        with quiet(batch_id="b"):
            logger.info("too little")
            logger.warning("here")
    finally:
        logger.handlers.clear()
    assert lines(platform) == [("b", "warning", "configured: here")]


def test_where_nothing_is_reported_a_record_costs_no_formatting(log: logging.Logger) -> None:
    asked = []

    class Asked:
        def __str__(self) -> str:
            asked.append(1)
            return ""

    log.warning("%s", Asked())
    assert (asked, argus.get_batch_id()) == ([], None)
