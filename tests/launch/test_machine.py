"""What a process runs on, out of cheap files."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from argus.launch.machine import gpu_names, processors, system

X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 143\nmodel name\t: Xeon 8480\n\n"
RASPBERRY = "processor\t: 0\nBogoMIPS\t: 108.00\n\nHardware\t: BCM2835\nModel\t: Raspberry Pi 4\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"


def test_this_machine() -> None:
    facts = {**system(), **processors(Path("/proc"), {})}

    assert facts["python_implementation"] == platform.python_implementation()
    assert platform.system() in facts["platform"] or platform.system() == "Darwin"
    assert 1 <= facts["cpu_usable"] <= facts["cpu_count"] == os.cpu_count()


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [(X86, "Xeon 8480"), (RASPBERRY, "Raspberry Pi 4"), (POWER, "POWER9, altivec supported")],
)
def test_the_model_of_the_cpu(tmp_path: Path, cpuinfo: str, model: str) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo * 64, "utf-8")

    assert processors(tmp_path, {})["cpu_model"] == model


def test_a_model_that_nobody_tells_is_left_out(tmp_path: Path) -> None:
    assert "cpu_model" not in processors(tmp_path, {})
    assert processors(tmp_path, {"PROCESSOR_IDENTIFIER": "Intel64"})["cpu_model"] == "Intel64"
    (tmp_path / "cpuinfo").write_bytes(b"\xff\0:\nprocessor: 0\n")
    assert "cpu_model" not in processors(tmp_path, {})


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_that_the_process_may_not_use_do_not_count() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert processors(Path("/proc"), {})["cpu_usable"] == 1
    finally:
        os.sched_setaffinity(0, before)


def test_gpus_as_their_driver_lists_them(tmp_path: Path) -> None:
    assert gpu_names(tmp_path) == []
    for bus, text in (
        ("0000:41:00.0", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 41\nGPU UUID: \t GPU-4be4a349\n"),
        ("0000:01:00.0", "Model: \t\t NVIDIA A100-SXM4-40GB\n"),
        ("0000:81:00.0", "IRQ: 0\n"),
    ):
        device = tmp_path / "driver" / "nvidia" / "gpus" / bus
        device.mkdir(parents=True)
        (device / "information").write_text(text, "utf-8")
    (tmp_path / "driver" / "nvidia" / "gpus" / "0000:91:00.0").mkdir()

    assert gpu_names(tmp_path) == ["NVIDIA A100-SXM4-40GB", "NVIDIA H200"]
