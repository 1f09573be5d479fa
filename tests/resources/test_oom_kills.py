from __future__ import annotations

from pathlib import Path

import pytest

from argus.resources.oom_kills import oom_kills
from tests.resources.container import GROUP, V1, V2
from tests.resources.trees import plant

V2_EVENTS = "low 0\nhigh 2\nmax 9\noom 4\noom_kill {}\noom_group_kill 0\n"
V1_CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
VMSTAT = {"proc/vmstat": "pgfault 77\noom_kill 5\n"}


@pytest.mark.parametrize(
    ("cgroup", "mounts", "file", "text"),
    [
        ("0::/job/step\n", V2, "job/step/memory.events", V2_EVENTS),
        ("0::/job/step\n", V2, "job/memory.events", V2_EVENTS),
        ("4:memory:/job/step\n", V1, "memory/job/step/memory.oom_control", V1_CONTROL),
        ("4:memory:/job/step\n", V1, "memory/job/memory.oom_control", V1_CONTROL),
    ],
)
def test_a_kill_in_a_group_above_us_is_seen(
    tmp_path: Path, cgroup: str, mounts: str, file: str, text: str
) -> None:
    plant(tmp_path, {**VMSTAT, "proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts})
    other = (
        file.replace("job/step/", "job/") if "step" in file else file.replace("job/", "job/step/")
    )
    plant(tmp_path, {f"{GROUP}/{file}": text.format(0), f"{GROUP}/{other}": text.format(3)})
    before = oom_kills(tmp_path)
    plant(tmp_path, {f"{GROUP}/{file}": text.format(1)})
    after = oom_kills(tmp_path)
    assert before is not None
    assert after is not None
    assert after > before


def test_without_a_group_that_counts_the_machine_does(tmp_path: Path) -> None:
    plant(tmp_path, {**VMSTAT, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2})
    assert oom_kills(tmp_path) == 5


def test_a_system_that_does_not_count(tmp_path: Path) -> None:
    assert oom_kills(tmp_path) is None
