// What a row of the table can be asked for, and by which name. Pure.

import { asNumber, seconds } from "./format.js";

const seconds_or_undefined = (time) => (Number.isNaN(seconds(time)) ? undefined : seconds(time));

/** The fields that every run has: label, kind, and how a row answers. */
export const FIELDS = {
  name: { label: "Run", get: (row) => nameOf(row) },
  state: { label: "State", get: (row) => row.state },
  progress: { label: "Jobs", get: (row) => progressOf(row) },
  project: { label: "Project", get: (row) => row.project },
  tags: { label: "Tags", get: (row) => row.tags || [] },
  started: { label: "Started", kind: "time", get: (row) => seconds_or_undefined(row.started_at) },
  duration: { label: "Duration", kind: "duration", get: (row, now) => durationOf(row, now) },
  updated: { label: "Last event", kind: "time", get: (row) => row.updated_at },
  ended: { label: "Ended", kind: "time", get: (row) => seconds_or_undefined(row.ended_at) },
  type: { label: "Type", get: (row) => row.experiment_type },
  host: { label: "Host", get: (row) => row.host },
  user: { label: "User", get: (row) => row.user },
  epoch: { label: "Epoch", get: (row) => epochOf(row) },
  model: { label: "Model", get: (row) => ofJobs(row, "model") },
  dataset: { label: "Dataset", get: (row) => ofJobs(row, "dataset") },
  done: { label: "Done", get: (row) => row.n_done },
  failed: { label: "Failed", get: (row) => row.n_failed },
  events: { label: "Events", get: (row) => row.n_events },
  size: { label: "Size", kind: "bytes", get: (row) => row.events_bytes },
  attempt: { label: "Attempt", get: (row) => row.attempt },
  delivered: { label: "Delivered", get: (row) => row.delivered },
  dropped: { label: "Dropped", get: (row) => Object.values(row.dropped || {}).reduce((a, b) => a + b, 0) },
  rejected: { label: "Rejected", get: (row) => row.n_rejected },
  command: { label: "Command", get: (row) => row.command },
  notes: { label: "Notes", get: (row) => row.notes },
  batch: { label: "Batch", get: (row) => row.batch_id },
  id: { label: "Directory", get: (row) => row.run_id },
  archived: { label: "Archived", get: (row) => row.archived },
  age: { label: "Age", kind: "duration", get: (row, now) => ageOf(row, now) },
};
const ALIASES = { tag: "tags", run: "name", jobs: "progress", dir: "id" };
const OF_ROW = { config: "config", metrics: "metrics", last: "last" };

/** The value of a field, or of a name in config, metrics or last values; undefined: there is none. */
export function valueOf(row, key, now) {
  const field = FIELDS[ALIASES[key] || key];
  if (field) return field.get(row, now) ?? undefined;
  const dot = key.indexOf(".");
  const part = OF_ROW[key.slice(0, Math.max(dot, 0))];
  if (part && own(row[part], key.slice(dot + 1)) !== undefined) return own(row[part], key.slice(dot + 1));
  return own(row.config, key) ?? own(row.metrics, key) ?? own(row.last, key);
}

/** All names of config, metrics and last values that some row has, as `part.name`. */
export function namesIn(rows) {
  const names = new Map();
  for (const row of rows) {
    for (const part of Object.keys(OF_ROW)) {
      for (const name of Object.keys(row[part] || {})) {
        const key = `${part}.${name}`;
        names.set(key, (names.get(key) || 0) + 1);
      }
    }
  }
  return names;
}

/** Those keys for which the rows do not all say the same. */
export function differing(rows, keys) {
  return keys.filter((key) => {
    let first;
    return rows.some((row, at) => {
      const value = JSON.stringify(valueOf(row, key, 0) ?? null);
      if (at === 0) first = value;
      return value !== first;
    });
  });
}

/** What a run is called: by its user, else by its batch, else by its directory. */
export function nameOf(row) {
  return row.name || row.batch_id || row.run_id;
}

/** All of a row that free text is looked for in, in lower case. Kept as long as the row is. */
export function textOf(row) {
  let found = texts.get(row);
  if (found === undefined) {
    const words = [row.name, row.batch_id, row.run_id, row.project, row.experiment_type, row.state, row.host];
    words.push(row.user, row.command, row.notes, ...(row.tags || []));
    for (const job of row.jobs || []) words.push(job.job_id, job.model, job.dataset);
    found = words.filter(Boolean).join("\n").toLowerCase();
    texts.set(row, found);
  }
  return found;
}
const texts = new WeakMap();

/** How long a run took, or has been running, in seconds. */
export function durationOf(row, now) {
  const began = seconds(row.started_at);
  const ended = row.state === "running" ? now : seconds(row.ended_at ?? row.updated_at);
  return Number.isNaN(ended - began) ? undefined : Math.max(0, ended - began);
}

/** Finished jobs as a share of all that are known of. */
export function progressOf(row) {
  const total = row.n_total_jobs ?? row.n_jobs;
  return total ? ((row.n_done || 0) + (row.n_failed || 0)) / total : undefined;
}

/** A number to sort by, or a string in lower case; undefined sorts last. */
export function sortKey(value) {
  const n = asNumber(value);
  if (n !== undefined) return Number.isNaN(n) ? undefined : n;
  if (value === null || value === undefined) return undefined;
  if (typeof value === "boolean") return Number(value);
  return (Array.isArray(value) ? value.join(" ") : String(value)).toLowerCase() || undefined;
}

function ageOf(row, now) {
  const began = seconds(row.started_at);
  return Number.isNaN(began) ? undefined : now - began;
}

function epochOf(row) {
  const epochs = (row.jobs || []).map((job) => job.epoch).filter((epoch) => typeof epoch === "number");
  return epochs.length ? Math.max(...epochs) : undefined;
}

function ofJobs(row, name) {
  const values = [...new Set((row.jobs || []).map((job) => job[name]).filter(Boolean))];
  return values.length ? values : undefined;
}

function own(object, name) {
  return object && Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}
