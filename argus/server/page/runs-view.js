// The table of runs: what is searched for, in which order, under which headings, and what is done
// to a row.

import { change, state } from "./address.js";
import { askToEdit, askToStop, canStop, stopButton } from "./actions.js";
import { content, isNumeric, labelOf, nameCell, originOf, swatch, titleOf, widthOf, words } from "./cells.js";
import { chooseColumns } from "./column-dialog.js";
import { chooser, fill, h, offer, say, set, settled } from "./dom.js";
import { welcome } from "./empty.js";
import { nameOf, valueOf } from "./fields.js";
import { count } from "./format.js";
import { Grid } from "./grid.js";
import { lines, states } from "./order.js";
import { parse, unknownKeys } from "./query.js";
import { connection, runs, stopping } from "./runs.js";
import { found, openRun, select } from "./selection.js";
import { usualColumns, usualValues } from "./shape.js";

const ROW = 34;
const ALL_STATES = ["running", "done", "failed", "preempted", "stalled", "crashed"];
const GROUPS = ["", "project", "state", "type", "host", "user", "tags", "model", "dataset"];

/** The view in `host`: `{update, close}`. */
export function runsView(host) {
  const shut = new Set();
  let rows = [];
  let anchor = null;
  let look = { keys: [], usual: new Map(), numeric: new Set() };

  const search = h("input", { type: "search", id: "search", value: state.q, placeholder: "Search: state:running lr>0.01 …", "aria-label": "Search runs", "aria-describedby": "found", autocomplete: "off", spellcheck: "false" });
  search.addEventListener("input", settled(() => change({ q: search.value }), 120));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") grid.focus();
    else if (event.key === "Escape" && !search.value) grid.focus();
    else return;
    event.preventDefault();
  });
  const found_text = h("span", { id: "found", class: "muted", role: "status" });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "States" });
  const group = chooser("Group by", [], state.group, (value) => change({ group: value }));
  const selection = h("div", { class: "selection" });
  const columns = h("button", { class: "quiet", onclick: () => chooseColumns([...runs.values()], look.keys) }, "Columns");
  const bar = h("div", { class: "toolbar" }, search, chips, h("span", { class: "gap" }), found_text, group, columns);
  const grid = new Grid({ label: "Runs", rowHeight: ROW, draw, same, onKey });
  const nothing = h("div", { class: "empty", hidden: true });
  fill(host, bar, selection, grid.element, nothing);

  function update() {
    const now = Date.now() / 1000;
    rows = found(now);
    const keys = state.cols ? state.cols.split(",") : usualColumns(rows);
    const compared = state.run.length > 1 ? rows.filter((row) => state.run.includes(row.run_id)) : rows;
    look = { keys, usual: usualValues(compared.slice(0, 500), keys), numeric: new Set(keys.filter((key) => isNumeric(key, rows.slice(0, 100)))) };
    if (document.activeElement !== search) search.value = state.q;
    offer(group, GROUPS.map((key) => [key, key ? `Group: ${labelOf(key)}` : "No groups"]), state.group);
    drawChips();
    drawSelection();
    tellFound();
    const shownLines = lines(rows, state.group, shut, now);
    grid.show(shownLines, headings(), [innerWidth > 760 ? 240 : 168, ...keys.map(widthOf), 136]);
    drawNothing();
  }

  function tellFound() {
    const unknown = rows.length ? [] : unknownKeys(parse(state.q), [...runs.values()]);
    const hint = unknown.length ? ` – no run has “${unknown.join("”, “")}”` : "";
    say(found_text, `${rows.length === runs.size ? "" : `${rows.length} of `}${count(runs.size, "run")}${hint}`);
  }

  function drawNothing() {
    const isEmpty = rows.length === 0;
    grid.element.hidden = isEmpty;
    nothing.hidden = !isEmpty;
    const kind = !isEmpty ? "" : runs.size ? "none" : connection.isLoaded && connection.scan?.complete !== false ? "new" : "wait";
    if (nothing.dataset.kind === kind) return;
    nothing.dataset.kind = kind;
    if (kind === "none") fill(nothing, h("p", {}, "No run matches."), h("button", { class: "quiet", onclick: () => change({ q: "" }, true) }, "Show all runs"));
    else if (kind === "wait") fill(nothing, h("p", {}, connection.isLoaded ? "Looking for runs…" : "Asking the monitor…"));
    else if (kind === "new") fill(nothing, welcome());
  }

  function drawChips() {
    const counts = states([...runs.values()].filter((row) => !row.archived));
    const shownStates = ALL_STATES.filter((name) => counts[name]);
    const is = JSON.stringify([counts, state.q]);
    if (chips.dataset.is === is) return;
    chips.dataset.is = is;
    fill(chips, ...shownStates.map((name) => {
      const term = `state:${name}`;
      const isOn = state.q.split(/\s+/).includes(term);
      const others = state.q.split(/\s+/).filter((word) => word && !word.startsWith("state:"));
      const press = () => change({ q: (isOn ? others : [...others, term]).join(" ") }, true);
      return h("button", { class: "chip", "aria-pressed": String(isOn), onclick: press }, h("span", { class: "state", "data-state": name }, name), ` ${counts[name]}`);
    }));
  }

  function drawSelection() {
    const n = state.run.length;
    const is = `${n}|${state.run.map((id) => runs.get(id)?.archived).join()}`;
    if (selection.dataset.is === is) return;
    selection.dataset.is = is;
    selection.hidden = n === 0;
    const go = (view) => () => change({ view, at: "" }, true);
    fill(selection, h("b", {}, `${n} selected`), h("button", { class: "primary", onclick: go("charts") }, "Charts"),
      h("button", { class: "quiet", onclick: go("compare") }, "Compare"), h("button", { class: "quiet", onclick: () => change({ run: [] }) }, "Clear"));
  }

  function headings() {
    const all = h("input", { type: "checkbox", "aria-label": "Select all that are found" });
    const n = rows.filter((row) => state.run.includes(row.run_id)).length;
    all.checked = n > 0 && n === rows.length;
    all.indeterminate = n > 0 && n < rows.length;
    all.addEventListener("change", () => select(rows.slice(0, 50).map((row) => row.run_id), all.checked));
    const first = h("div", { role: "columnheader", class: "first", "aria-sort": sortOf("name") }, all, sorter("name"));
    const others = look.keys.map((key) => h(
      "div",
      { role: "columnheader", "aria-sort": sortOf(key), class: [look.usual.has(key) && "differs", look.numeric.has(key) && "numeric"].filter(Boolean).join(" ") || null },
      sorter(key),
    ));
    return [first, ...others, h("div", { role: "columnheader", class: "last" }, h("span", { class: "unseen" }, "Actions"))];
  }

  function sortOf(key) {
    if (state.sort === key) return "ascending";
    return state.sort === `-${key}` ? "descending" : "none";
  }

  function sorter(key) {
    const next = state.sort === `-${key}` ? key : state.sort === key ? `-${key}` : key === "name" ? key : `-${key}`;
    const arrow = state.sort === key ? " ↑" : state.sort === `-${key}` ? " ↓" : "";
    const origin = originOf(key);
    const title = look.usual.has(key) ? `${labelOf(key)} (${origin}): differs between these runs` : origin && `${labelOf(key)} (${origin})`;
    return h("button", { class: "sort", title, onclick: () => change({ sort: next }, true) }, labelOf(key), origin && h("small", {}, origin), arrow);
  }

  function same(line) {
    if (!line.row) return JSON.stringify(line);
    const { row } = line;
    const now = Date.now() / 1000;
    const ages = look.keys.filter((key) => ["started", "updated", "ended", "duration", "age"].includes(key)).map((key) => words(row, key, now));
    const is = [serial(row), state.run.includes(row.run_id), stopping.has(row.run_id), look.keys, [...look.usual], ages, document.documentElement.dataset.theme];
    return is.join("|");
  }

  function draw(line) {
    return line.row ? drawRow(line.row) : drawGroup(line);
  }

  function drawGroup({ group: name, n, states: counts, shut: isShut }) {
    const flip = () => {
      if (!shut.delete(name)) shut.add(name);
      update();
    };
    const told = ALL_STATES.filter((key) => counts[key]).map((key) => h("span", { class: "state", "data-state": key }, `${counts[key]} ${key}`));
    const button = h("button", { class: "fold", "aria-expanded": String(!isShut), onclick: flip }, isShut ? "▸ " : "▾ ", name || "none");
    return h("div", { class: "group-row" }, h("div", { role: "gridcell", class: "group-cell" }, button, h("span", { class: "muted" }, count(n, "run")), told));
  }

  function drawRow(row) {
    const now = Date.now() / 1000;
    const isSelected = state.run.includes(row.run_id);
    const box = h("input", { type: "checkbox", tabindex: "-1", checked: isSelected, "aria-label": `Select ${nameOf(row)}` });
    box.addEventListener("click", (event) => pick(row, box.checked, event.shiftKey));
    const open = h("a", { class: "open", href: `?view=charts&run=${encodeURIComponent(row.run_id)}`, tabindex: "-1", onclick: (event) => follow(event, row) }, nameCell(row));
    const first = h("div", { role: "gridcell", class: "first" }, box, isSelected && row.n_jobs <= 1 ? swatch(row.run_id) : null, open);
    const cells = look.keys.map((key) => {
      const stands = look.usual.has(key) && JSON.stringify(valueOf(row, key, 0) ?? null) !== look.usual.get(key);
      return h("div", { role: "gridcell", title: titleOf(row, key, now), class: [look.numeric.has(key) && "numeric", stands && "differs"].filter(Boolean).join(" ") || null }, content(row, key, now));
    });
    const edit = h("button", { class: "small quiet", tabindex: "-1", "aria-label": `Edit ${nameOf(row)}`, onclick: () => askToEdit(row) }, "Edit");
    const element = h("div", { class: row.archived ? "archived" : null }, first, ...cells, h("div", { role: "gridcell", class: "last" }, stopButton(row), edit));
    set(element, "aria-selected", String(isSelected));
    element.dataset.run = row.run_id;
    return element;
  }

  function follow(event, row) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return; // a tab of its own
    event.preventDefault();
    openRun(row.run_id);
  }

  function pick(row, isSelected, isRange) {
    const ids = rows.map((other) => other.run_id);
    const [a, b] = [ids.indexOf(anchor), ids.indexOf(row.run_id)].sort((p, q) => p - q);
    anchor = row.run_id;
    select(isRange && a >= 0 ? ids.slice(a, b + 1) : [row.run_id], isSelected);
  }

  function onKey(key, line, event) {
    if (!line.row) return key === "Enter" && (event.target.querySelector("button").click(), true);
    const { row } = line;
    const deeds = {
      Enter: () => openRun(row.run_id),
      " ": () => pick(row, !state.run.includes(row.run_id), event.shiftKey),
      x: () => pick(row, !state.run.includes(row.run_id), false),
      e: () => askToEdit(row),
      s: () => canStop(row) && askToStop(row),
    };
    return Boolean(deeds[key]) && (deeds[key](), true);
  }

  return { update, close: () => {}, focusSearch: () => search.select() || search.focus() };
}

/** A number that is a row's own: a row that came anew is another object. */
function serial(row) {
  if (!serials.has(row)) serials.set(row, (last += 1));
  return serials.get(row);
}
const serials = new WeakMap();
let last = 0;
