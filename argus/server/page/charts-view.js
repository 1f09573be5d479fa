// A chart for each metric of the runs that are shown, all on the same x axis.

import { change, state } from "./address.js";
import { ChartCard } from "./chart-card.js";
import { chooser, fill, h, say, set, settled, throttled } from "./dom.js";
import { Legend } from "./legend.js";
import { chartsOf, sortedNames, sourcesOf } from "./lines.js";
import { dataOf, onData } from "./run-data.js";
import { shown } from "./selection.js";

const AXES = [["epoch", "by epoch"], ["time", "by time"], ["relative", "by time since start"]];
const EACH_MS = 60;

/** The cards on the page now, by metric: what a test, or a curious person, may look at. */
export const cards = new Map();

/** The view in `host`: `{update, close}`. */
export function chartsView(host) {
  const legend = new Legend();
  const filter = h("input", { type: "search", placeholder: "Find charts", "aria-label": "Find charts", value: state.chart });
  filter.addEventListener("input", settled(() => change({ chart: filter.value }), 120));
  const axis = chooser("X axis", AXES, state.x, (x) => change({ x, zoom: "" }));
  const smooth = h("input", { type: "range", min: "0", max: "0.99", step: "0.01", value: state.smooth, "aria-label": "Smoothing" });
  const smooth_text = h("output", {});
  smooth.addEventListener("input", () => change({ smooth: String(Number(smooth.value)) }));
  const log = h("button", { class: "quiet", onclick: () => change({ log: logged().length ? [] : [...cards.keys()] }) }, "Log scale");
  const reset = h("button", { class: "quiet", onclick: () => change({ zoom: "" }) }, "Reset zoom");
  const bar = h("div", { class: "toolbar" }, filter, axis, h("label", { class: "slider" }, "Smoothing", smooth, smooth_text), log, reset);
  const board = h("div", { class: "board" });
  const nothing = h("p", { class: "empty" });
  fill(host, bar, h("div", { class: "with-legend" }, legend.element, h("div", {}, board, nothing)));
  const soon = throttled(update, EACH_MS);
  const forget = onData(soon);

  function update() {
    const rows = shown();
    const sources = sourcesOf(rows);
    legend.draw(rows, sources);
    const charts = chartsOf(sources, new Set(state.hide));
    const names = sortedNames(charts.keys()).filter((name) => name.toLowerCase().includes(state.chart.toLowerCase()));
    place(names);
    const zoom = zoomOf(state.zoom);
    for (const name of names) {
      const view = { axis: state.x, log: state.log.includes(name), smooth: weight(), zoom };
      cards.get(name).show(charts.get(name), view, state.large === name);
    }
    if (document.activeElement !== filter) filter.value = state.chart;
    if (smooth.value !== state.smooth) smooth.value = state.smooth;
    smooth_text.value = weight() ? weight().toFixed(2) : "off";
    axis.value = state.x;
    reset.hidden = !zoom;
    set(log, "aria-pressed", String(logged().length > 0));
    nothing.hidden = names.length > 0;
    say(nothing, rows.length === 0 ? "No runs to show." : reason(sources, rows));
  }

  function reason(sources, rows) {
    const failed = rows.map((row) => dataOf(row.run_id).error).find(Boolean);
    if (failed) return `The metrics could not be read: ${failed.message}`;
    return sources.length ? "No chart has such a name." : "No metrics yet.";
  }

  /** Cards for these metrics, in this order; those that are there stay as they are. */
  function place(names) {
    for (const [name, card] of cards) {
      if (names.includes(name)) continue;
      card.close();
      cards.delete(name);
    }
    names.forEach((name, at) => {
      if (!cards.has(name)) cards.set(name, new ChartCard(name, { onZoom, onLog, onLarge }));
      const { element } = cards.get(name);
      if (board.children[at] !== element) board.insertBefore(element, board.children[at] || null);
    });
  }

  function close() {
    forget();
    for (const card of cards.values()) card.close();
    cards.clear();
  }

  return { update, close };
}

/** The x range that the address asks for; null for all. */
export function zoomOf(text) {
  const [from, to] = text.split("~").map(Number);
  return text && from < to ? [from, to] : null;
}

function onZoom(range) {
  const digits = (x) => Number(x.toPrecision(13));
  change({ zoom: range ? `${digits(range[0])}~${digits(range[1])}` : "" }, true);
}

function onLog(name) {
  change({ log: state.log.includes(name) ? state.log.filter((other) => other !== name) : [...state.log, name] });
}

function onLarge(name) {
  change({ large: state.large === name ? "" : name }, true);
}

function logged() {
  return state.log.filter((name) => cards.has(name));
}

function weight() {
  const value = Number(state.smooth);
  return value > 0 && value < 1 ? value : 0;
}
