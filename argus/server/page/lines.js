// From the data of runs to the lines of charts: which there are, what they are called, and in which
// colour they are drawn.

import { slotOf, styleOf } from "./colours.js";
import { nameOf } from "./fields.js";
import { number, seconds } from "./format.js";
import { dataOf } from "./run-data.js";

/** The jobs of these runs: `{key, runId, job, label, isLoaded}` each, in the order of the runs. */
export function sourcesOf(rows) {
  for (const row of rows) slotOf(row.run_id); // in the order of the rows, whichever is read first
  return rows.flatMap((row) => {
    const data = dataOf(row.run_id);
    const jobs = [...new Set([...data.series.values()].map((series) => series.job))];
    return jobs.map((job, at) => ({
      // The first job has the run's own colour, so that it keeps it when a second one begins.
      key: at === 0 ? row.run_id : `${row.run_id}\n${job}`,
      row,
      data,
      job,
      label: jobs.length > 1 ? `${nameOf(row)} · ${job}` : nameOf(row),
      began: seconds(data.jobs.get(job)?.started_at ?? row.started_at),
    }));
  });
}

/** The charts for these sources: metric → lines, without those that are hidden. */
export function chartsOf(sources, hidden) {
  const charts = new Map();
  for (const source of sources) {
    const { colour, dash } = styleOf(source.key);
    for (const series of source.data.series.values()) {
      if (series.job !== source.job || !series.length) continue;
      if (!charts.has(series.name)) charts.set(series.name, []);
      if (hidden.has(source.key)) continue;
      const began = Number.isNaN(source.began) ? series.time.values[0] : source.began;
      charts.get(series.name).push({ key: source.key, runId: source.row.run_id, label: source.label, series, colour, dash, began });
    }
  }
  return charts;
}

/** Losses first, then what is usually looked at, then by name. */
export function sortedNames(names) {
  const rank = (name) => ["train_loss", "val_loss", "loss", "lr"].indexOf(name);
  const place = (name) => (rank(name) < 0 ? 9 : rank(name));
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** What a line holds, in numbers: for the table under a chart, and for who cannot see it. */
export function summaryOf({ series }) {
  const { pyramid, value, length } = series;
  const level = pyramid.levels[pyramid.levels.length - 1];
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < level.length; i += 1) {
    low = Math.min(low, level.low[i]);
    high = Math.max(high, level.high[i]);
  }
  let broken = 0;
  for (let i = 0; i < length; i += 1) if (value.values[i] - value.values[i] !== 0) broken += 1;
  return { points: length, first: value.values[0], last: value.values[length - 1], low, high, broken };
}

/** A chart in one sentence. */
export function sentence(name, lines) {
  if (!lines.length) return `${name}: no line is shown`;
  const told = lines.slice(0, 8).map((line) => {
    const { value, length } = line.series;
    return `${line.label} ${length} points, now ${number(value.values[length - 1])}`;
  });
  return `${name}. ${told.join("; ")}${lines.length > 8 ? `; and ${lines.length - 8} more` : ""}`;
}
