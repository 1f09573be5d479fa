"""The scalar fields of a snapshot, out of the list of the GPUs that the process uses: pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Gpu = dict[str, Any]

BYTES_IN_MB = 1_048_576.0


def gpu_fields(gpus: Sequence[Gpu]) -> dict[str, Any]:
    """Mean utilisation, sums of memory and power, the highest temperature; and `gpus` itself.

    A sum is left out where one part of it is not known; so is all where there is no GPU.
    """
    if not gpus:
        return {}
    fields: dict[str, Any] = {}
    busy = _known(gpus, "util_pct")
    if busy:
        fields["gpu_util_pct"] = round(sum(busy) / len(busy), 1)
    for field, key in (
        ("gpu_mem_mb", "mem_mb"),
        ("gpu_mem_total_mb", "mem_total_mb"),
        ("gpu_power_w", "power_w"),
        ("proc_gpu_mem_mb", "proc_mem_mb"),
    ):
        parts = _known(gpus, key)
        if len(parts) == len(gpus):
            fields[field] = round(sum(parts), 1)
    warm = _known(gpus, "temp_c")
    if warm:
        fields["gpu_temp_c"] = max(warm)
    fields["gpus"] = list(gpus)
    return fields


def _known(gpus: Sequence[Gpu], key: str) -> list[float]:
    return [gpu[key] for gpu in gpus if gpu.get(key) is not None]
