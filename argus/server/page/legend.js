// The lines that are shown, beside the charts: each can be switched off.

import { change, state } from "./address.js";
import { stopButton } from "./actions.js";
import { swatch, stateBadge } from "./cells.js";
import { fill, h } from "./dom.js";
import { nameOf } from "./fields.js";
import { count, number } from "./format.js";
import { stopping } from "./runs.js";
import { isChosen } from "./selection.js";

/** The legend as an element; `draw(rows, sources)` brings it up to date. */
export class Legend {
  constructor() {
    this.list = h("div", { class: "legend-runs" });
    this.title = h("summary", {});
    this.element = h("details", { class: "legend", open: innerWidth > 760 }, this.title, this.list);
  }

  draw(rows, sources) {
    const theme = document.documentElement.dataset.theme;
    const is = JSON.stringify([rows.map((row) => [row.run_id, nameOf(row), row.state, stopping.has(row.run_id)]), sources.map(({ key, label }) => [key, label]), rows.map((row) => sources.find((source) => source.row === row)?.data.share), state.hide, isChosen(), theme]);
    if (this.is === is) return;
    this.is = is;
    fill(this.title, isChosen() ? `${rows.length < state.run.length ? `${rows.length} of ` : ""}${count(state.run.length, "run")}` : `The ${count(rows.length, "run")} on top`, h("small", { class: "muted" }, ` ${count(sources.length, "line")}`));
    fill(this.list, ...rows.map((row) => this.#run(row, sources.filter((source) => source.row.run_id === row.run_id))), this.#all(sources));
  }

  #all(sources) {
    if (sources.length < 3) return null;
    const hideAll = () => change({ hide: state.hide.length ? [] : sources.map(({ key }) => key) });
    return h("button", { class: "small quiet", onclick: hideAll }, state.hide.length ? "Show all" : "Hide all");
  }

  #run(row, sources) {
    const share = sources[0]?.data.share ?? 1;
    const head = h("div", { class: "legend-run" }, sources.length === 1 ? this.#toggle(sources[0], nameOf(row)) : h("b", { title: row.run_id }, nameOf(row)));
    const about = h("div", { class: "legend-state" }, stateBadge(row.state), stopButton(row));
    const jobs = sources.length > 1 ? sources.map((source) => this.#toggle(source, source.job)) : [];
    const loading = share < 1 ? h("small", { class: "muted" }, `reading, ${number(Math.floor(share * 100))} %`) : null;
    return h("div", {}, head, about, loading, jobs);
  }

  #toggle({ key }, label) {
    const isOn = !state.hide.includes(key);
    const others = state.hide.filter((hidden) => hidden !== key);
    const onclick = () => change({ hide: isOn ? [...others, key] : others });
    return h("button", { class: "toggle", "aria-pressed": String(isOn), onclick, title: label }, swatch(key), h("span", {}, label));
  }
}
