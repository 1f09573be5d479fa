// How each column of the table shows a row, and how wide it is.

import { h } from "./dom.js";
import { styleOf } from "./colours.js";
import { FIELDS, nameOf, valueOf } from "./fields.js";
import { age, asNumber, bytes, count, duration, moment, text } from "./format.js";

const WIDTHS = { state: 96, progress: 128, tags: 120, started: 92, duration: 104, updated: 92, ended: 92, project: 120, command: 260, notes: 200, id: 260 };

/** The heading of a column. */
export function labelOf(key) {
  return FIELDS[key] ? FIELDS[key].label : key.slice(key.indexOf(".") + 1);
}

/** Where the values of a column come from, for those that are no field of every run. */
export function originOf(key) {
  if (FIELDS[key]) return "";
  return { config: "config", metrics: "final", last: "now" }[key.slice(0, key.indexOf("."))] || "";
}

/** The width of a column, in pixels. */
export function widthOf(key) {
  const origin = originOf(key);
  return WIDTHS[key] || Math.round(Math.min(220, Math.max(84, labelOf(key).length * 8.2 + (origin ? 62 : 30))));
}

/** Whether a column holds numbers, and stands on the right. */
export function isNumeric(key, rows) {
  if (FIELDS[key]) return ["time", "duration", "bytes"].includes(FIELDS[key].kind) || ["done", "failed", "events", "attempt", "dropped", "rejected", "epoch"].includes(key);
  const found = rows.map((row) => valueOf(row, key, 0)).filter((value) => value !== undefined);
  return found.length > 0 && found.every((value) => asNumber(value) !== undefined);
}

/** The content of one cell. */
export function content(row, key, now) {
  if (key === "state") return stateBadge(row.state);
  if (key === "progress") return progress(row);
  if (key === "tags") return (row.tags || []).map((tag) => h("span", { class: "tag" }, tag));
  return words(row, key, now);
}

/** The same as plain text. */
export function words(row, key, now) {
  const value = valueOf(row, key, now);
  const kind = FIELDS[key]?.kind;
  if (value === undefined) return "–";
  if (kind === "time") return age(now - value);
  if (kind === "duration") return duration(value);
  if (kind === "bytes") return bytes(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join(", ") : text(value);
}

/** What a cell says when the pointer rests on it. */
export function titleOf(row, key, now) {
  const value = valueOf(row, key, now);
  if (value === undefined) return null;
  if (FIELDS[key]?.kind === "time") return moment(value);
  return key === "progress" ? progressWords(row) : String(Array.isArray(value) ? value.join(", ") : value);
}

/** The state, as a dot and a word: colour alone says nothing to some. */
export function stateBadge(state) {
  return h("span", { class: "state", "data-state": state }, state);
}

/** The mark in the colour of a line. */
export function swatch(key) {
  const mark = h("i", { class: "swatch" });
  mark.style.background = styleOf(key).colour;
  return mark;
}

/** How far the jobs are: a bar, and numbers. */
export function progress(row) {
  const total = row.n_total_jobs ?? row.n_jobs ?? 0;
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  for (const [n, kind] of [[row.n_done, "done"], [row.n_failed, "failed"], [row.n_running, "running"]]) {
    if (!n || !total) continue;
    const part = h("i", { class: kind });
    part.style.width = `${Math.min(100, (100 * n) / total)}%`;
    bar.append(part);
  }
  return h("span", { class: "progress" }, bar, h("span", {}, `${(row.n_done || 0) + (row.n_failed || 0)}/${row.n_total_jobs ?? row.n_jobs ?? 0}`));
}

function progressWords(row) {
  const of = row.n_total_jobs === null || row.n_total_jobs === undefined ? count(row.n_jobs || 0, "job") : `of ${count(row.n_total_jobs, "job")}`;
  return `${of}: ${row.n_done || 0} done, ${row.n_failed || 0} failed, ${row.n_running || 0} running`;
}

/** The name of a run for the first column and for headings. */
export function nameCell(row) {
  const name = h("span", { class: "run-name", title: `${nameOf(row)}\n${row.run_id}` }, nameOf(row));
  if (!row.is_part) return name;
  const title = "What another process has added to a batch: a fork, or a rank";
  return [name, h("small", { class: "muted", title }, "part")];
}
