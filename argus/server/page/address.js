// What is looked at, kept in the address of the page: a link shows another person the same.

const DEFAULTS = {
  view: "runs",
  q: "", // the search of the table
  sort: "-started",
  group: "",
  cols: "", // the columns of the table, comma-separated; empty: chosen by the page
  run: [], // what is selected
  at: "", // the one of them that logs, media and details show
  x: "epoch",
  smooth: "0",
  log: [], // the charts with a logarithmic scale
  hide: [], // the lines that are switched off
  zoom: "", // from:to on the x axis
  chart: "", // which charts, by a part of their name
  large: "", // the one chart that fills the page
  stream: "",
  find: "",
  level: "",
  step: "",
  media: "", // what is shown large
  sx: "", // the axes of the scatter plot
  sy: "",
  same: "", // "1": the comparison shows also what does not differ
};
const listeners = new Set();

/** The state as it is now. Only `change` writes it. */
export const state = read(location.search);

/** Take over `patch`. A step that the back button takes back where `push` is true. */
export function change(patch, push = false) {
  Object.assign(state, patch);
  const url = address(state);
  if (url !== location.pathname + location.search) {
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  }
  for (const listener of [...listeners]) listener(Object.keys(patch));
}

/** Call `listener` with the names of what changed. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The state that a query string means; what it does not name is as on the first visit. */
export function read(search) {
  const given = new URLSearchParams(search);
  const found = {};
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (Array.isArray(usual)) found[name] = given.getAll(name);
    else found[name] = given.get(name) ?? usual;
  }
  return found;
}

/** The path and query that mean `wanted`. */
export function address(wanted) {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = wanted[name];
    if (Array.isArray(usual)) for (const item of value) query.append(name, item);
    else if (value !== usual) query.set(name, value);
  }
  const text = query.toString();
  return location.pathname + (text ? `?${text}` : "");
}

addEventListener("popstate", () => {
  Object.assign(state, read(location.search));
  for (const listener of [...listeners]) listener(Object.keys(state));
});
