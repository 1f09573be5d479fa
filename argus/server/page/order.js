// In which order the table shows its rows, and under which headings. Pure.

import { sortKey, valueOf } from "./fields.js";

/** The rows in the order that `sort` asks for: a key, with `-` before it for the largest first. */
export function sorted(rows, sort, now) {
  const down = sort.startsWith("-");
  const key = down ? sort.slice(1) : sort;
  const keyed = rows.map((row) => [sortKey(valueOf(row, key, now)), row]);
  keyed.sort(([a, rowA], [b, rowB]) => {
    if (a === undefined || b === undefined) {
      if (a !== b) return a === undefined ? 1 : -1; // what has no value is last in both directions
    } else if (a !== b) {
      const later = typeof a === typeof b ? a > b : typeof a === "string";
      return later !== down ? 1 : -1;
    }
    return rowA.run_id < rowB.run_id ? 1 : -1; // the directory holds the date: the newest first
  });
  return keyed.map(([, row]) => row);
}

/** What the table shows line by line: rows, and a heading `{group, n, shut}` before each group. */
export function lines(rows, group, shut, now) {
  if (!group) return rows.map((row) => ({ row }));
  const groups = new Map();
  for (const row of rows) {
    const value = valueOf(row, group, now);
    const name = Array.isArray(value) ? value.join(", ") : String(value ?? "");
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  const found = [];
  for (const [name, members] of groups) {
    found.push({ group: name, n: members.length, states: states(members), shut: shut.has(name) });
    if (!shut.has(name)) found.push(...members.map((row) => ({ row })));
  }
  return found;
}

/** How many of the rows are in each state. */
export function states(rows) {
  const counts = {};
  for (const row of rows) counts[row.state] = (counts[row.state] || 0) + 1;
  return counts;
}
