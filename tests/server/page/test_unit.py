"""What the page decides without a server: the files below `unit/`, run in the browser itself.

Each is the body of an async function that is given `test(name, f)` and `is(actual, expected)`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

UNIT = Path(__file__).parent / "unit"

_HARNESS = """
const tests = [];
const test = (name, f) => tests.push([name, f]);
const told = (value) => JSON.stringify(value, (_, v) => (v === undefined ? "undefined" : typeof v === "number" && !Number.isFinite(v) ? String(v) : v));
const is = (actual, expected) => {
  if (told(actual) !== told(expected)) throw new Error(`${told(actual)?.slice(0, 500)} is not ${told(expected)?.slice(0, 500)}`);
};
%s
const failed = [];
for (const [name, f] of tests) {
  try { await f(); } catch (error) { failed.push(`${name}: ${error.message}`); }
}
return { n: tests.length, failed };
"""


@pytest.mark.parametrize("path", sorted(UNIT.glob("*.js")), ids=lambda path: path.stem)
def test_modules_of_the_page(browser, monitor, path: Path):
    browser.go(f"{monitor.url}/")
    outcome = browser.run(_HARNESS % path.read_text("utf-8"))
    assert outcome["failed"] == []
    assert outcome["n"] > 0
