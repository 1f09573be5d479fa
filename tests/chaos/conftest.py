"""The length of the suite, and its figures at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos import figures


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the whole suite is wanted (`--long`), or its short form."""
    return bool(request.config.getoption("--long"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = figures.summary()
    if lines:
        terminalreporter.section("chaos: what was tried")
        for line in lines:
            terminalreporter.write_line(line)
