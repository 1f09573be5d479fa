from __future__ import annotations

import pytest

from argus.resources.pid_namespace import sees_the_machine
from tests.resources.trees import plant


@pytest.mark.parametrize(
    ("link", "expected"), [("pid:[4026531836]", True), ("pid:[4026532999]", False)]
)
def test_the_first_namespace_is_the_machine_s(tmp_path, link, expected):
    plant(tmp_path, {"self/ns/pid": "->" + link})
    assert sees_the_machine(str(tmp_path)) is expected


def test_where_the_kernel_does_not_say_it_is_not_assumed(tmp_path):
    assert not sees_the_machine(str(tmp_path))
