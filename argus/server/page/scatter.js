// Hyperparameter against metric, a point for each run.

import { placeTip, sized } from "./chart.js";
import { change, state } from "./address.js";
import { labelOf, originOf } from "./cells.js";
import { inks, styleOf } from "./colours.js";
import { plottable, usualAxes } from "./comparison.js";
import { chooser, eachFrame, fill, h, offer, set } from "./dom.js";
import { nameOf, valueOf } from "./fields.js";
import { asNumber, number } from "./format.js";
import { padded, ticks, toPixels } from "./scale.js";
import { openRun } from "./selection.js";

const LEFT = 62;
const BOTTOM = 26;
const NEAR = 12; // pixels

/** The plot with its two choosers, `scatter.element`. */
export class Scatter {
  constructor() {
    this.rows = [];
    this.canvas = h("canvas", { role: "img", tabindex: "0" });
    this.tip = h("div", { class: "tip", hidden: true });
    this.plot = h("div", { class: "plot" }, this.canvas, this.tip);
    this.x = chooser("Horizontal axis", [], "", (sx) => change({ sx }));
    this.y = chooser("Vertical axis", [], "", (sy) => change({ sy }));
    this.log = h("button", { class: "small quiet", onclick: () => this.#flip() }, "log x");
    const title = h("header", {}, h("h3", {}, "Scatter"), h("span", { class: "chart-buttons" }, this.y, "against", this.x, this.log));
    this.element = h("section", { class: "card chart scatter", "aria-label": "Scatter plot" }, title, this.plot);
    this.redraw = eachFrame(() => this.#draw());
    this.sizes = new ResizeObserver(this.redraw);
    this.sizes.observe(this.plot);
    this.canvas.addEventListener("pointermove", (event) => this.#hover(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.canvas.addEventListener("click", (event) => this.#near(event) && openRun(this.#near(event).row.run_id));
  }

  show(rows) {
    const keys = plottable(rows);
    this.element.hidden = keys.length === 0;
    const usual = usualAxes(rows, keys);
    [this.sx, this.sy] = [keys.includes(state.sx) ? state.sx : usual.x, keys.includes(state.sy) ? state.sy : usual.y];
    const choices = keys.map((key) => [key, `${labelOf(key)} (${originOf(key)})`]);
    offer(this.x, choices, this.sx);
    offer(this.y, choices, this.sy);
    const value = (row, key) => asNumber(valueOf(row, key, 0));
    // Learning rates want a logarithm: the button says what is not as usual.
    const isWide = spansDecades(rows.map((row) => value(row, this.sx)).filter(Number.isFinite));
    this.isFlipped = state.log.includes(`scatter ${this.sx}`);
    this.isLog = isWide !== this.isFlipped;
    set(this.log, "aria-pressed", String(this.isLog));
    this.points = rows.map((row) => ({ row, x: value(row, this.sx), y: value(row, this.sy) })).filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y) && (!this.isLog || x > 0));
    const told = this.points.slice(0, 20).map(({ row, x, y }) => `${nameOf(row)}: ${number(x)}, ${number(y)}`);
    set(this.canvas, "aria-label", `${labelOf(this.sy)} against ${labelOf(this.sx)}. ${told.join("; ")}`);
    this.redraw();
  }

  close() {
    this.sizes.disconnect();
  }

  #flip() {
    const name = `scatter ${this.sx}`;
    change({ log: this.isFlipped ? state.log.filter((other) => other !== name) : [...state.log, name] });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height || !this.points) return;
    const ctx = sized(this.canvas, width, height);
    const ink = inks();
    const range = (name, isLog) => padded(Math.min(...this.points.map((p) => p[name])), Math.max(...this.points.map((p) => p[name])), isLog);
    const [rx, ry] = [range("x", this.isLog), range("y", false)];
    const x = toPixels(rx, LEFT, width - 14, this.isLog);
    const y = toPixels(ry, height - BOTTOM, 12, false);
    ctx.font = `11px ${ink.font}`;
    ctx.fillStyle = ink.muted;
    ctx.strokeStyle = ink.grid;
    ctx.beginPath();
    ctx.textAlign = "right";
    for (const tick of ticks(ry, height / 44, false)) {
      ctx.moveTo(LEFT, y(tick));
      ctx.lineTo(width - 14, y(tick));
      ctx.fillText(number(tick), LEFT - 6, y(tick) + 4);
    }
    ctx.textAlign = "center";
    for (const tick of ticks(rx, width / 90, this.isLog)) {
      ctx.moveTo(x(tick), 12);
      ctx.lineTo(x(tick), height - BOTTOM);
      ctx.fillText(number(tick), x(tick), height - 8);
    }
    ctx.stroke();
    for (const point of this.points) {
      Object.assign(point, { px: x(point.x), py: y(point.y) });
      ctx.beginPath();
      ctx.arc(point.px, point.py, 5, 0, 2 * Math.PI);
      ctx.fillStyle = styleOf(point.row.run_id).colour;
      ctx.globalAlpha = 0.85;
      ctx.fill();
      ctx.globalAlpha = 1;
    }
  }

  #near({ offsetX, offsetY }) {
    const far = (p) => Math.hypot(p.px - offsetX, p.py - offsetY);
    const [first] = [...(this.points || [])].sort((a, b) => far(a) - far(b));
    return first && far(first) < NEAR ? first : null;
  }

  #hover(event) {
    const point = this.#near(event);
    this.tip.hidden = !point;
    this.canvas.style.cursor = point ? "pointer" : "default";
    if (!point) return;
    const line = (key, value) => h("div", {}, h("span", {}, labelOf(key)), h("b", {}, number(value)));
    fill(this.tip, h("div", { class: "tip-x" }, nameOf(point.row)), line(this.sx, point.x), line(this.sy, point.y));
    placeTip(this.tip, point.px, this.plot.clientWidth);
  }
}

function spansDecades(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low >= 30;
}
