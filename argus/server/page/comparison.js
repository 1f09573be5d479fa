// Runs side by side: which rows the comparison has, and in which the runs differ. Pure.

import { FIELDS, namesIn, valueOf } from "./fields.js";
import { asNumber } from "./format.js";

const OF_RUN = ["state", "project", "type", "model", "dataset", "duration", "epoch", "host", "user", "command", "tags", "attempt"];

/** The parts of a comparison: `{title, rows: [{key, values, differs, best}]}`, differences first. */
export function comparison(rows, now) {
  const names = [...namesIn(rows).keys()].sort();
  const parts = [
    ["Config", names.filter((key) => key.startsWith("config."))],
    ["Final metrics", names.filter((key) => key.startsWith("metrics."))],
    ["Newest values", names.filter((key) => key.startsWith("last."))],
    ["Run", OF_RUN],
  ];
  return parts
    .map(([title, keys]) => ({ title, rows: keys.map((key) => compared(rows, key, now)).sort((a, b) => b.differs - a.differs) }))
    .filter((part) => part.rows.length);
}

function compared(rows, key, now) {
  const values = rows.map((row) => valueOf(row, key, now));
  const texts = values.map((value) => JSON.stringify(value ?? null));
  return { key, values, differs: texts.some((text) => text !== texts[0]), isField: key in FIELDS };
}

/** Names whose values are numbers in at least two of the rows: what a scatter plot can show. */
export function plottable(rows) {
  return [...namesIn(rows).keys()]
    .filter((key) => rows.filter((row) => Number.isFinite(asNumber(valueOf(row, key, 0)))).length >= 2)
    .sort();
}

/** The axes that tell most at first sight: a config value that differs, and a metric. */
export function usualAxes(rows, keys) {
  const kinds = (key) => (key === "config.seed" ? 1 : new Set(rows.map((row) => JSON.stringify(valueOf(row, key, 0)))).size);
  const config = keys.filter((key) => key.startsWith("config.")).sort((a, b) => kinds(b) - kinds(a));
  const x = config[0] || keys[0] || "";
  const others = keys.filter((key) => key !== x);
  const y = others.find((key) => key.startsWith("metrics.")) || others.find((key) => key.startsWith("last.")) || others[0] || x;
  return { x, y };
}
