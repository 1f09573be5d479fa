"""One browser for all tests of this folder."""

import pytest

from tests.server.page.webdriver import Browser, missing


@pytest.fixture(scope="session")
def _browser():
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(_browser):
    """The browser as a person finds it: a desktop's size, and nothing that it complained of."""
    _browser.size(1360, 860)
    _browser.prefer("light")
    _browser.complaints()
    return _browser
