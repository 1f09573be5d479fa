// One chart: two canvases, one for the lines and one for the cursor above them, and what hands and
// keys do there. Knows nothing of the runs; drags end in `onZoom`.

import { eachFrame, fill, h } from "./dom.js";
import { inks } from "./colours.js";
import { number, duration, moment } from "./format.js";
import { cursor, onCursor, point } from "./lens.js";
import { axisOf, paint } from "./paint.js";
import { nearest } from "./pixels.js";

const MOST_TOLD = 14; // lines in the box beside the cursor

/** A chart in an element of its own, `chart.element`. */
export class Chart {
  constructor({ onZoom }) {
    this.onZoom = onZoom;
    this.lines = [];
    this.view = { axis: "epoch", log: false, smooth: 0, zoom: null };
    this.base = h("canvas", { role: "img", tabindex: "0" });
    this.above = h("canvas", { class: "above", "aria-hidden": "true" });
    this.tip = h("div", { class: "tip", hidden: true });
    this.element = h("div", { class: "plot" }, this.base, this.above, this.tip);
    this.isNear = true;
    this.isHeld = false;
    this.frames = { n: 0, last_ms: 0 };
    this.redraw = eachFrame(() => this.#draw());
    this.recursor = eachFrame(() => this.#drawCursor());
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.element);
    // A chart that is far from the screen is drawn when it comes near.
    this.sight = new IntersectionObserver(([entry]) => {
      this.isNear = entry.isIntersecting;
      if (this.isNear) this.redraw();
    }, { rootMargin: "300px" });
    this.sight.observe(this.element);
    this.forget = onCursor(() => this.recursor());
    this.#listen();
  }

  /** Show these lines in this way from now on. */
  show(lines, view, summary) {
    this.lines = lines;
    this.view = view;
    this.base.setAttribute("aria-label", summary);
    this.redraw();
  }

  close() {
    this.sizes.disconnect();
    this.sight.disconnect();
    this.forget();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!this.isNear || !width || !height) return;
    const began = performance.now();
    const ctx = sized(this.base, width, height);
    this.at = paint(ctx, width, height, this.lines, this.view);
    this.frames = { n: this.frames.n + 1, last_ms: performance.now() - began };
    this.#drawCursor();
  }

