// Config and metrics of the runs side by side, differences first, and a scatter plot of all found.

import { change, state } from "./address.js";
import { content, labelOf, swatch, titleOf } from "./cells.js";
import { comparison } from "./comparison.js";
import { fill, h, set } from "./dom.js";
import { nameOf, valueOf } from "./fields.js";
import { asNumber } from "./format.js";
import { Scatter } from "./scatter.js";
import { found, isChosen, openRun, select, shown } from "./selection.js";

/** The view in `host`: `{update, close}`. */
export function compareView(host) {
  const scatter = new Scatter();
  const all = h("button", { class: "quiet", onclick: () => change({ same: state.same ? "" : "1" }) }, "Show what is the same");
  const note = h("span", { class: "muted" });
  const table = h("div", { class: "scroll-x card" });
  fill(host, h("div", { class: "toolbar" }, note, h("span", { class: "gap" }), all), table, scatter.element);
  let is = "";

  function update() {
    const now = Date.now() / 1000;
    const rows = shown();
    scatter.show(isChosen() && rows.length > 1 ? rows : found(now).slice(0, 2000));
    set(all, "aria-pressed", String(Boolean(state.same)));
    const said = JSON.stringify([rows, state.same, document.documentElement.dataset.theme]);
    if (said === is) return;
    is = said;
    fill(note, isChosen() ? `${rows.length} selected` : "The runs on top; select others in the table");
    table.hidden = rows.length === 0;
    fill(table, drawTable(rows, now));
  }

  function drawTable(rows, now) {
    const heads = rows.map((row) => h("th", { scope: "col" }, h("div", { class: "compared" }, swatch(row.run_id), h("button", { class: "link", title: row.run_id, onclick: () => openRun(row.run_id) }, nameOf(row)),
      isChosen() && h("button", { class: "small quiet", "aria-label": `Leave out ${nameOf(row)}`, onclick: () => select([row.run_id], false) }, "×"))));
    const parts = comparison(rows, now).map(({ title, rows: lines }) => {
      const kept = state.same || rows.length < 2 ? lines : lines.filter((line) => line.differs);
      if (!kept.length) return null;
      const head = h("tr", { class: "part" }, h("th", { scope: "rowgroup", colspan: rows.length + 1 }, title));
      return h("tbody", {}, head, kept.map((line) => drawLine(rows, line, now)));
    });
    const first = h("th", { scope: "col" }, h("span", { class: "unseen" }, "Name"));
    const rest = parts.some(Boolean) ? parts : h("tbody", {}, h("tr", {}, h("td", { colspan: rows.length + 1, class: "muted" }, "These runs do not differ.")));
    return h("table", { class: state.same ? "comparison all" : "comparison" }, h("thead", {}, h("tr", {}, first, heads)), rest);
  }

  function drawLine(rows, { key, values, differs }, now) {
    const numbers = values.map(asNumber);
    const isNumeric = numbers.some((n) => n !== undefined) && values.every((value, at) => value === undefined || numbers[at] !== undefined);
    const cells = rows.map((row) => {
      const bar = isNumeric && differs ? share(numbers, asNumber(valueOf(row, key, now))) : null;
      const cell = h("td", { title: titleOf(row, key, now), class: isNumeric ? "numeric" : null }, content(row, key, now));
      if (bar !== null) {
        cell.style.setProperty("--share", `${bar}%`);
        cell.classList.add("barred");
      }
      return cell;
    });
    return h("tr", { class: differs ? "differs" : null }, h("th", { scope: "row" }, labelOf(key)), cells);
  }

  return { update, close: () => scatter.close() };
}

/** Where a value stands between the lowest and the highest, in percent; null where that says nothing. */
function share(numbers, value) {
  const finite = numbers.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return Number.isFinite(value) && high > low ? Math.round(8 + (92 * (value - low)) / (high - low)) : null;
}
