"""What a process runs on: system, processors and devices. Cheap files only, no driver."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from argus.core.values import bounded_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MOST = 65_536  # bytes of a file
_MOST_GPUS = 64
_MAX_NAME = 256
# What cpuinfo calls the model, on x86, ARM boards, POWER and MIPS.
_CPU_LABELS = ("model name", "Model", "Hardware", "cpu", "cpu model")


def system() -> dict[str, Any]:
    """The kind of this Python, and the operating system with its version and architecture."""
    return {
        "python_implementation": platform.python_implementation(),
        "platform": bounded_text(platform.platform(), _MAX_NAME),
    }


def processors(proc: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The model of the CPU, its logical cores, and how many of them this process may use."""
    facts: dict[str, Any] = {}
    model = _cpu_model(proc) or environ.get("PROCESSOR_IDENTIFIER")  # Windows has the variable
    if model:
        facts["cpu_model"] = bounded_text(model, _MAX_NAME)
    count = os.cpu_count()
    if count:
        facts["cpu_count"] = count
    if hasattr(os, "sched_getaffinity"):
        facts["cpu_usable"] = len(os.sched_getaffinity(0))
    elif count:
        facts["cpu_usable"] = count
    return facts


def gpu_names(proc: Path) -> list[str]:
    """The NVIDIA devices, as their driver lists them in files; none are told where it has none."""
    try:
        devices = sorted((proc / "driver" / "nvidia" / "gpus").iterdir())[:_MOST_GPUS]
    except OSError:
        return []
    names = [_labelled(device / "information", ("Model",)) for device in devices]
    return [bounded_text(name, _MAX_NAME) for name in names if name]


def _cpu_model(proc: Path) -> str | None:
    return _labelled(proc / "cpuinfo", _CPU_LABELS)


def _labelled(path: Path, labels: tuple[str, ...]) -> str | None:
    """The value of the first of `labels` that a file of `label : value` lines has."""
    try:
        with open(path, "rb", buffering=0) as file:
            text = file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return None
    values: dict[str, str] = {}
    for line in text.splitlines():
        label, _, value = line.partition(":")
        values.setdefault(label.strip(), value.strip())
    return next((values[label] for label in labels if values.get(label)), None)
