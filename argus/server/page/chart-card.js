// A chart with its title and what can be done with it: logarithm, large, table, files.

import { Chart } from "./chart.js";
import { fill, h, say, set } from "./dom.js";
import { saveCsv, savePng } from "./export.js";
import { number } from "./format.js";
import { sentence, summaryOf } from "./lines.js";

const MOST_LINES = 100;

/** One metric. `asked` holds what its buttons do: `{onZoom, onLog, onLarge}`. */
export class ChartCard {
  constructor(name, { onZoom, onLog, onLarge }) {
    this.name = name;
    this.chart = new Chart({ onZoom });
    this.note = h("span", { class: "muted" });
    this.log = button("log", `Logarithmic scale of ${name}`, () => onLog(name));
    this.large = button("⤢", `${name} large`, () => onLarge(name));
    this.tabled = button("Table", `${name} as a table`, () => this.#flip());
    const png = button("PNG", `Save ${name} as PNG`, () => savePng(name, this.lines, this.view));
    const csv = button("CSV", `Save ${name} as CSV`, () => saveCsv(name, this.lines, this.view));
    this.table = h("div", { class: "chart-table", hidden: true });
    const buttons = h("span", { class: "chart-buttons" }, onLog && this.log, this.tabled, png, csv, onLarge && this.large);
    const title = h("h3", { title: name }, name);
    this.element = h("section", { class: "card chart", "aria-label": name }, h("header", {}, title, this.note, buttons), this.chart.element, this.table);
    this.element.dataset.chart = name;
  }

  show(lines, view, isLarge) {
    this.lines = lines.slice(0, MOST_LINES);
    this.view = view;
    set(this.log, "aria-pressed", String(view.log));
    set(this.large, "aria-pressed", String(isLarge));
    this.element.classList.toggle("large", isLarge);
    say(this.note, lines.length > MOST_LINES ? `${MOST_LINES} of ${lines.length} lines` : "");
    this.chart.show(this.lines, view, sentence(this.name, this.lines));
    if (!this.table.hidden) this.#drawTable();
  }

  close() {
    this.chart.close();
    this.element.remove();
  }

  #flip() {
    this.table.hidden = !this.table.hidden;
    this.chart.element.hidden = !this.table.hidden;
    set(this.tabled, "aria-pressed", String(!this.table.hidden));
    if (!this.table.hidden) this.#drawTable();
  }

  #drawTable() {
    const titles = ["Line", "Points", "First", "Last", "Lowest", "Highest", "Not finite"];
    const rows = this.lines.map((line) => {
      const { points, first, last, low, high, broken } = summaryOf(line);
      const none = low > high;
      const cells = [points, first, last, none ? NaN : low, none ? NaN : high, broken].map((value) => h("td", { class: "numeric" }, number(value)));
      return h("tr", {}, h("th", { scope: "row" }, line.label), cells);
    });
    const head = h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
    fill(this.table, h("table", {}, h("caption", { class: "unseen" }, this.name), head, h("tbody", {}, rows)));
  }
}

function button(text, label, onclick) {
  return h("button", { class: "small quiet", "aria-label": label, title: label, onclick }, text);
}
