// Draws lines into a canvas. What is drawn follows from the arguments alone; nothing is kept.

import { inks } from "./colours.js";
import { clock, number } from "./format.js";
import { pixelColumns } from "./pixels.js";
import { padded, roundStep, spanLabel, ticks, timeTicks, toPixels } from "./scale.js";
import { DOWN, NAN, UP } from "./series.js";

const LEFT = 58;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

/** The columns of x values and their laps that an axis stands for. */
export function axisOf(series, axis) {
  const name = axis === "epoch" ? "epoch" : "time";
  return { xs: series[name], laps: series.laps[name] };
}

/** From the first to the last x of all lines; null where no line has a point. */
export function extentOf(lines, axis) {
  let from = Infinity;
  let to = -Infinity;
  for (const line of lines) {
    const { xs, laps } = axisOf(line.series, axis);
    const shift = axis === "relative" ? line.began : 0;
    laps.forEach((begin, at) => {
      const end = at + 1 < laps.length ? laps[at + 1] : xs.length;
      if (end <= begin) return;
      from = Math.min(from, xs.values[begin] - shift);
      to = Math.max(to, xs.values[end - 1] - shift);
    });
  }
  return from <= to ? [from, to] : null;
}

/**
 * Paint `lines` (`{series, colour, dash, began}`) as `view` (`{axis, log, smooth, zoom}`) asks.
 *
 * Returns where things are: `{plot, xRange, yRange, x, y}`; `x` and `y` are functions to pixels.
 */
export function paint(ctx, width, height, lines, view) {
  const ink = inks();
  const plot = { left: LEFT, top: TOP, width: Math.max(10, width - LEFT - RIGHT), height: Math.max(10, height - TOP - BOTTOM) };
  const extent = extentOf(lines, view.axis);
  const xRange = view.zoom || (extent && (extent[0] === extent[1] ? [extent[0] - 0.5, extent[1] + 0.5] : extent)) || [0, 1];
  const layers = layersOf(lines, view, xRange, plot.width);
  const yRange = yRangeOf(layers, view.log);
  const y = toPixels(yRange, plot.top + plot.height, plot.top, view.log);
  const x = toPixels(xRange, plot.left, plot.left + plot.width, false);
  ctx.clearRect(0, 0, width, height);
  ctx.font = `11px ${ink.font}`;
  grid(ctx, plot, { xRange, yRange, x, y }, view, ink);
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.left, plot.top - 1, plot.width, plot.height + 2);
  ctx.clip();
  for (const layer of layers) stroke(ctx, layer, plot, y, view.log);
  ctx.restore();
  for (const layer of layers) if (layer.isMain) marks(ctx, layer, plot);
  if (!extent) {
    ctx.fillStyle = ink.muted;
    ctx.textAlign = "center";
    ctx.fillText("no points yet", plot.left + plot.width / 2, plot.top + plot.height / 2);
  }
  return { plot, xRange, yRange, x, y };
}

/** Each line as pixel columns; with smoothing, what was measured stays visible faintly behind it. */
function layersOf(lines, view, xRange, width) {
  const layers = [];
  for (const line of lines) {
    const { xs, laps } = axisOf(line.series, view.axis);
    const shift = view.axis === "relative" ? line.began : 0;
    const window = { x0: xRange[0], x1: xRange[1], width, shift };
    const raw = pixelColumns(xs, laps, line.series.pyramid, window);
    if (view.smooth > 0) {
      layers.push({ line, columns: raw, alpha: 0.22, isMain: false });
      const smooth = pixelColumns(xs, laps, line.series.smoothed(view.smooth), window);
      layers.push({ line, columns: smooth, alpha: 1, isMain: true });
    } else layers.push({ line, columns: raw, alpha: 1, isMain: true });
  }
  return layers.sort((a, b) => a.isMain - b.isMain);
}

function yRangeOf(layers, isLog) {
  let low = Infinity;
  let high = -Infinity;
  for (const { columns } of layers) {
    for (let i = 0; i < columns.x.length; i += 1) {
      if (columns.high[i] > high) high = columns.high[i];
      const bottom = !isLog || columns.low[i] > 0 ? columns.low[i] : columns.high[i];
      if (bottom < low && (!isLog || bottom > 0)) low = bottom;
    }
  }
  return padded(low, high, isLog);
}

