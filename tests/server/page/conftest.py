"""One browser for all tests of this folder."""

import pytest

from tests.server.page.night import report
from tests.server.page.page import Page
from tests.server.page.serving import Serving
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
    _browser.go("about:blank")  # what the last page still says is none of this test's
    _browser.complaints()
    return _browser


@pytest.fixture(scope="session")
def _served(_browser, tmp_path_factory):
    serving = Serving(tmp_path_factory.mktemp("page") / "runs")
    try:
        report(serving.client)
        yield serving
    finally:
        serving.end()


@pytest.fixture
def page(browser, _served):
    """A page over the runs of `night`, as a visitor finds it."""
    return Page(browser, _served)
