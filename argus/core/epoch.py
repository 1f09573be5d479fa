"""One epoch as the hot path leaves it: a row of plain values, which cost a caller half of what a
dict does. What an event's `data` needs is made of it on the daemon's side."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    # epoch, train_loss, val_loss, lr, batch_time_ms, and all else by name
    EpochRow = tuple[Any, Any, Any, Any, Any, Union[dict[str, Any], None]]
    Data = Union[dict[str, Any], EpochRow]


def epoch_data(row: EpochRow) -> dict[str, Any]:
    """The `data` of a `job_epoch`: what is None is left out, but for what came by a free name."""
    epoch, train_loss, val_loss, lr, batch_time_ms, extra = row
    data = {"epoch": epoch}
    if train_loss is not None:
        data["train_loss"] = train_loss
    if val_loss is not None:
        data["val_loss"] = val_loss
    if lr is not None:
        data["lr"] = lr
    if batch_time_ms is not None:
        data["batch_time_ms"] = batch_time_ms
    if extra:
        data.update(extra)
    return data
