// Which runs are looked at. Selected are those in the address; where none is, the first few of the
// table, so that no view is empty without need.

import { change, state } from "./address.js";
import { sorted } from "./order.js";
import { matches, parse } from "./query.js";
import { runs } from "./runs.js";

const SHOWN_UNASKED = 5;
const MOST_SHOWN = 50;

/** The rows that the search finds, in the order of the table. */
export function found(now) {
  const terms = parse(state.q);
  return sorted([...runs.values()].filter((row) => matches(row, terms, now)), state.sort, now);
}

/** The rows that charts and comparison show. */
export function shown() {
  if (!state.run.length) return found(Date.now() / 1000).slice(0, SHOWN_UNASKED);
  return state.run.slice(0, MOST_SHOWN).map((runId) => runs.get(runId)).filter(Boolean);
}

/** Whether somebody chose what is shown. */
export function isChosen() {
  return state.run.length > 0;
}

/** The one run that logs, media and details show: undefined where there is none. */
export function focused() {
  return runs.get(state.at) && (!state.run.length || state.run.includes(state.at)) ? runs.get(state.at) : shown()[0];
}

/** Select or leave out runs. */
export function select(runIds, isSelected) {
  const ids = new Set(runIds);
  const others = state.run.filter((runId) => !ids.has(runId));
  change({ run: isSelected ? [...others, ...runIds] : others });
}

/** Look at one run alone. */
export function openRun(runId) {
  change({ view: "charts", run: [runId], at: "", zoom: "", hide: [] }, true);
}
