// The list of runs, live: read once, then told by the monitor's event stream what changed.
// Connects again by itself, and says meanwhile that it is away.

import { RefusedError, ask, json, messagesOf, path, send } from "./api.js";
import { settled } from "./dom.js";
import { follow, forget } from "./run-data.js";
import { isWatched, watched, whenLeft } from "./presence.js";

const SILENT_S = 40; // the monitor gives a sign of life every 15 s
const LONGEST_WAIT_S = 15;
const TOLD_EACH_MS = 100;

export const runs = new Map(); // run_id → row
export const connection = {
  state: "connecting", // connecting, live, lost
  error: "",
  retryAt: 0, // ms since the epoch
  scan: null,
  isLoaded: false,
};
const listeners = new Set();
let lastId = null;
let wake = () => {};
let onLeft = () => {};
let pending = false;

/** Call `listener` after runs or the connection have changed. */
export function onRuns(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Stay connected for as long as somebody looks. */
export async function stayConnected() {
  addEventListener("online", () => wake());
  document.addEventListener("visibilitychange", () => wake());
  whenLeft(() => onLeft());
  for (let failures = 0; ; ) {
    await watched();
    try {
      await listen(() => (failures = 0));
      throw new Error("the monitor closed the connection");
    } catch (error) {
      if (!isWatched()) continue;
      failures += 1;
      await away(error, failures);
    }
  }
}

/** Try to connect now. */
export function retryNow() {
  wake();
}

/** Change a run's name, notes, tags or archived. */
export async function edit(runId, patch) {
  take(await send("PATCH", path("run-meta"), { run_id: runId, ...patch }));
}

/** Press the stop button of a run. */
export async function stop(row) {
  const url = `/api/batches/${encodeURIComponent(row.batch_id)}/stop`;
  const answer = await send("POST", url, { requested_by: "page" });
  stopping.add(row.run_id);
  tell();
  return answer;
}
export const stopping = new Set(); // runs that were asked to stop from this page

async function listen(onGood) {
  if (lastId === null) await reload();
  const abort = new AbortController();
  onLeft = () => abort.abort(new Error("nobody looks"));
  const watch = settled(() => abort.abort(new Error("the monitor is silent")), SILENT_S * 1000);
  watch();
  try {
    const url = path("stream", { last_event_id: lastId });
    const response = await ask(url, { signal: abort.signal, headers: { Accept: "text/event-stream" } });
    onGood();
    become("live");
    for await (const message of messagesOf(response)) {
      watch();
      if (message !== null) await hear(message);
    }
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    abort.abort();
  }
}

async function reload() {
  const answer = await json("runs");
  const there = new Set(answer.runs.map((row) => row.run_id));
  for (const runId of [...runs.keys()]) if (!there.has(runId)) gone(runId);
  answer.runs.forEach(take);
  connection.scan = answer.scan ?? connection.scan;
  connection.isLoaded = true;
  lastId = answer.last_event_id;
  tell();
}

async function hear({ id, event, data }) {
  if (event === "run") take(JSON.parse(data));
  else if (event === "gone") gone(JSON.parse(data).run_id);
  else if (event === "scan") connection.scan = JSON.parse(data);
  else if (event === "resync") await reload();
  if (id !== null && event !== "resync") lastId = id;
  tell();
}

function take(row) {
  runs.set(row.run_id, row);
  if (row.state !== "running") stopping.delete(row.run_id);
  follow(row.run_id, row.events_bytes);
  tell();
}

function gone(runId) {
  runs.delete(runId);
  forget(runId);
}

async function away(error, failures) {
  if (error instanceof RefusedError) lastId = null; // what this monitor does not know is asked for anew
  const wait_s = Math.min(LONGEST_WAIT_S, 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
  connection.error = error.message || String(error);
  connection.retryAt = Date.now() + wait_s * 1000;
  become("lost");
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, wait_s * 1000);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  wake = () => {};
}

function become(state) {
  connection.state = state;
  tell();
}

function tell() {
  if (pending) return;
  pending = true;
  setTimeout(() => {
    pending = false;
    for (const listener of [...listeners]) listener();
  }, TOLD_EACH_MS);
}
