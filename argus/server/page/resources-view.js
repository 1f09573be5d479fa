// What the runs use: a chart for each measure of each host, and of each GPU on it.

import { state, change } from "./address.js";
import { ChartCard } from "./chart-card.js";
import { zoomOf } from "./charts-view.js";
import { chooser, fill, h, say, throttled } from "./dom.js";
import { styleOf } from "./colours.js";
import { nameOf } from "./fields.js";
import { seconds } from "./format.js";
import { Legend } from "./legend.js";
import { sourcesOf } from "./lines.js";
import { dataOf, onData } from "./run-data.js";
import { shown } from "./selection.js";

const NAMES = {
  cpu_util_pct: "CPU, %",
  ram_mb: "Memory, MB",
  gpu_util_pct: "GPU, %",
  gpu_mem_mb: "GPU memory, MB",
  gpu_temp_c: "GPU temperature, °C",
  proc_cpu_pct: "CPU of the run, %",
  proc_ram_mb: "Memory of the run, MB",
  proc_gpu_mem_mb: "GPU memory of the run, MB",
  disk_free_mb: "Disk free, MB",
};
const FIRST = Object.keys(NAMES);

/** The view in `host`: `{update, close}`. */
export function resourcesView(host) {
  const cards = new Map();
  const axis = chooser("X axis", [["time", "by time"], ["relative", "by time since start"]], "time", () => update());
  const legend = new Legend();
  const board = h("div", {});
  const nothing = h("p", { class: "empty" });
  fill(host, h("div", { class: "toolbar" }, axis), h("div", { class: "with-legend" }, legend.element, h("div", {}, board, nothing)));
  const forget = onData(throttled(update, 200));
  let drawn = "";

  function update() {
    const rows = shown();
    legend.draw(rows, rows.map((row) => sourcesOf([row])[0] ?? { key: row.run_id, row, data: dataOf(row.run_id) }));
    const places = placesOf(rows, new Set(state.hide));
    const wanted = JSON.stringify([...places].map(([place, measures]) => [place, [...measures.keys()]]));
    if (wanted !== drawn) {
      drawn = wanted;
      closeCards();
      fill(board, ...[...places].map(([place, measures]) => section(place, [...measures.keys()])));
    }
    for (const [place, measures] of places) {
      for (const [name, lines] of measures) {
        cards.get(`${place}\n${name}`).show(lines, { axis: axis.value, log: false, smooth: 0, zoom: state.x === axis.value ? zoomOf(state.zoom) : null }, false);
      }
    }
    nothing.hidden = places.size > 0;
    say(nothing, rows.length ? "No resources were reported: a run tells of them each 30 s." : "No runs to show.");
  }

  function section(place, names) {
    const elements = names.map((name) => {
      const card = new ChartCard(NAMES[name] || name, { onZoom });
      cards.set(`${place}\n${name}`, card);
      return card.element;
    });
    return h("section", { class: "place", "aria-label": place }, h("h2", {}, place), h("div", { class: "board" }, elements));
  }

  function onZoom(range) {
    change({ x: axis.value, zoom: range ? `${range[0].toFixed(3)}~${range[1].toFixed(3)}` : "" }, true);
  }

  function closeCards() {
    for (const card of cards.values()) card.close();
    cards.clear();
  }

  return {
    update,
    close: () => {
      forget();
      closeCards();
    },
  };
}

/** Place (`host` or `host · GPU n`) → measure → lines, in an order that stays. */
function placesOf(rows, hidden) {
  const places = new Map();
  for (const row of rows) {
    const { resources } = dataOf(row.run_id);
    const { colour, dash } = styleOf(row.run_id);
    for (const series of resources.values()) {
      const place = `${series.host || "host unknown"}${series.gpu === null ? "" : ` · GPU ${series.gpu}`}`;
      if (!places.has(place)) places.set(place, new Map());
      const measures = places.get(place);
      if (!measures.has(series.name)) measures.set(series.name, []);
      if (hidden.has(row.run_id)) continue;
      const began = Number.isNaN(seconds(row.started_at)) ? series.time.values[0] : seconds(row.started_at);
      measures.get(series.name).push({ key: row.run_id, runId: row.run_id, label: nameOf(row), series, colour, dash, began });
    }
  }
  const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const byRank = ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1);
  const natural = ([a], [b]) => a.localeCompare(b, "en", { numeric: true });
  return new Map([...places].sort(natural).map(([place, measures]) => [place, new Map([...measures].sort(byRank))]));
}
