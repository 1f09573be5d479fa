// What stands around every view: the header, the tabs, the banner of a lost connection.

import { change, state } from "./address.js";
import { showHelp } from "./help.js";
import { fill, h, say, set } from "./dom.js";
import { count } from "./format.js";
import { connection, onRuns, retryNow, runs } from "./runs.js";
import { toggleTheme } from "./theme.js";

export const VIEWS = [
  ["runs", "Runs"],
  ["charts", "Charts"],
  ["compare", "Compare"],
  ["resources", "Resources"],
  ["logs", "Logs"],
  ["media", "Media"],
  ["details", "Details"],
];
const WORDS = { connecting: "connecting", live: "live", lost: "connection lost" };

/** Build the frame once; it keeps itself up to date. */
export function buildFrame() {
  const status = h("span", { class: "connection", role: "status" });
  const place = h("span", { class: "muted place-name" });
  const theme = h("button", { class: "quiet icon", "aria-label": "Light or dark", title: "Light or dark (t)", onclick: toggleTheme }, "◐");
  const help = h("button", { class: "quiet icon", "aria-label": "Keys and search (?)", title: "Keys and search (?)", onclick: showHelp }, "?");
  const home = h("a", { class: "home", href: location.pathname, onclick: goHome }, h("img", { src: "/page/icon.svg", alt: "", width: "20", height: "20" }), "Argus");
  fill(document.getElementById("header"), home, place, h("span", { class: "gap" }), status, theme, help);
  const tabs = VIEWS.map(([view, label], at) => {
    const link = h("a", { href: `?view=${view}`, "aria-keyshortcuts": String(at + 1), onclick: (event) => go(event, view) }, label);
    link.dataset.view = view;
    return link;
  });
  fill(document.getElementById("tabs"), ...tabs);
  const retry = h("button", { class: "small", onclick: retryNow }, "Retry now");
  const lost = h("span", {});
  const banner = document.getElementById("banner");
  fill(banner, lost, retry);
  const draw = () => {
    set(status, "data-state", connection.state);
    say(status, WORDS[connection.state]);
    const scan = connection.scan;
    say(place, scan ? `${scan.root}${scan.complete ? "" : ` – scanning, ${count(scan.runs ?? runs.size, "run")} so far`}` : "");
    set(place, "title", scan?.root);
    const left_s = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000));
    banner.hidden = connection.state !== "lost";
    if (connection.state === "lost") say(lost, `Connection to the monitor lost (${connection.error}). What you see may be old. ${left_s ? `Trying again in ${left_s} s.` : "Trying again…"}`);
    for (const tab of tabs) set(tab, "aria-current", tab.dataset.view === state.view ? "page" : null);
  };
  onRuns(draw);
  setInterval(() => connection.state === "lost" && draw(), 1000);
  return draw;
}

function go(event, view) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  change({ view }, true);
}

function goHome(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  change({ view: "runs", run: [], at: "", q: "", zoom: "", hide: [], large: "" }, true);
}
