"""What a person does with the page, over runs that a real `argus serve` keeps."""

from __future__ import annotations

import json

import pytest

from tests.server.page.night import EPOCHS, HOSTILE, IMG
from tests.server.page.page import DOWN, ENTER, ESCAPE, SPACE, VIEWS

ALL = ("alpha", "beta", "gamma", HOSTILE["batch"])


def test_it_opens_with_all_runs_and_without_complaint(page):
    page.open()
    page.until_rows(*ALL)
    assert "127.0.0.1" in page.browser.run("return location.host")
    assert page.browser.complaints() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lr>0.05", ["alpha"]),
        ("project:paper MSE<0.25", ["beta"]),
        ("state:failed", ["gamma"]),
        ("-project:paper optimizer:sgd", ["gamma"]),
    ],
)
def test_search_finds_and_says_so_in_the_address(page, query, found):
    page.open()
    page.until_rows(*ALL)
    page.browser.type("#search", query)
    page.until_rows(*found)
    assert page.state()["q"] == query
    page.browser.go(page.browser.run("return location.href"))
    page.until_rows(*found)


def test_a_mistyped_key_is_named(page):
    page.open(q="lrr>0.05")
    page.browser.until("document.querySelector('#found').textContent.includes('“lrr”')")


def test_rows_are_sorted_by_a_click_on_a_heading_and_grouped(page):
    page.open(q="batch:*a", cols="metrics.MSE,project")
    page.until_rows("alpha", "beta", "gamma")
    page.browser.click("[role=columnheader]:nth-child(2) button")
    page.browser.until("document.querySelector('[aria-sort=descending]')")
    assert page.rows() == ["alpha", "beta", "gamma"]  # gamma has no final metrics
    page.browser.click("[role=columnheader]:nth-child(2) button")
    page.browser.until("document.querySelector('[aria-sort=ascending]')")
    assert page.rows() == ["beta", "alpha", "gamma"]
    page.browser.run("(await import('/page/address.js')).change({ group: 'project' })")
    page.browser.until("document.querySelectorAll('.group-row').length === 2")


def test_selected_runs_are_compared_differences_first(page):
    page.open()
    page.until_rows(*ALL)
    for batch in ("alpha", "beta"):
        page.browser.click(f"[data-run$='/{batch}'] input")
    page.browser.click(".selection button:nth-of-type(2)")
    rows = "[...document.querySelectorAll('.comparison tbody th[scope=row]')].map((e) => e.textContent)"
    page.browser.until(f"{rows}.includes('MSE')")
    told = page.browser.run(f"return {rows}")
    assert told[0] == "lr"
    assert "optimizer" not in told
    page.browser.run("(await import('/page/address.js')).change({ same: '1' })")
    page.browser.until(f"{rows}.slice(0, 2).join() === 'lr,optimizer'")
    assert page.browser.run(
        "return document.querySelector('.scatter canvas').ariaLabel"
    ).startswith("MSE against lr")


def test_a_shared_address_shows_the_same(page):
    runs = [page.run_id("alpha"), page.run_id("beta")]
    page.open(
        view="charts",
        run=runs,
        x="relative",
        smooth="0.5",
        log="train_loss",
        zoom="2~20",
        hide=runs[1],
    )
    page.until_points("train_loss", EPOCHS)
    seen = """
        const { cards } = await import('/page/charts-view.js');
        const { chart, lines, view } = cards.get('train_loss');
        return { view, x: chart.at.xRange, y: chart.at.yRange, lines: lines.map((line) => [line.label, line.colour]) }"""
    first = page.browser.run(seen)
    assert first["view"] == {"axis": "relative", "log": True, "smooth": 0.5, "zoom": [2, 20]}
    assert [label for label, _ in first["lines"]] == ["alpha"]
    page.browser.go(page.browser.run("return location.href"))
    page.until_points("train_loss", EPOCHS)
    assert page.browser.run(seen) == first


