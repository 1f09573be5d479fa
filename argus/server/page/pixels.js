// Each pixel column of a line: its lowest and highest point and whether the line is broken there.
// Pure; drawing is apart, so that a test can look at a million points without a canvas.

import { Pyramid, flagOf, lowerBound } from "./series.js";

/**
 * What of a line falls on `width` pixel columns between `x0` and `x1`.
 *
 * `xs` is a column of x values that ascend within each of `laps`; `shift` is taken from each x.
 * Returns strokes: `{x, low, high, first, last, n}` in arrays, with a break (NaN in `x`) wherever
 * the line must not be joined, and `marks`: pixel → flags of what was not finite there.
 */
export function pixelColumns(xs, laps, pyramid, { x0, x1, width, shift = 0 }) {
  const found = { x: [], low: [], high: [], first: [], last: [], marks: new Map() };
  const starts = laps.length > 200 ? [0] : laps; // then it is no resumed run but a scribble
  starts.forEach((from, at) => {
    const to = at + 1 < starts.length ? starts[at + 1] : xs.length;
    lap(found, xs.values, pyramid, { from, to, x0: x0 + shift, x1: x1 + shift, width });
    breakLine(found);
  });
  return found;
}

function lap(found, xs, pyramid, { from, to, x0, x1, width }) {
  // One point more on both sides: the line leaves the picture instead of ending in it.
  const begin = Math.max(from, lowerBound(xs, x0, from, to) - 1);
  const end = Math.min(to, lowerBound(xs, nextAfter(x1), from, to) + 1);
  if (begin >= end) return;
  const scale = x1 > x0 ? width / (x1 - x0) : 0;
  const perPixel = (end - begin) / Math.max(width, 1);
  const level = pyramid.levelFor(perPixel / 2);
  const walk = { found, xs, values: pyramid.column.values, x0, scale, middle: x1 > x0 ? 0 : width / 2 };
  if (level < 0) return points(walk, begin, end);
  const size = Pyramid.sizeOf(level);
  const firstBlock = Math.ceil(begin / size);
  const lastBlock = Math.floor(end / size);
  if (firstBlock >= lastBlock) return points(walk, begin, end);
  points(walk, begin, firstBlock * size);
  blocks(walk, pyramid.levels[level], size, firstBlock, lastBlock);
  return points(walk, lastBlock * size, end);
}

function points({ found, xs, values, x0, scale, middle }, from, to) {
  for (let i = from; i < to; i += 1) {
    const pixel = Math.round((xs[i] - x0) * scale * 2) / 2 + middle; // half a pixel: what a line can show
    const flags = flagOf(values[i]);
    if (flags) gap(found, pixel, flags);
    else stroke(found, pixel, values[i], values[i], values[i], values[i]);
  }
}

function blocks({ found, xs, values, x0, scale, middle }, level, size, from, to) {
  for (let block = from; block < to; block += 1) {
    const i = block * size;
    const pixel = Math.round((xs[i] - x0) * scale * 2) / 2 + middle;
    const flags = level.flags[block];
    const isEmpty = level.low[block] > level.high[block];
    if (flags) gap(found, pixel, flags);
    if (isEmpty) continue;
    const low = level.low[block];
    const high = level.high[block];
    const last = values[i + size - 1];
    stroke(found, pixel, low, high, values[i] - values[i] === 0 ? values[i] : low, last - last === 0 ? last : high);
  }
}

function stroke(found, pixel, low, high, first, last) {
  const at = found.x.length - 1;
  if (at >= 0 && found.x[at] === pixel) {
    if (low < found.low[at]) found.low[at] = low;
    if (high > found.high[at]) found.high[at] = high;
    found.last[at] = last;
    return;
  }
  found.x.push(pixel);
  found.low.push(low);
  found.high.push(high);
  found.first.push(first);
  found.last.push(last);
}

/** Where a value is not finite, the line has a gap and a mark. */
function gap(found, pixel, flags) {
  found.marks.set(Math.round(pixel), (found.marks.get(Math.round(pixel)) || 0) | flags);
  breakLine(found);
}

function breakLine(found) {
  const at = found.x.length - 1;
  if (at < 0 || Number.isNaN(found.x[at])) return;
  found.x.push(NaN);
  found.low.push(Infinity);
  found.high.push(-Infinity);
  found.first.push(NaN);
  found.last.push(NaN);
}

/** The point nearest to `x`, by its index; -1 where there is none. */
export function nearest(xs, laps, x) {
  let best = -1;
  const starts = laps.length > 200 ? [0] : laps;
  starts.forEach((from, at) => {
    const to = at + 1 < starts.length ? starts[at + 1] : xs.length;
    const right = lowerBound(xs.values, x, from, to);
    for (const i of [right - 1, right]) {
      if (i < from || i >= to) continue;
      if (best < 0 || Math.abs(xs.values[i] - x) <= Math.abs(xs.values[best] - x)) best = i;
    }
  });
  return best;
}

function nextAfter(x) {
  return x + Math.abs(x) * Number.EPSILON + Number.MIN_VALUE;
}
