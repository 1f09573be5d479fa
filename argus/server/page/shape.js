// Which columns the table has where nobody has chosen: what is there and tells runs apart. Pure.

import { FIELDS, differing, namesIn, valueOf } from "./fields.js";

const LOOKED_AT = 300; // rows: enough to know what there is
const SAME = new Set(["seed"]); // differs always, and tells little

/** The columns for these rows, without the first one, the run's name. */
export function usualColumns(rows) {
  const some = rows.slice(0, LOOKED_AT);
  const has = (key) => some.some((row) => (valueOf(row, key, 0) ?? []).length > 0);
  const keys = ["state", "progress"];
  if (differing(some, ["project"]).length) keys.push("project");
  keys.push("started", "duration");
  if (has("tags")) keys.push("tags");
  const names = namesIn(some);
  const common = (part, most) =>
    [...names]
      .filter(([key]) => key.startsWith(`${part}.`))
      .sort(([a, n], [b, m]) => weight(b) - weight(a) || m - n || (a < b ? -1 : 1))
      .slice(0, most)
      .map(([key]) => key);
  keys.push(...common("last", 2), ...common("metrics", 2));
  const config = [...names.keys()].filter((key) => key.startsWith("config.") && !SAME.has(key.slice(7)));
  return [...keys, ...differing(some, config).slice(0, 4)];
}

/** Of each column whose values differ, the value that most rows have: what else stands out. */
export function usualValues(rows, keys) {
  const usual = new Map();
  if (rows.length < 2) return usual;
  for (const key of differing(rows, keys.filter((name) => name.startsWith("config.")))) {
    const counts = new Map();
    for (const row of rows) {
      const value = JSON.stringify(valueOf(row, key, 0) ?? null);
      counts.set(value, (counts.get(value) || 0) + 1);
    }
    const [[value, n]] = [...counts].sort(([, a], [, b]) => b - a);
    usual.set(key, n > 1 ? value : null);
  }
  return usual;
}

/** All columns that can be chosen, by where they come from. */
export function choices(rows) {
  const names = [...namesIn(rows).keys()].sort();
  return [
    ["Run", Object.keys(FIELDS).filter((key) => key !== "name")],
    ["Final metrics", names.filter((key) => key.startsWith("metrics."))],
    ["Newest values", names.filter((key) => key.startsWith("last."))],
    ["Config", names.filter((key) => key.startsWith("config."))],
  ].filter(([, keys]) => keys.length);
}

function weight(key) {
  const name = key.slice(key.indexOf(".") + 1);
  return { val_loss: 3, train_loss: 2, loss: 2 }[name] || (/loss|acc|mse|mae|score|f1/i.test(name) ? 1 : 0);
}