def test_dragging_zooms_all_charts_the_back_button_takes_it_back_and_a_double_click_shows_all(page):
    page.open(view="charts", run=page.run_id("alpha"))
    page.until_points("lr", EPOCHS)
    ranges = "[...(await import('/page/charts-view.js')).cards.values()].map((c) => c.chart.at?.xRange.map(Math.round).join('~'))"
    page.browser.until(f"{ranges}.join() === '0~29,0~29'")
    page.browser.drag("[data-chart=train_loss] canvas", 0.4, 0.7)
    page.browser.until("location.search.includes('zoom')")
    page.browser.until(f"new Set({ranges}).size === 1 && !{ranges}.includes('0~29')")
    page.browser.back()
    page.browser.until(f"{ranges}.join() === '0~29,0~29'")
    page.browser.drag("[data-chart=train_loss] canvas", 0.4, 0.7)
    page.browser.until("location.search.includes('zoom')")
    page.browser.double_click("[data-chart=lr] canvas")
    page.browser.until(f"{ranges}.join() === '0~29,0~29'")


def test_a_value_that_is_not_finite_is_a_gap_with_a_mark_and_counted_in_the_table(page):
    page.open(view="charts", run=page.run_id("beta"))
    page.until_points("train_loss", EPOCHS)
    page.browser.click("[data-chart=train_loss] .chart-buttons button:nth-child(2)")
    page.browser.until("document.querySelector('.chart-table td:last-child')?.textContent === '1'")
    csv = page.browser.run(
        "const { csvOf } = await import('/page/export.js');"
        "const { lines, view } = (await import('/page/charts-view.js')).cards.get('train_loss');"
        "return csvOf(lines, view)"
    ).splitlines()
    assert csv[0] == "run,job,metric,epoch,time,value"
    assert csv[10].endswith(",beta-job,train_loss,9,2026-04-23T09:00:11.500Z,NaN")
    assert len(csv) == EPOCHS + 1


def test_a_picture_of_a_chart_holds_its_lines(page):
    page.open(view="charts", run=page.run_id("alpha"))
    page.until_points("train_loss", EPOCHS)
    size = page.browser.run(
        "const { pictureOf } = await import('/page/export.js');"
        "const { lines, view } = (await import('/page/charts-view.js')).cards.get('train_loss');"
        "const canvas = pictureOf('train_loss', lines, view);"
        "return (await new Promise((resolve) => canvas.toBlob(resolve))).size"
    )
    assert size > 5_000


def test_nothing_that_a_run_says_becomes_markup(page):
    run = page.run_id(HOSTILE["batch"])
    for view in VIEWS:
        page.open(view=view, run=run)
        text = HOSTILE["line"] if view == "logs" else IMG
        if view != "media":
            page.browser.until("document.body.textContent.includes(args[0])", text)
        page.browser.run("(await import('/page/address.js')).change({ x: 'time' })")
        found = "[...document.querySelectorAll('#main img, #main script, #main b')]"
        hostile = f"{found}.filter((e) => e.tagName !== 'B' || e.textContent === 'bold').length"
        assert page.browser.run(f"return {hostile}") == 0
        assert page.browser.run("return document.title") != "hacked"
    assert page.browser.complaints() == []


def test_resources_are_shown_by_host_and_gpu(page):
    page.open(view="resources", run=page.run_id("alpha"))
    page.browser.until("document.querySelectorAll('.place').length === 6")
    titles = page.browser.run(
        "return [...document.querySelectorAll('.place h2')].map((e) => e.textContent)"
    )
    assert titles[:3] == ["node-1", "node-1 · GPU 0", "node-1 · GPU 1"]


def test_logs_are_searched_and_their_errors_coloured(page):
    page.open(view="logs", run=page.run_id("alpha"))
    lines = "[...document.querySelectorAll('.log-line')]"
    page.browser.until(f"{lines}.length >= {EPOCHS}")
    assert (
        page.browser.run(f"return {lines}.filter((e) => e.dataset.level === 'error').length") == 1
    )
    page.browser.type(".toolbar input", "epoch 12")
    page.browser.until(f"{lines}.length === 1")
    assert (
        page.browser.run("return document.querySelector('.log-line mark').textContent")
        == "epoch 12"
    )


