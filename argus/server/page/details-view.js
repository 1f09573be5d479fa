// All else that is known of a run: jobs, notes, config, environment, what was dropped or refused.

import { askToEdit, stopButton } from "./actions.js";
import { progress, stateBadge } from "./cells.js";
import { fill, h, throttled } from "./dom.js";
import { durationOf, nameOf } from "./fields.js";
import { age, bytes, count, duration, moment, seconds, text } from "./format.js";
import { dataOf, onData } from "./run-data.js";
import { stopping } from "./runs.js";
import { runPicker } from "./run-picker.js";
import { focused } from "./selection.js";

const MOST_JOBS = 500;

/** The view in `host`: `{update, close}`. */
export function detailsView(host) {
  const picker = runPicker();
  const buttons = h("span", { class: "actions" });
  const board = h("div", { class: "details" });
  fill(host, h("div", { class: "toolbar" }, picker.element, h("span", { class: "gap" }), buttons), board);
  const forget = onData(throttled(update, 250));
  let drawn = "";

  function update() {
    const row = focused();
    picker.update(row);
    if (!row) {
      drawn = "";
      fill(buttons);
      fill(board, h("p", { class: "empty" }, "No run to show."));
      return;
    }
    const data = dataOf(row.run_id);
    const is = JSON.stringify([row, [...data.jobs.values()], data.environment, data.rejected, data.dropped, data.events, data.failure, data.error?.message, stopping.has(row.run_id)]);
    if (is === drawn) return;
    drawn = is;
    fill(buttons, stopButton(row), h("button", { class: "quiet", onclick: () => askToEdit(row) }, "Edit"));
    const opened = new Set([...board.querySelectorAll("details[open]")].map((element) => element.dataset.name));
    const left = h("div", { class: "stack" }, about(row, data));
    const right = h("div", { class: "stack" }, troubles(row, data), mapping("Config", row.config), mapping("Events", data.events));
    fill(board, left, right, jobs(data), environment(data.environment));
    for (const element of board.querySelectorAll("details")) if (opened.has(element.dataset.name)) element.open = true;
  }

  return { update, close: forget };
}

function about(row, data) {
  const now = Date.now() / 1000;
  const facts = [
    ["State", stateBadge(row.state)],
    ["Failure", data.failure && h("div", { class: "notes error" }, data.failure)],
    ["Jobs", progress(row)],
    ["Project", row.project],
    ["Type", row.experiment_type],
    ["Started", `${moment(seconds(row.started_at))} (${age(now - seconds(row.started_at))})`],
    ["Duration", duration(durationOf(row, now))],
    ["Last event", row.updated_at ? moment(row.updated_at) : null],
    ["Last heartbeat", row.heartbeat_at ? moment(row.heartbeat_at) : null],
    ["Host", row.host],
    ["User", row.user],
    ["Command", row.command && h("code", {}, row.command)],
    ["Attempt", row.attempt],
    ["Batch", h("code", {}, row.batch_id)],
    ["Directory", h("code", {}, row.run_id)],
    ["Events", `${row.n_events} in ${bytes(row.events_bytes)}`],
    ["Delivered", row.delivered === null || row.delivered === undefined ? null : row.delivered ? "yes" : "not all"],
    ["Tags", (row.tags || []).length ? row.tags.map((tag) => h("span", { class: "tag" }, tag)) : null],
    ["Notes", row.notes && h("div", { class: "notes" }, row.notes)],
  ];
  return card(nameOf(row), h("dl", {}, pairs(facts)));
}

function jobs(data) {
  const all = [...data.jobs.values()];
  if (!all.length) return null;
  const metrics = [...new Set(all.slice(0, MOST_JOBS).flatMap((job) => Object.keys(job.metrics || {})))].slice(0, 12);
  const heads = ["Job", "State", "Model", "Dataset", "Epochs", "Took", ...metrics];
  const lines = all.slice(0, MOST_JOBS).map((job) => {
    const cells = [stateBadge(job.state), text(job.model), text(job.dataset), text(job.epochs), duration(job.elapsed_s ?? NaN), ...metrics.map((name) => text(job.metrics?.[name]))];
    const line = h("tr", {}, h("th", { scope: "row" }, job.job_id), cells.map((content) => h("td", {}, content)));
    return job.error ? [line, h("tr", {}, h("td", { colspan: heads.length, class: "error" }, String(job.error)))] : line;
  });
  const title = all.length > MOST_JOBS ? `${MOST_JOBS} of ${all.length} jobs` : count(all.length, "job");
  return card(title, h("div", { class: "scroll-x" }, h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, lines.flat()))), "wide");
}

function troubles(row, data) {
  const dropped = Object.entries({ ...row.dropped, ...data.dropped });
  const n = Math.max(row.n_rejected || 0, data.rejected.length);
  if (!dropped.length && !n && !data.error) return card("Lost or refused", h("p", { class: "muted" }, "Nothing: no event was dropped, none was refused."));
  const drops = dropped.length ? [h("p", {}, "Dropped, and counted by their reason:"), h("dl", {}, pairs(dropped))] : null;
  const letters = n ? [h("p", {}, `Dead letters: the platform refused ${count(n, "event")} for good.`), deadLetters(data.rejected)] : null;
  return card("Lost or refused", [data.error && h("p", { class: "error" }, `The events could not be read: ${data.error.message}`), drops, letters].flat(), n || dropped.length ? "bad" : "");
}

function deadLetters(rejected) {
  const lines = rejected.map((letter) => h("tr", {}, [letter.timestamp && moment(seconds(letter.timestamp)), letter.event_type, letter.job_id, letter.reason].map((value) => h("td", {}, text(value)))));
  const heads = ["Time", "Event", "Job", "Reason"].map((name) => h("th", { scope: "col" }, name));
  return h("div", { class: "scroll-x" }, h("table", { class: "letters" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, lines)));
}

function environment(data) {
  if (!data) return null;
  const plain = Object.entries(data).filter(([, value]) => typeof value !== "object" || value === null);
  const long = Object.entries(data).filter(([, value]) => typeof value === "object" && value !== null);
  const folds = long.map(([name, value]) => {
    const lines = Array.isArray(value) ? value.map((item) => text(item)).join("\n") : JSON.stringify(value, null, 2);
    const title = Array.isArray(value) ? `${name} (${value.length})` : name;
    const element = h("details", {}, h("summary", {}, title), h("pre", {}, lines));
    element.dataset.name = name;
    return element;
  });
  const facts = plain.map(([name, value]) => [name, typeof value === "string" && value.includes("\n") ? h("pre", {}, value) : text(value)]);
  return card("Environment", [h("dl", {}, pairs(facts)), folds].flat(), "wide");
}

function mapping(title, values) {
  const facts = Object.entries(values || {}).map(([name, value]) => [name, text(value)]);
  return facts.length ? card(title, h("dl", {}, pairs(facts))) : null;
}

function pairs(facts) {
  const there = facts.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return there.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value instanceof Node || Array.isArray(value) ? value : text(value))]);
}

function card(title, content, kind = "") {
  return h("section", { class: `card ${kind}` }, h("h2", {}, title), content);
}
