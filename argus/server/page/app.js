// The page: takes the token, shows the view that the address names, and stays connected.

import { change, onChange, state } from "./address.js";
import { keepToken, takeToken, whenRefused } from "./api.js";
import { chartsView } from "./charts-view.js";
import { compareView } from "./compare-view.js";
import { detailsView } from "./details-view.js";
import { isOpen, open } from "./dialog.js";
import { fill, h, say } from "./dom.js";
import { VIEWS, buildFrame } from "./frame.js";
import { showHelp } from "./help.js";
import { logsView } from "./logs-view.js";
import { mediaView } from "./media-view.js";
import { resourcesView } from "./resources-view.js";
import { onRuns, runs, stayConnected } from "./runs.js";
import { runsView } from "./runs-view.js";
import { nameOf } from "./fields.js";
import { onTheme, toggleTheme } from "./theme.js";

const MAKE = { runs: runsView, charts: chartsView, compare: compareView, resources: resourcesView, logs: logsView, media: mediaView, details: detailsView };
const AGES_S = 5; // how often what says an age is written anew

const main = document.getElementById("main");
let view = null;
let shownView = "";

function show() {
  if (!Object.hasOwn(MAKE, state.view)) state.view = "runs";
  if (shownView !== state.view) {
    view?.close();
    shownView = state.view;
    main.className = `view-${shownView}`;
    const host = h("div", { class: "host" });
    fill(main, host);
    view = MAKE[shownView](host);
    const title = VIEWS.find(([name]) => name === shownView)[1];
    document.title = `${title} · Argus`;
  }
  drawFrame();
  view.update();
}

/** A screen reader is told when a selected run, or any that fails, changes its state. */
const states = new Map();
function speak() {
  for (const row of runs.values()) {
    const before = states.get(row.run_id);
    states.set(row.run_id, row.state);
    const isWatched = state.run.includes(row.run_id) || ["failed", "crashed"].includes(row.state);
    if (before && before !== row.state && isWatched) say(document.getElementById("spoken"), `${nameOf(row)} is ${row.state}`);
  }
}

async function askForToken() {
  const input = h("input", { type: "password", autocomplete: "off", "aria-label": "Token", required: true });
  const content = h("div", { class: "fields" }, h("p", {}, "This monitor answers only with its token: the one that ", h("code", {}, "argus serve"), " was started with."), h("label", {}, "Token", input));
  const answer = await open("Token", content, [["", "Cancel", "quiet"], ["use", "Use it", "primary"]]);
  isDeclined = answer !== "use" || !input.value.trim();
  if (isDeclined) return false;
  keepToken(input.value.trim());
  return true;
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isOpen()) return;
  if (event.target.matches?.("input:not([type=checkbox]):not([type=range]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const number = Number(event.key);
  if (event.key === "/") {
    if (state.view !== "runs" && !document.querySelector(".toolbar input[type=search]")) change({ view: "runs" }, true);
    document.querySelector(".toolbar input[type=search]")?.focus();
  } else if (event.key === "?") showHelp();
  else if (event.key === "t") toggleTheme();
  else if (number >= 1 && number <= VIEWS.length) change({ view: VIEWS[number - 1][0] }, true);
  else return;
  event.preventDefault();
}

let asking = null;
let isDeclined = false; // whoever has no token is not asked again with every retry, only by hand
document.getElementById("banner").addEventListener("click", () => (isDeclined = false), true);
whenRefused(() => !isDeclined && (asking ??= askForToken().finally(() => (asking = null))));
takeToken();
const drawFrame = buildFrame();
onChange(show);
onRuns(() => {
  view.update();
  speak();
});
onTheme(() => view.update());
setInterval(() => document.visibilityState === "visible" && view.update(), AGES_S * 1000);
addEventListener("keydown", key);
show();
stayConnected();
