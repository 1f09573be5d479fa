// Pictures and files of a run, by job and step, and one of them large.

import { change, state } from "./address.js";
import { ask, json, path } from "./api.js";
import { chooser, fill, h, offer, say, set, settled } from "./dom.js";
import { bytes, count } from "./format.js";
import { runs } from "./runs.js";
import { runPicker } from "./run-picker.js";
import { focused } from "./selection.js";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);
const MOST_SHOWN = 200;
const urls = new Map(); // what was fetched, as addresses within the page

/** The view in `host`: `{update, close}`. */
export function mediaView(host) {
  const picker = runPicker();
  const find = h("input", { type: "search", placeholder: "Find media", "aria-label": "Find media", value: state.find });
  find.addEventListener("input", settled(() => change({ find: find.value }), 120));
  const step = chooser("Step", [], "", (value) => change({ step: value }));
  const note = h("span", { class: "muted", role: "status" });
  const board = h("div", { class: "media-board" });
  const nothing = h("p", { class: "empty", hidden: true });
  fill(host, h("div", { class: "toolbar" }, picker.element, find, step, h("span", { class: "gap" }), note), board, nothing);
  let runId = null;
  let bytes_then = -1;
  let media = [];
  let drawn = "";
  let error = "";
  let large = null;

  function update() {
    const row = focused();
    picker.update(row);
    if ((row?.run_id ?? null) !== runId) [runId, media, bytes_then, drawn, error] = [row?.run_id ?? null, [], -1, "", ""];
    if (row && row.events_bytes !== bytes_then) load(row);
    draw();
  }

  async function load(row) {
    bytes_then = row.events_bytes;
    try {
      const answer = await json("media", { run: row.run_id });
      if (row.run_id === runId) [media, error] = [answer.media, ""];
    } catch (problem) {
      error = problem.message;
    }
    draw();
  }

  function draw() {
    const steps = [...new Set(media.map((item) => item.step).filter(isStep))].sort((a, b) => a - b);
    offer(step, [["", "All steps"], ...steps.map((value) => [String(value), `Step ${value}`])], state.step);
    step.hidden = steps.length === 0;
    if (document.activeElement !== find) find.value = state.find;
    const word = state.find.toLowerCase();
    const items = media.filter((item) => (!state.step || String(item.step) === state.step) && [item.name, item.label, item.job_id].join("\n").toLowerCase().includes(word));
    items.sort((a, b) => (b.step ?? -1) - (a.step ?? -1) || (b.modified ?? 0) - (a.modified ?? 0));
    say(note, media.length ? `${items.length < media.length ? `${items.length} of ` : ""}${count(media.length, "file")}` : "");
    const is = JSON.stringify([runId, items.slice(0, MOST_SHOWN)]);
    if (is !== drawn) {
      drawn = is;
      fill(board, ...byStep(items.slice(0, MOST_SHOWN)));
    }
    nothing.hidden = items.length > 0;
    say(nothing, error || (!runs.size || runId === null ? "No run to show." : media.length ? "No file matches." : "This run has no media. j.upload(…) brings figures here."));
    enlarge(items);
  }

  function byStep(items) {
    const hasSteps = items.some((item) => isStep(item.step));
    return items.flatMap((item, at) => {
      const isNew = hasSteps && (at === 0 || items[at - 1].step !== item.step);
      const title = isNew && h("h3", { class: "media-step" }, isStep(item.step) ? `Step ${item.step}` : "Without a step");
      return [title, tile(runId, item)];
    });
  }

  /** The large view follows the address: the back button closes it. */
  function enlarge(items) {
    const item = state.media ? items.find((one) => one.path === state.media) : null;
    if (!item) {
      large?.remove();
      large = null;
      return;
    }
    if (large?.dataset.path === item.path) return;
    large?.remove();
    large = largeView(runId, item, items);
    document.body.append(large);
    large.showModal();
  }

  return {
    update,
    close: () => {
      runId = null;
      large?.remove();
    },
  };
}

function tile(runId, item) {
  const title = h("span", { class: "media-name" }, item.label || item.name);
  const small = [item.job_id, bytes(item.size)].filter(Boolean).join(" · ");
  const picture = PICTURES.has(item.mime) ? image(runId, item) : h("span", { class: "media-kind" }, (item.name.split(".").pop() || "file").slice(0, 5));
  const button = h("button", { class: "media-tile card", title: item.name, onclick: () => change({ media: item.path }, true) }, h("span", { class: "media-frame" }, picture), title, h("small", { class: "muted" }, small));
  return button;
}

function isStep(step) {
  return step !== null && step !== undefined;
}

function image(runId, item) {
  const element = h("img", { alt: item.label || item.name, loading: "lazy", decoding: "async" });
  urlOf(runId, item).then((url) => (element.src = url)).catch(() => set(element, "alt", `${item.name} could not be read`));
  return element;
}

/** An address of the file within this page: with a token, only the page itself can fetch it. */
function urlOf(runId, item) {
  const key = JSON.stringify([runId, item.path, item.modified, item.size]);
  if (!urls.has(key)) {
    const fetched = ask(path("media-file", { run: runId, path: item.path })).then(async (response) => URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: item.mime })));
    urls.set(key, fetched);
    fetched.catch(() => urls.delete(key));
    if (urls.size > 500) {
      const [[oldest, old]] = urls;
      urls.delete(oldest);
      old.then((url) => URL.revokeObjectURL(url));
    }
  }
  return urls.get(key);
}

function largeView(runId, item, items) {
  const at = items.indexOf(item);
  const go = (by) => items[at + by] && change({ media: items[at + by].path });
  const close = () => change({ media: "" });
  const save = h("a", { class: "button quiet", download: item.name }, "Save");
  urlOf(runId, item).then((url) => (save.href = url));
  const what = PICTURES.has(item.mime) ? image(runId, item) : h("p", {}, "Save the file to look at it.");
  const bar = h("div", { class: "dialog-buttons" }, h("button", { class: "quiet", onclick: () => go(-1), disabled: at === 0 }, "← Previous"), h("button", { class: "quiet", onclick: () => go(1), disabled: at === items.length - 1 }, "Next →"), save, h("button", { class: "primary", onclick: close }, "Close"));
  const told = [item.job_id, isStep(item.step) && `step ${item.step}`, bytes(item.size)].filter(Boolean).join(" · ");
  const dialog = h("dialog", { class: "large-media", "aria-label": item.name }, h("header", {}, h("h2", {}, item.label || item.name), h("span", { class: "muted" }, told)), h("div", { class: "large-frame" }, what), bar);
  dialog.dataset.path = item.path;
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  return dialog;
}
