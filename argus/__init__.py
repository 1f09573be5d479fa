"""Argus Reporter: report training runs to an Argus platform.

    from argus import Reporter

    with Reporter("my-run", experiment_type="forecast", source_project="demo", n_total=1) as r:
        with r.job("j1", model="patchtst", dataset="etth1") as j:
            for epoch in range(50):
                j.epoch(epoch, train_loss=0.5, val_loss=0.6)
                if j.stopped:
                    break
            j.metrics({"MSE": 0.21})

Without a platform (ARGUS_URL) every call is a silent no-op. No call ever raises.
"""

from argus.core.schema import SCHEMA_VERSION
from argus.core.version import __version__
from argus.current import (
    derive_batch_id,
    emit,
    get_batch_id,
    new_batch_id,
    set_batch_id,
    sub_env,
)
from argus.job import JobContext
from argus.reporter import Reporter

__all__ = [
    "SCHEMA_VERSION",
    "JobContext",
    "Reporter",
    "__version__",
    "derive_batch_id",
    "emit",
    "get_batch_id",
    "new_batch_id",
    "set_batch_id",
    "sub_env",
]
