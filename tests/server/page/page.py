"""The page as a test sees it: what it shows, and what it holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.server.page.serving import Serving
from tests.server.page.webdriver import Browser

N_RUNS = 4
VIEWS = ("runs", "charts", "compare", "resources", "logs", "media", "details")
ENTER, ESCAPE, DOWN, UP, SPACE = "\ue007", "\ue00c", "\ue015", "\ue013", " "


class Page:
    """One browser at one monitor."""

    def __init__(self, browser: Browser, serving: Serving, n_runs: int = N_RUNS) -> None:
        self.n_runs = n_runs
        self.browser = browser
        self.serving = serving

    def open(self, **state: Any) -> None:
        """Go to what `state` names, and wait until the runs are known."""
        self.browser.go(f"{self.serving.url}/?{urlencode(state, doseq=True)}")
        self.browser.until(
            "(await import('/page/runs.js')).runs.size >= args[0] && "
            "(await import('/page/runs.js')).connection.state === 'live'",
            self.n_runs,
        )

    def run_id(self, batch: str) -> str:
        """The directory of a batch."""
        rows = self.serving.client.ask("GET", "/api/runs").body["runs"]
        return str(next(row["run_id"] for row in rows if row["batch_id"] == batch))

    def rows(self) -> list[str]:
        """The names in the table, from the top."""
        script = "return [...document.querySelectorAll('[data-run] .run-name')].map((e) => e.textContent)"
        return list(self.browser.run(script))

    def until_rows(self, *names: str) -> None:
        """Wait until the table shows exactly these."""
        self.browser.until(
            "JSON.stringify([...document.querySelectorAll('[data-run] .run-name')]"
            ".map((e) => e.textContent).sort()) === JSON.stringify(args[0])",
            sorted(names),
        )

    def state(self) -> dict[str, Any]:
        """What the address means."""
        return dict(self.browser.run("return (await import('/page/address.js')).state"))

    def until_points(self, chart: str, n: int) -> None:
        """Wait until each line of a chart has at least `n` points, and is drawn."""
        self.browser.until(
            "(await import('/page/charts-view.js')).cards.get(args[0])?.lines?.length && "
            "(await import('/page/charts-view.js')).cards.get(args[0])"
            ".lines.every((line) => line.series.length >= args[1]) && "
            "(await import('/page/charts-view.js')).cards.get(args[0]).chart.frames.n > 0",
            chart,
            n,
        )

    def colours(self, chart: str) -> int:
        """How many pixels of a chart's canvas are anything at all."""
        return int(
            self.browser.run(
                """
                const { cards } = await import('/page/charts-view.js');
                const canvas = cards.get(args[0]).chart.base;
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                let n = 0;
                for (let at = 3; at < data.length; at += 4) n += data[at] > 0;
                return n;""",
                chart,
            )
        )
