// What a run printed: one stream at a time, the newest part, followed while it grows.

import { change, state } from "./address.js";
import { json } from "./api.js";
import { chooser, eachFrame, fill, h, offer, say, set, settled } from "./dom.js";
import { bytes, count } from "./format.js";
import { foundIn, levelOf, linesOf } from "./log-lines.js";
import { runPicker } from "./run-picker.js";
import { focused } from "./selection.js";

const ROW = 18;
const MOST_LINES = 200_000;
const ASK_EACH_MS = 1_500;
const ASK_ENDED_EACH = 10; // of a run that has ended, each so many times: its files may still be flushed

/** The view in `host`: `{update, close}`. */
export function logsView(host) {
  const picker = runPicker();
  const stream = chooser("Log", [], "", (id) => change({ stream: id }, true));
  const find = h("input", { type: "search", placeholder: "Find in this log", "aria-label": "Find in this log", value: state.find });
  find.addEventListener("input", settled(() => change({ find: find.value }), 120));
  const level = chooser("Level", [["", "All levels"], ["error", "Errors"], ["warning", "Warnings"]], state.level, (value) => change({ level: value }));
  const tail = h("button", { class: "quiet", "aria-pressed": "true", onclick: () => hold(!isFollowed) }, "Follow");
  const note = h("span", { class: "muted", role: "status" });
  const body = h("div", { class: "log-body" });
  const pane = h("div", { class: "log", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Log lines" }, body);
  const nothing = h("p", { class: "empty", hidden: true });
  fill(host, h("div", { class: "toolbar" }, picker.element, stream, find, level, tail, h("span", { class: "gap" }), note), pane, nothing);

  let runId = null; // what is shown
  let streamId = null;
  let streams = [];
  let whole = []; // the lines that are complete
  let lines = []; // and the one that is not yet
  let places = [];
  let end = 0;
  let torn = ""; // the beginning of a line that is not whole yet
  let isFollowed = true;
  let error = "";
  let ticket = 0; // an answer to an earlier question is not taken
  let asked = { find: null, level: null };
  const draw = eachFrame(drawSeen);
  pane.addEventListener("scroll", () => {
    const isAtEnd = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - ROW;
    if (isAtEnd !== isFollowed) hold(isAtEnd, false);
    draw();
  }, { passive: true });
  let ticks = 0;
  const timer = setInterval(() => {
    const isDue = focused()?.state === "running" || (ticks += 1) % ASK_ENDED_EACH === 0;
    if (isDue && document.visibilityState === "visible") poll();
  }, ASK_EACH_MS);

  function update() {
    const row = focused();
    picker.update(row);
    if ((row?.run_id ?? null) !== runId) {
      runId = row?.run_id ?? null;
      streams = [];
      begin(null);
      if (runId !== null) index();
    }
    // What it printed, where that was kept: log lines leave out what came too fast.
    const usual = streams.find(({ kind }) => kind === "console") || streams[0];
    const wanted = streams.find(({ stream_id: id }) => id === state.stream) || usual;
    if ((wanted?.stream_id ?? null) !== streamId) begin(wanted?.stream_id ?? null);
    if (document.activeElement !== find) find.value = state.find;
    if (asked.find !== state.find || asked.level !== state.level) search();
    level.value = state.level;
    offer(stream, streams.map((one) => [one.stream_id, titleOf(one)]), streamId ?? "");
    tell();
  }

  function begin(id) {
    ticket += 1;
    [streamId, whole, lines, places, end, torn, error] = [id, [], [], [], 0, "", ""];
    draw();
    if (id !== null) poll();
  }

  async function index() {
    const mine = ticket;
    const answer = await json("logs", { run: runId }).catch((problem) => ((error = problem.message), { streams: [] }));
    if (mine !== ticket && runId === null) return;
    streams = answer.streams;
    update();
  }

  let isAsking = false;
  async function poll() {
    if (streamId === null || isAsking) return;
    isAsking = true;
    const mine = ticket;
    try {
      const answer = await json("log-content", { run: runId, stream: streamId, from: end || undefined });
      if (mine === ticket) take(answer);
    } catch (problem) {
      if (mine === ticket) error = problem.message;
    } finally {
      isAsking = false;
    }
    if (mine !== ticket) poll();
    tell();
  }

  function take(answer) {
    error = "";
    if (answer.end < end || answer.start > end) [whole, torn] = [[], ""]; // cut short, or begun anew
    end = answer.end;
    if (!answer.text) return;
    const text = torn + answer.text;
    const cut = text.lastIndexOf("\n") + 1;
    torn = text.slice(cut);
    whole = whole.concat(linesOf(text.slice(0, cut))).slice(-MOST_LINES);
    lines = torn ? whole.concat(linesOf(torn)) : whole;
    search();
  }

  function search() {
    asked = { find: state.find, level: state.level };
    places = foundIn(lines, state.find, state.level);
    body.style.height = `${places.length * ROW}px`;
    if (isFollowed) pane.scrollTop = pane.scrollHeight;
    draw();
  }

  function hold(follow, move = true) {
    isFollowed = follow;
    set(tail, "aria-pressed", String(follow));
    if (follow && move) pane.scrollTop = pane.scrollHeight;
  }

  function drawSeen() {
    const from = Math.max(0, Math.floor(pane.scrollTop / ROW) - 10);
    const to = Math.min(places.length, Math.ceil((pane.scrollTop + pane.clientHeight) / ROW) + 10);
    const rows = [];
    for (let at = from; at < to; at += 1) rows.push(drawLine(at));
    fill(body, ...rows);
  }

  function drawLine(at) {
    const line = lines[places[at]];
    const element = h("div", { class: "log-line", "data-level": levelOf(line) }, h("span", { class: "log-number", "aria-hidden": "true" }, String(places[at] + 1)), ...marked(line, state.find));
    element.style.transform = `translateY(${at * ROW}px)`;
    return element;
  }

  function tell() {
    const isSearch = state.find || state.level;
    const told = isSearch ? `${places.length} of ${count(lines.length, "line")}` : count(lines.length, "line");
    say(note, error || (streamId === null ? "" : told));
    pane.hidden = runId === null || streamId === null;
    nothing.hidden = !pane.hidden;
    say(nothing, runId === null ? "No run to show." : error || "This run has no logs.");
  }

  return {
    update,
    close: () => {
      clearInterval(timer);
      ticket += 1;
      streamId = null;
    },
  };
}

function titleOf({ name, kind, rank, size }) {
  return `${rank === null || rank === undefined ? "" : `rank ${rank} · `}${name} · ${kind}${size ? ` · ${bytes(size)}` : ""}`;
}

/** A line with every place of `word` marked. */
function marked(line, word) {
  if (!word) return [line];
  const parts = [];
  const small = line.toLowerCase();
  let at = 0;
  for (let next = small.indexOf(word.toLowerCase()); next >= 0 && parts.length < 100; next = small.indexOf(word.toLowerCase(), at)) {
    parts.push(line.slice(at, next), h("mark", {}, line.slice(next, next + word.length)));
    at = next + word.length;
  }
  return [...parts, line.slice(at)];
}