  #drawCursor() {
    if (!this.at || !this.isNear) return;
    const { clientWidth: width, clientHeight: height } = this.element;
    const ctx = sized(this.above, width, height);
    const { plot, x } = this.at;
    const ink = inks();
    if (this.drag) {
      const [a, b] = [this.drag.from, this.drag.to].sort((p, q) => p - q);
      ctx.fillStyle = ink.text;
      ctx.globalAlpha = 0.1;
      ctx.fillRect(a, plot.top, b - a, plot.height);
      ctx.globalAlpha = 1;
    }
    const px = cursor.x === null ? NaN : x(cursor.x);
    if (!(px >= plot.left - 0.5 && px <= plot.left + plot.width + 0.5)) {
      this.tip.hidden = true;
      return;
    }
    ctx.strokeStyle = ink.muted;
    ctx.beginPath();
    ctx.moveTo(Math.round(px) + 0.5, plot.top);
    ctx.lineTo(Math.round(px) + 0.5, plot.top + plot.height);
    ctx.stroke();
    const found = this.#valuesAt(cursor.x);
    for (const { line, value, at } of found) this.#dot(ctx, ink, line, value, at);
    if (this.isHeld) this.#tell(found, px, width);
    else this.tip.hidden = true;
  }

  #dot(ctx, ink, line, value, at) {
    const { plot, x, y } = this.at;
    const [dx, dy] = [x(at), y(value)];
    if (!Number.isFinite(dy) || dx < plot.left - 1 || dx > plot.left + plot.width + 1) return;
    ctx.fillStyle = line.colour;
    ctx.strokeStyle = ink.ground;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(dx, dy, 3.5, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.lineWidth = 1;
  }

  /** Of each line the point nearest to the cursor, as it is drawn. */
  #valuesAt(x) {
    const { axis, smooth } = this.view;
    return this.lines.flatMap((line) => {
      const { xs, laps } = axisOf(line.series, axis);
      const shift = axis === "relative" ? line.began : 0;
      const i = nearest(xs, laps, x + shift);
      if (i < 0) return [];
      return [{ line, value: line.series.smoothed(smooth).column.values[i], at: xs.values[i] - shift }];
    });
  }

  #tell(found, px, width) {
    const shown = [...found].sort((a, b) => b.value - a.value).slice(0, MOST_TOLD);
    const rows = shown.map(({ line, value }) => {
      const swatch = h("i", { class: "swatch" });
      swatch.style.background = line.colour;
      return h("div", {}, swatch, h("span", {}, line.label), h("b", {}, number(value)));
    });
    const rest = found.length - shown.length;
    fill(this.tip, h("div", { class: "tip-x" }, xLabel(cursor.x, this.view.axis)), ...rows, rest > 0 && h("div", {}, `and ${rest} more`));
    placeTip(this.tip, px, width);
  }

  #listen() {
    const base = this.base;
    const xOf = (px) => {
      const { plot, xRange } = this.at;
      const share = Math.min(1, Math.max(0, (px - plot.left) / plot.width));
      return xRange[0] + share * (xRange[1] - xRange[0]);
    };
    base.addEventListener("pointermove", (event) => {
      if (!this.at) return;
      this.isHeld = true;
      if (this.drag) this.drag.to = clamp(event.offsetX, this.at.plot);
      point(xOf(event.offsetX));
      this.recursor();
    });
    base.addEventListener("pointerdown", (event) => {
      if (!this.at || event.button !== 0) return;
      base.setPointerCapture(event.pointerId);
      const from = clamp(event.offsetX, this.at.plot);
      this.drag = { from, to: from };
    });
    base.addEventListener("pointerup", () => {
      const drag = this.drag;
      this.drag = null;
      if (drag && Math.abs(drag.to - drag.from) > 4) {
        this.onZoom([xOf(Math.min(drag.from, drag.to)), xOf(Math.max(drag.from, drag.to))]);
      }
      this.recursor();
    });
    for (const name of ["pointerleave", "pointercancel", "blur"]) {
      base.addEventListener(name, () => {
        this.isHeld = false;
        this.drag = null;
        point(null);
        this.recursor();
      });
    }
    base.addEventListener("dblclick", () => this.onZoom(null));
    base.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (!this.at || event.ctrlKey || event.metaKey || event.altKey) return;
    const [from, to] = this.at.xRange;
    const span = to - from;
    const x = cursor.x ?? (from + to) / 2;
    const step = span / (event.shiftKey ? 10 : 100);
    const zoom = (times) => this.onZoom([x - (x - from) * times, x + (to - x) * times]);
    const deeds = {
      ArrowLeft: () => point(Math.max(from, x - step)),
      ArrowRight: () => point(Math.min(to, x + step)),
      Home: () => point(from),
      End: () => point(to),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => this.onZoom(null),
      Escape: () => this.onZoom(null),
    };
    if (!deeds[event.key]) return;
    this.isHeld = true;
    deeds[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Show a box beside a place of a plot, on the side where there is room for it. */
export function placeTip(tip, px, width) {
  tip.hidden = false;
  tip.style.left = "0px"; // first where it is as wide as it likes
  const fits = px + 12 + tip.offsetWidth <= width;
  tip.style.left = `${Math.max(0, fits ? px + 12 : px - 12 - tip.offsetWidth)}px`;
}

/** A place on an axis, in words. */
export function xLabel(x, axis) {
  if (axis === "time") return moment(x);
  return axis === "relative" ? `after ${duration(x)}` : `epoch ${Math.round(x)}`;
}

/** The drawing context of a canvas that has this size on this screen. */
export function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== hgt) [canvas.width, canvas.height] = [w, hgt];
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

function clamp(px, plot) {
  return Math.min(plot.left + plot.width, Math.max(plot.left, px));
}