function stroke(ctx, { line, columns, alpha, isMain }, plot, y, isLog) {
  const { x, low, high, first, last } = columns;
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = ctx.fillStyle = line.colour;
  ctx.lineWidth = isMain ? 1.6 : 1;
  ctx.lineJoin = "round";
  ctx.setLineDash(isMain ? line.dash : []);
  ctx.beginPath();
  let isOpen = false;
  for (let i = 0; i < x.length; i += 1) {
    if (Number.isNaN(x[i]) || (isLog && high[i] <= 0)) {
      isOpen = false;
      continue;
    }
    const px = plot.left + x[i];
    if (isOpen) ctx.lineTo(px, y(first[i]));
    else ctx.moveTo(px, y(first[i]));
    if (low[i] !== high[i]) {
      ctx.lineTo(px, y(low[i]));
      ctx.lineTo(px, y(high[i]));
      ctx.lineTo(px, y(last[i]));
    }
    const isAlone = !isOpen && (i + 1 === x.length || Number.isNaN(x[i + 1]));
    if (isAlone && low[i] === high[i]) ctx.rect(px - 1, y(last[i]) - 1, 2, 2);
    isOpen = true;
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** A triangle where a value was not finite: below for NaN and −∞, above for ∞. */
function marks(ctx, { line, columns }, plot) {
  ctx.fillStyle = line.colour;
  let before = -Infinity;
  for (const [pixel, flags] of columns.marks) {
    if (pixel < -1 || pixel > plot.width + 1 || pixel - before < 5) continue;
    before = pixel;
    const px = plot.left + pixel;
    for (const [flag, py, way] of [[NAN | DOWN, plot.top + plot.height, -1], [UP, plot.top, 1]]) {
      if (!(flags & flag)) continue;
      ctx.beginPath();
      ctx.moveTo(px - 4, py);
      ctx.lineTo(px + 4, py);
      ctx.lineTo(px, py + 7 * way);
      ctx.fill();
    }
  }
}

function grid(ctx, plot, { xRange, yRange, x, y }, view, ink) {
  ctx.strokeStyle = ink.grid;
  ctx.fillStyle = ink.muted;
  ctx.lineWidth = 1;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.beginPath();
  for (const tick of ticks(yRange, plot.height / 44, view.log)) {
    const py = Math.round(y(tick)) + 0.5;
    ctx.moveTo(plot.left, py);
    ctx.lineTo(plot.left + plot.width, py);
    ctx.fillText(number(tick), plot.left - 6, py);
  }
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "center";
  const { places, label } = xTicks(xRange, plot.width / 90, view.axis);
  for (const tick of places) {
    const px = x(tick);
    const text = label(tick);
    const half = ctx.measureText(text).width / 2;
    ctx.fillText(text, Math.min(Math.max(px, plot.left + half - 4), plot.left + plot.width + RIGHT - half - 1), plot.top + plot.height + 16);
    ctx.moveTo(Math.round(px) + 0.5, plot.top + plot.height);
    ctx.lineTo(Math.round(px) + 0.5, plot.top + plot.height + 4);
  }
  ctx.moveTo(plot.left, plot.top + plot.height + 0.5);
  ctx.lineTo(plot.left + plot.width, plot.top + plot.height + 0.5);
  ctx.stroke();
}

function xTicks(range, n, axis) {
  if (axis === "time") {
    const step = (range[1] - range[0]) / Math.max(1, n);
    return { places: timeTicks(range, n), label: (t) => timeLabel(t, step) };
  }
  if (axis === "epoch") return { places: ticks(range, n, false).filter((t) => range[1] - range[0] < 3 || Number.isInteger(t)), label: number };
  const unit = [3600, 60, 1].find((u) => (range[1] - range[0]) / Math.max(1, n) >= u) || 1;
  const step = roundStep((range[1] - range[0]) / unit / Math.max(1, n)) * unit;
  return { places: ticks([range[0] / unit, range[1] / unit], n, false).map((t) => t * unit), label: (t) => spanLabel(t, step) };
}

function timeLabel(t, step) {
  if (step < 60) return clock(t);
  const date = new Date(t * 1000);
  const day = `${date.toLocaleString("en", { month: "short" })} ${date.getDate()}`;
  return step >= 43_200 || clock(t).startsWith("00:00") ? day : clock(t).slice(0, 5);
}