def test_media_are_shown_large_and_the_back_button_closes_them(page):
    page.open(view="media", run=page.run_id("alpha"))
    page.browser.until(
        "[...document.querySelectorAll('.media-tile img')].filter((e) => e.naturalWidth === 8).length === 2"
    )
    page.browser.click(".media-tile")
    page.browser.until("document.querySelector('dialog[open] img')?.naturalWidth === 8")
    page.browser.back()
    page.browser.until("!document.querySelector('dialog')")


def test_details_tell_jobs_and_environment(page):
    page.open(view="details", run=page.run_id("beta"))
    for text in ("beta-job", "a1b2c3d", "optimizer", "Nothing: no event was dropped"):
        page.browser.until("document.body.innerText.includes(args[0])", text)


def test_all_is_reached_by_keyboard(page):
    page.open()
    page.until_rows(*ALL)
    page.browser.press("/")
    page.browser.until("document.activeElement.id === 'search'")
    page.browser.press(*"project:paper", ENTER)
    page.browser.until("document.activeElement.dataset.run")
    page.until_rows("alpha", "beta")
    page.browser.press(SPACE, DOWN, SPACE)
    page.browser.until("(await import('/page/address.js')).state.run.length === 2")
    page.browser.press("?")
    page.browser.until("document.querySelector('dialog[open]')")
    page.browser.press(ESCAPE)
    page.browser.until("!document.querySelector('dialog')")
    page.browser.press("2")
    page.until_points("train_loss", EPOCHS)
    page.browser.press("1")
    page.browser.until("document.querySelector('[role=grid]')")


def test_every_control_has_a_name(page):
    run = page.run_id("alpha")
    for view in VIEWS:
        page.open(view=view, run=run)
        nameless = page.browser.run(
            "return [...document.querySelectorAll('button, a, input, select, canvas[role]')]"
            ".filter((e) => !(e.innerText || e.ariaLabel || e.labels?.length || e.querySelector('img')))"
            ".map((e) => e.outerHTML)"
        )
        assert nameless == []


def test_a_phone_shows_all_views_without_scrolling_sideways(page):
    run = page.run_id("alpha")
    page.browser.size(390, 844)
    for view in VIEWS:
        page.open(view=view, run=run)
        width = page.browser.run("return document.documentElement.scrollWidth")
        main = page.browser.run(
            "const m = document.querySelector('#main'); return m.scrollWidth - m.clientWidth"
        )
        assert (view, width, main) == (view, 390, 0)


def test_theme_follows_the_system_until_somebody_chooses(page):
    page.open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.browser.run(f"return {ground}")
    page.browser.prefer("dark")
    page.browser.until(f"{ground} !== args[0]", light)
    page.browser.press("t")
    page.browser.until(f"{ground} === args[0]", light)
    page.open()
    assert page.browser.run(f"return {ground}") == light
    page.browser.run("localStorage.clear()")


def test_name_tags_and_notes_are_edited(page):
    run = page.run_id("gamma")
    page.open(view="details", run=run)
    page.browser.until("document.querySelector('.actions button')")
    page.browser.click(".actions button")
    page.browser.type("dialog label:nth-of-type(1) input", "The <third>")
    page.browser.type("dialog label:nth-of-type(2) input", "good, v2")
    page.browser.type("dialog textarea", "look again")
    page.browser.click("dialog button.primary")
    page.browser.until("document.querySelector('.details h2').textContent === 'The <third>'")
    rows = page.serving.client.ask("GET", "/api/runs").body["runs"]
    row = next(row for row in rows if row["run_id"] == run)
    assert (row["name"], row["tags"], row["notes"]) == ("The <third>", ["good", "v2"], "look again")
    undo = json.dumps({"run_id": run, "name": None, "tags": [], "notes": ""})
    assert page.serving.client.ask("PATCH", "/api/run-meta", undo).status == 200
