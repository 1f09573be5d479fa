"""Fields are made to fit the schema where their meaning is clear, else left out and counted."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from argus.core import contract, schema
from argus.core.events import encode_data
from argus.core.fields import MisfitError, fit_value, fitted


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (schema.INTEGER, 7, 7),
        (schema.INTEGER, 7.0, 7),
        (schema.INTEGER, 1.5, 1),
        (schema.INTEGER, -1.5, -2),
        (schema.INTEGER, True, 1),
        (schema.INTEGER, "12", 12),
        (schema.INTEGER, 2**1023 - 1, 2**1023 - 1),
        (schema.NUMBER, 7, 7),
        (schema.NUMBER, 0.5, 0.5),
        (schema.NUMBER, True, 1),
        (schema.NUMBER, "0.5", 0.5),
        (schema.NUMBER, "Infinity", math.inf),
        (schema.NUMBER, math.inf, math.inf),
        (schema.TEXT, "text", "text"),
        (schema.TEXT, 5, "5"),
        (schema.TEXT, [1], "[1]"),
        (schema.BOOLEAN, True, True),
        (schema.BOOLEAN, 0, False),
        (schema.BOOLEAN, "true", True),
        (schema.BOOLEAN, "False", False),
        (schema.OBJECT, {"a": 1}, {"a": 1}),
        (schema.OBJECT, [1], {"value": [1]}),
        (schema.TEXTS, ["a", 1, None], ["a", "1", "None"]),
        (schema.TEXTS, "a", ["a"]),
    ],
)
def test_value_is_put_right(kind: str, value: Any, expected: Any) -> None:
    result = fit_value(kind, value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (schema.INTEGER, "many"),
        (schema.INTEGER, [1]),
        (schema.INTEGER, math.nan),
        (schema.INTEGER, -math.inf),
        (schema.INTEGER, 1.7e308),  # an integer of 1024 bits
        (schema.INTEGER, "1e308"),
        (schema.INTEGER, "9" * 400),
        (schema.NUMBER, ""),
        (schema.NUMBER, "low"),
        (schema.NUMBER, {"a": 1}),
        (schema.BOOLEAN, "perhaps"),
        (schema.BOOLEAN, [True]),
    ],
)
def test_value_that_has_no_meaning_as_its_field_is_a_misfit(kind: str, value: Any) -> None:
    with pytest.raises(MisfitError):
        fit_value(kind, value)


def test_good_fields_are_kept_as_they_are() -> None:
    fields = {"epoch": 3, "train_loss": 0.5, "lr": 1, "note": [1, "a"], "nothing": None}

    assert fitted("job_epoch", fields) == (fields, 0)


def test_known_field_of_none_is_left_out_and_is_no_mistake() -> None:
    assert fitted("job_epoch", {"epoch": 3, "val_loss": None}) == ({"epoch": 3}, 0)


def test_mistakes_are_put_right_or_left_out_and_counted() -> None:
    fields = {"epoch": "3", "train_loss": [0.5], "val_loss": "0.5", "lr": 0.1, "note": [0.5]}

    data, mistakes = fitted("job_epoch", fields)

    assert data == {"epoch": 3, "val_loss": 0.5, "lr": 0.1, "note": [0.5]}
    assert mistakes == 3


@pytest.mark.parametrize("name", sorted(schema.RESERVED_KEYS))
def test_extra_key_that_a_platform_would_take_for_its_own_is_renamed(name: str) -> None:
    assert fitted("log_line", {"line": "a", name: 5}) == ({"line": "a", f"{name}_": 5}, 1)


def test_fields_need_not_be_plain() -> None:
    class Scalar:
        size = 1

        def item(self) -> float:
            return 0.5

    assert fitted("job_epoch", {"train_loss": Scalar(), "extra": (1,)}) == (
        {"train_loss": 0.5, "extra": [1]},
        0,
    )


def test_cut_text_says_how_much_was_cut() -> None:
    data, _ = fitted("log_line", {"line": "x" * 50_000})

    assert data["line"] == "x" * 16_384 + "... (+33616 characters)"


_ANYTHING = (None, True, 0, -1.5, 1.7e308, math.nan, math.inf, "", "x", "3", "NaN", "true", b"y")
_NESTED: tuple[Any, ...] = ([], [1, None], {}, {"a": [math.nan]}, 10**400, "9" * 400, {3}, object())


@pytest.mark.parametrize("event_type", sorted(schema.EVENT_TYPES))
def test_whatever_a_field_is_given_the_platform_takes_the_data(event_type: str) -> None:
    for value in _ANYTHING + _NESTED:
        fields = {**dict.fromkeys(schema.FIELDS[event_type], value), "extra": value}
        data, _ = fitted(event_type, fields)
        for name in schema.REQUIRED.get(event_type, ()):
            data.setdefault(name, 0)

        assert contract.data_error(event_type, _over_the_wire(data)) is None, value


def _over_the_wire(data: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(encode_data(data))
    return result
