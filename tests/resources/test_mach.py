from __future__ import annotations

import sys

import pytest

from argus.resources.mach import Mach


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has these functions")
@pytest.mark.skipif(sys.platform == "win32", reason="no library of the process itself")
@pytest.mark.parametrize(
    "call",
    [
        lambda mach: mach.host_statistics(4, 38),
        lambda mach: mach.rusage(1),
        lambda mach: mach.children(1),
        lambda mach: mach.timebase(),
    ],
)
def test_on_another_system_the_functions_are_missing_and_nothing_else_happens(call):
    with pytest.raises(AttributeError):
        call(Mach())


@pytest.mark.skipif(sys.platform != "darwin", reason="needs a Mac")
def test_what_the_kernel_refuses_is_an_error():
    with pytest.raises(OSError):
        Mach().sysctl("hw.nothing", 8)
    with pytest.raises(OSError):
        Mach().rusage(-1)
