// What is known of the runs on screen: their series, jobs, resources and environment, kept up to
// date by what was appended to their files. One request a run is under way at a time.

import { ask, linesOf, path } from "./api.js";
import { Series } from "./series.js";

const MOST_KEPT = 60; // runs; those that nobody looked at for longest are forgotten first
const LOOKED_AT_MS = 15_000; // views ask for what they show much more often
const held = new Map();
const listeners = new Set();

/** The data of a run: loaded when it is first asked for. */
export function dataOf(runId) {
  let data = held.get(runId);
  if (data) held.delete(runId); // and put back as the youngest
  else data = new RunData(runId);
  held.set(runId, data);
  data.look();
  for (const [oldest, other] of held) {
    if (held.size <= MOST_KEPT) break;
    held.delete(oldest);
    other.close();
  }
  return data;
}

/** A run whose file has `size` bytes now: what is held of it is brought up to date, if it is shown. */
export function follow(runId, size) {
  held.get(runId)?.follow(size);
}

/** A run that is no more. */
export function forget(runId) {
  held.get(runId)?.close();
  held.delete(runId);
}

/** Call `listener` with the id of a run of which something new is known. */
export function onData(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

class RunData {
  constructor(runId) {
    this.runId = runId;
    this.#begin();
    this.size = 0;
    this.asked = null; // the size for which was asked last: half a line is not asked for again and again
    this.stop = new AbortController();
  }

  /** The names of all series, in the order of their first point. */
  get names() {
    return [...new Set([...this.series.values()].map((series) => series.name))];
  }

  /** The share that has been read; 1 once all is there. */
  get share() {
    return this.isComplete || !this.size ? 1 : Math.min(1, this.offset / this.size);
  }

  /** Somebody shows it: what came while nobody did is read now. */
  look() {
    this.lookedAt = performance.now();
    if (this.size !== this.asked) this.load();
  }

  follow(size) {
    this.size = size || 0; // smaller than before where the file was replaced
    if (performance.now() - this.lookedAt < LOOKED_AT_MS && (this.size !== this.offset || this.error)) this.load();
  }

  close() {
    this.stop.abort();
  }

  /** Read on from where the last answer ended. */
  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    this.asked = this.size;
    const had = this.offset;
    try {
      await this.#read();
      this.error = null;
      this.isComplete = true;
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.error = error;
    } finally {
      this.isLoading = false;
    }
    this.#tell();
    if (this.error === null && this.size > this.offset && this.offset > had) this.load(); // it grew meanwhile
  }

  async #read() {
    const url = path("metrics-stream", { run: this.runId, from: this.offset || undefined });
    const response = await ask(url, { signal: this.stop.signal });
    for await (const line of linesOf(response)) {
      if (!line) continue;
      const message = JSON.parse(line);
      if (message.type === "reset") this.#begin();
      else if (message.type === "chunk") this.#take(message);
      this.rejected = message.rejected ?? this.rejected;
      this.dropped = message.dropped ?? this.dropped;
      if (message.offset !== undefined) this.offset = message.offset;
      if (message.type === "done") return;
      this.#tell();
    }
    throw new Error("the answer was cut short");
  }

  #begin() {
    this.series = new Map();
    this.jobs = new Map();
    this.resources = new Map();
    this.environment = null;
    this.failure = null;
    this.rejected = [];
    this.dropped = {};
    this.events = {};
    this.offset = 0;
    this.isComplete = false;
    this.isLoading = this.isLoading || false;
    this.error = null;
  }

  #take(chunk) {
    for (const points of chunk.series || []) {
      seriesAt(this.series, points.job, points.name).append(points);
    }
    for (const points of chunk.resources || []) {
      const where = JSON.stringify([points.host ?? "", points.gpu ?? null]);
      const series = seriesAt(this.resources, where, points.name);
      series.host = points.host ?? "";
      series.gpu = points.gpu ?? null;
      series.append({ ...points, epoch: points.time });
    }
    for (const job of chunk.jobs || []) this.jobs.set(job.job_id, joined(this.jobs.get(job.job_id), job));
    for (const [type, n] of Object.entries(chunk.events || {})) this.events[type] = (this.events[type] || 0) + n;
    this.environment ??= chunk.environment; // the first one of a batch wins
    if ("failure" in chunk) this.failure = chunk.failure; // the last one: an attempt begins without
    if (chunk.size !== undefined) this.size = Math.max(this.size, chunk.size);
  }

  #tell() {
    for (const listener of [...listeners]) listener(this.runId);
  }
}

/** A job as far as it was known, and what one more chunk saw of it. */
function joined(known, seen) {
  if (!known || "model" in seen) return { ...known, ...seen }; // it began (again)
  const epochs = Math.max(known.epochs ?? 0, seen.epochs ?? 0);
  const state = "ended_at" in seen ? seen.state : known.state; // a late epoch brings no job back
  return { ...known, ...seen, epochs, state, started_at: known.started_at ?? seen.started_at };
}

function seriesAt(map, job, name) {
  const key = JSON.stringify([job, name]);
  let series = map.get(key);
  if (!series) map.set(key, (series = new Series(job, name)));
  return series;
}
