"""The numbers in what a framework logs, and which of them are an epoch's losses. Pure."""

from __future__ import annotations

from math import prod

from argus.core.interruption import is_interruption
from argus.core.values import bounded_text, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Union

    Number = Union[int, float]


def number_of(value: Any) -> Number | None:
    """The number that a value is, or that a tensor of one element holds; None for all else, what
    raises when it is asked included."""
    try:
        count = prod(int(size) for size in getattr(value, "shape", ()))
    except Exception as error:
        if is_interruption(error):
            raise
        return None
    if count != 1:  # not read at all: it may be large, and on a GPU
        return None
    number = plain(value)
    return number if type(number) in (int, float) else None


def numbers(logs: Mapping[Any, Any] | None) -> dict[str, Number]:
    """The entries of `logs` that are numbers."""
    found = {bounded_text(name): number_of(value) for name, value in (logs or {}).items()}
    return {name: number for name, number in found.items() if number is not None}


def epoch_fields(
    found: Mapping[str, Number], train_loss_keys: Sequence[str], val_loss_keys: Sequence[str]
) -> dict[str, Number]:
    """The arguments of `JobContext.epoch` but the epoch itself: of each list the first key that was
    logged is the loss, and what is left goes by its own name."""
    train = next((key for key in train_loss_keys if key in found), None)
    val = next((key for key in val_loss_keys if key in found), None)
    taken = (train, val, "epoch")
    fields = {name: number for name, number in found.items() if name not in taken}
    named = {"train_loss": train, "val_loss": val}
    fields.update({name: found[key] for name, key in named.items() if key is not None})
    return fields
