// The keys, and the language of the search.

import { h } from "./dom.js";
import { isOpen, open } from "./dialog.js";

const KEYS = [
  ["/", "search"],
  ["1 … 7", "the views, from Runs to Details"],
  ["↑ ↓  Page  Home  End", "move in the table"],
  ["Space", "select a run; with Shift, all from the last one on"],
  ["Enter", "open a run"],
  ["e", "in the table: edit name, tags and notes"],
  ["s", "in the table: stop a run (asks first)"],
  ["← →", "on a chart: move the cursor; with Shift, faster"],
  ["+ − 0", "on a chart: zoom in, out, all"],
  ["t", "light or dark"],
  ["Esc", "leave a search, close a dialog"],
];
const SEARCH = [
  ["lstm", "anywhere in name, tags, host, command, notes, jobs"],
  ["project:paper", "a field contains a text; * stands for anything, a comma for “or”"],
  ["state:running,stalled", "running done failed preempted stalled crashed"],
  ["tag:good -tag:old", "has one tag, and not the other"],
  ["lr>0.01 val_loss<0.3", "config, final metrics and newest values are found by name"],
  ["config.lr=0.1", "and with their origin: config, metrics, last"],
  ["age<2d duration>1h", "s, m, h, d and w are units of time"],
  ["is:archived", "archived runs are left out otherwise"],
  ["-is:part", "without what forks and ranks have added on their own"],
  ['"two words"', "a text with a space"],
];

/** Show the help, unless some dialog is open. */
export function showHelp() {
  if (isOpen()) return;
  const table = (title, rows) => h("section", {}, h("h3", {}, title), h("dl", { class: "keys" }, rows.flatMap(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)])));
  const mouse = h("p", { class: "muted" }, "On a chart, drag to zoom all charts; double click shows all again. A triangle marks values that were NaN or infinite. The address holds what you see: copy it to share it.");
  open("Keys and search", h("div", { class: "help" }, table("Keys", KEYS), table("Search", SEARCH), mouse), [["", "Close", "primary"]], { kind: "wide" });
}
