"""Which numbers a framework's logs hold, and what they are to an epoch."""

from __future__ import annotations

import math
from typing import Any

import pytest

from argus.integrations.scalars import epoch_fields, number_of, numbers


class Tensor:
    """A tensor as torch and numpy have it."""

    def __init__(self, *values: float, shape: tuple[int, ...] = ()) -> None:
        self.values = values
        self.shape = shape
        self.size = len(values)

    def item(self) -> float:
        (value,) = self.values
        return value


class Gone:
    """What raises whatever it is asked."""

    @property
    def shape(self) -> Any:
        raise ValueError("it was freed")

    def __str__(self) -> str:
        raise ValueError("it was freed")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (0.5, 0.5),
        (math.inf, math.inf),
        (Tensor(0.25), 0.25),
        (Tensor(0.25, shape=(1, 1)), 0.25),
        (Tensor(1.0, 2.0, shape=(2,)), None),
        (True, None),
        ("0.5", None),
        (None, None),
        ([1.0], None),
        ({"a": 1}, None),
        (Gone(), None),
    ],
)
def test_a_number_is_a_plain_one_or_what_a_tensor_of_one_element_holds(value: Any, number: Any):
    assert number_of(value) == number


def test_of_logs_only_the_numbers_are_taken():
    assert numbers({"loss": Tensor(0.5), "name": "x", 3: 4, "none": None}) == {"loss": 0.5, "3": 4}
    assert numbers(None) == {}


def test_an_entry_that_raises_takes_no_other_with_it():
    found = numbers({"a": Gone(), "b": 1, Gone(): 2})
    assert found.pop("b") == 1
    assert list(found.values()) == [2]


def test_ctrl_c_while_a_value_is_read_passes():
    class Interrupted:
        @property
        def shape(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        number_of(Interrupted())


def test_the_first_key_that_was_logged_is_the_loss_and_the_others_keep_their_names():
    logged = {"train_loss": 1.0, "train_loss_epoch": 2.0, "val_loss": 3.0, "acc": 4.0, "epoch": 5.0}
    fields = epoch_fields(logged, ("train_loss_epoch", "train_loss"), ("missing", "val_loss"))
    assert fields == {"train_loss": 2.0, "val_loss": 3.0, "acc": 4.0}


def test_a_loss_that_no_key_names_goes_by_its_own_name():
    assert epoch_fields({"train_loss": 1.0, "lr": 0.1}, ("other",), ()) == {
        "train_loss": 1.0,
        "lr": 0.1,
    }


def test_without_a_loss_there_is_none():
    assert epoch_fields({"mae": 1.0}, ("loss",), ("val_loss",)) == {"mae": 1.0}
