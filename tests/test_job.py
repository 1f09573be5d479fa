"""What a training loop says of its job, as it arrives."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import pytest

from argus import Reporter
from tests.environment import clean_environment, platform, quiet, said, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


class Scalar:
    """A scalar as numpy, torch and jax have them."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


class Phase(Enum):
    WARM_UP = "warm-up"


def epochs_of(platform: StandIn, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of the epochs that arrive of a job with these calls of `epoch`."""
    with quiet() as r, r.job("j") as j:
        for fields in calls:
            j.epoch(**fields)
    assert platform.stats()["rejected"] == 0
    return [event["data"] for event in platform.events("job_epoch")]


# Epochs


def test_each_field_of_an_epoch_arrives_and_none_is_left_out(
    platform: StandIn, said: list[str]
) -> None:
    whole = {"epoch": 7, "train_loss": 0.5, "val_loss": 1, "lr": 1e-3, "batch_time_ms": 12.5}

    assert epochs_of(
        platform,
        {**whole, "grad_norm": 2, "phase": "warm-up", "per_class": [0.1, 0.2], "nothing": None},
        {"epoch": 8, "train_loss": None, "val_loss": None, "lr": None, "batch_time_ms": None},
        {"epoch": 9, "val_loss": 0},
    ) == [
        {**whole, "grad_norm": 2, "phase": "warm-up", "per_class": [0.1, 0.2], "nothing": None},
        {"epoch": 8},
        {"epoch": 9, "val_loss": 0},
    ]
    assert said == []


def test_numbers_of_other_libraries_are_the_numbers_that_they_hold(
    platform: StandIn, said: list[str]
) -> None:
    assert epochs_of(
        platform,
        {
            "epoch": Scalar(3),
            "train_loss": Scalar(0.25),
            "val_loss": Decimal("0.5"),
            "lr": Fraction(1, 8),
            "batch_time_ms": Scalar(Scalar(7)),
            "extra": Scalar(math.nan),
            "phase": Phase.WARM_UP,
        },
    ) == [
        {
            "epoch": 3,
            "train_loss": 0.25,
            "val_loss": 0.5,
            "lr": 0.125,
            "batch_time_ms": 7,
            "extra": "NaN",
            "phase": "warm-up",
        }
    ]
    assert said == []


@pytest.mark.parametrize(
    "given", [float, Scalar, str, lambda value: str(value).upper()], ids=["f", "s", "t", "T"]
)
def test_what_is_not_finite_arrives_as_such(platform: StandIn, given: Any) -> None:
    values = [math.nan, math.inf, -math.inf]

    assert epochs_of(
        platform, *[{"epoch": 0, "train_loss": given(x), "val_loss": given(x)} for x in values]
    ) == [
        {"epoch": 0, "train_loss": name, "val_loss": name}
        for name in ("NaN", "Infinity", "-Infinity")
    ]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (True, 1),
        ("7", 7),
        (1.5, 1),
        (-1.5, -2),
        (4.0, 4),
        (-3, -3),
        (Scalar(2.0), 2),
        (2**63, 2**63),
        (2**1000, 2**1000),
    ],
    ids=repr,
)
def test_epoch_is_made_a_whole_number(platform: StandIn, epoch: Any, expected: int) -> None:
    assert epochs_of(platform, {"epoch": epoch, "lr": 1.0}) == [{"epoch": expected, "lr": 1.0}]


@pytest.mark.parametrize(
    "epoch", [None, "seven", math.nan, math.inf, [1], {}, object(), 10**400, -(10**5000)], ids=type
)
def test_epoch_that_is_no_number_is_counted_on(
    platform: StandIn, said: list[str], epoch: Any
) -> None:
    calls = [{"epoch": 5, "lr": 1.0}, {"lr": 2.0, "epoch": epoch}, {"lr": 3.0}]

    assert [data["epoch"] for data in epochs_of(platform, *calls)] == [5, 1, 2]
    assert len(said) == 1


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("0.5", 0.5),
        (True, 1),
        ("much", None),
        ([0.5], None),
        ({"a": 1}, None),
        (10**400, None),
        (-(10**5000), None),
        (b"0.5", 0.5),
    ],
    ids=["text", "bool", "word", "list", "dict", "huge", "tiny", "bytes"],
)
def test_loss_that_is_no_number_is_put_right_or_left_out(
    platform: StandIn, said: list[str], loss: Any, expected: Any
) -> None:
    data = epochs_of(platform, {"epoch": 0, "val_loss": loss, "lr": 0.1, "note": "x"})[0]

    assert data.get("val_loss") == expected
    assert (data["epoch"], data["lr"], data["note"]) == (0, 0.1, "x")
    assert len(said) == 1


def test_integer_beyond_float_range_among_plain_numbers_is_no_token_of_json(
    platform: StandIn,
) -> None:
    calls = [{"epoch": 0, "train_loss": 0.5, "extra": -(10**400)}]

    assert epochs_of(platform, *calls) == [{"epoch": 0, "train_loss": 0.5, "extra": "-Infinity"}]


def test_names_that_a_platform_takes_for_its_own_are_renamed(
    platform: StandIn, said: list[str]
) -> None:
    assert epochs_of(platform, {"epoch": 0, "timestamp": 5, "ts": 6, "self": 7}) == [
        {"epoch": 0, "timestamp_": 5, "ts_": 6, "self": 7}
    ]
    assert len(said) == 1


def test_mistakes_of_one_kind_are_said_once_and_counted(platform: StandIn, said: list[str]) -> None:
    with quiet() as r, r.job("j") as j:
        for epoch in range(5):
            j.epoch(epoch, val_loss="much")

    assert len(said) == 1
    assert "epoch()" in said[0]
    assert r._notices.mistakes == 5


# Metrics


def test_metrics_merge_and_are_sent_with_the_end_of_the_job(platform: StandIn) -> None:
    with quiet() as r, r.job("j") as j:
        j.metrics({"MSE": 1, "MAE": Scalar(0.5)})
        j.metrics({"MSE": 0.21, 7: math.nan, "nested": {"a": (1, 2)}})
        j.metrics({})

    assert platform.events("job_done")[0]["data"]["metrics"] == {
        "MSE": 0.21,
        "MAE": 0.5,
        "7": "NaN",
        "nested": {"a": [1, 2]},
    }


def test_job_without_metrics_has_empty_ones(platform: StandIn) -> None:
    with quiet() as r, r.job("j"):
        pass

    assert shown(platform.events("job_done")) == [
        ("job_done", "j", {"status": "DONE", "train_epochs": 0, "metrics": {}})
    ]


@pytest.mark.parametrize("given", [None, 5, "MSE", [("MSE", 1)], object()], ids=repr)
def test_metrics_that_are_no_mapping_are_left_out(
    platform: StandIn, said: list[str], given: Any
) -> None:
    with quiet() as r, r.job("j") as j:
        j.metrics({"MSE": 1})
        j.metrics(given)

    assert platform.events("job_done")[0]["data"]["metrics"] == {"MSE": 1}
    assert said == ["metrics() takes a mapping; what it was given is left out"]


# Log lines


def test_log_lines_and_their_levels(platform: StandIn) -> None:
    with quiet() as r, r.job("j") as j:
        j.log("started")
        j.log("careful", level="WARNING")
        j.log("careful", "Debug")
        j.log(5, None)
        j.log("", "")
        j.log("two\nlines \u2028 and \ud800", level=30)
        j.log("x" * 20_000)

    lines = [event["data"] for event in platform.events("log_line")]
    assert lines[:6] == [
        {"line": "started", "level": "info"},
        {"line": "careful", "level": "warning"},
        {"line": "careful", "level": "debug"},
        {"line": "5", "level": "info"},
        {"line": "", "level": "info"},
        {"line": "two\nlines \u2028 and ?", "level": "30"},
    ]
    assert lines[6]["line"] == "x" * 16_384 + "... (+3616 characters)"


# The job itself


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("etth1_dlinear", "etth1_dlinear"),
        ("a/b ü", "a/b ü"),
        (7, "7"),
        (None, "job-1"),
        ("", "job-1"),
        (("a", 1), "('a', 1)"),
        ("\ud800", "?"),
    ],
)
def test_job_id_is_a_text(platform: StandIn, said: list[str], given: Any, expected: str) -> None:
    with quiet() as r, r.job(given) as j:
        assert j.job_id == expected

    assert {e["job_id"] for e in platform.events() if e["job_id"] is not None} == {expected}
    assert len(said) == (0 if isinstance(given, str) and given else 1)


def test_long_job_ids_stay_apart() -> None:
    ids = {Reporter().job("x" * size).job_id for size in (300, 301, 302)}

    assert len(ids) == 3
    assert {len(job_id) for job_id in ids} == {256}


def test_model_and_dataset_are_texts(platform: StandIn, said: list[str]) -> None:
    with quiet() as r:
        with r.job("a", model="patchtst", dataset=None):
            pass
        with r.job("b", model=3, dataset=["etth1", "etth2"]):  # type: ignore[arg-type]
            pass

    assert shown(platform.events("job_start")) == [
        ("job_start", "a", {"model": "patchtst"}),
        ("job_start", "b", {"model": "3", "dataset": "['etth1', 'etth2']"}),
    ]
    assert len(said) == 1


def test_what_else_is_known_at_its_start_is_kept_with_it(
    platform: StandIn, said: list[str]
) -> None:
    optuna = {"study_name": "s", "trial_number": 3, "params_hash": "ab12"}
    with quiet() as r, r.job("a", model="m", run_dir="/runs/3", optuna=optuna, config_digest="d"):
        optuna.clear()

    ((_, _, data),) = shown(platform.events("job_start"))
    known = {"study_name": "s", "trial_number": 3, "params_hash": "ab12"}
    assert data == {"model": "m", "run_dir": "/runs/3", "optuna": known, "config_digest": "d"}
    assert said == []


def test_jobs_side_by_side_keep_their_own(platform: StandIn) -> None:
    with quiet() as r, r.job("a") as a, r.job("b") as b:
        a.metrics({"x": 1})
        a.epoch(0)
        b.metrics({"x": 2})

    assert shown(platform.events("job_done")) == [
        ("job_done", "b", {"status": "DONE", "train_epochs": 0, "metrics": {"x": 2}}),
        ("job_done", "a", {"status": "DONE", "train_epochs": 1, "metrics": {"x": 1}}),
    ]
