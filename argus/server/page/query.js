// The search language of the table: `project:x state:running tag:good lr>0.01 -host:old "free text"`.
// Pure: a query becomes a list of terms, and a term is asked about one row at a time.

import { asNumber, seconds } from "./format.js";
import { textOf, valueOf } from "./fields.js";

const TERM = /([-!])?(?:([A-Za-z_][\w./@-]*?)(:|>=|<=|!=|>|<|=))?("(?:[^"]*)"?|[^\s]+)/g;
const UNITS = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };
const TIMES = new Set(["started", "ended", "updated"]);

/** The terms of a query: each `{key, sign, value, isNot}`, `key` null for free text. */
export function parse(query) {
  return [...query.matchAll(TERM)]
    .map(([, not, key, sign, raw]) => ({
      key: key === undefined ? null : key,
      sign: sign || "",
      value: raw.replace(/^"|"$/g, ""),
      isNot: not !== undefined,
    }))
    .filter((term) => term.value !== "" || term.key !== null);
}

/** Whether a row is what all terms ask for. Archived runs are found only when asked for. */
export function matches(row, terms, now) {
  const asked = terms.some((term) => term.key === "archived" || (term.key === "is" && term.value === "archived"));
  if (row.archived && !asked) return false;
  return terms.every((term) => fits(row, term, now) !== term.isNot);
}

/** The keys that a query names and no row has: most likely mistyped. */
export function unknownKeys(terms, rows) {
  const keys = new Set(terms.map((term) => term.key).filter((key) => key !== null && key !== "is"));
  return [...keys].filter((key) => !rows.some((row) => valueOf(row, key, 0) !== undefined));
}

function fits(row, { key, sign, value }, now) {
  if (key === null) return textOf(row).includes(value.toLowerCase());
  if (key === "is") return row[value] === true || row[`is_${value}`] === true || row.state === value;
  const actual = valueOf(row, key, now);
  if (sign === ":") return value.split(",").some((word) => contains(actual, word.toLowerCase()));
  if (sign === "=" || sign === "!=") return equals(actual, value) === (sign === "=");
  const [left, right] = TIMES.has(key) ? [actual, seconds(value)] : [asNumber(actual), quantity(value)];
  if (left === undefined || left === null || Number.isNaN(left) || Number.isNaN(right)) return false;
  if (sign === ">") return left > right;
  if (sign === "<") return left < right;
  return sign === ">=" ? left >= right : left <= right;
}

function contains(actual, word) {
  if (actual === undefined || actual === null) return false;
  if (Array.isArray(actual)) return actual.some((item) => contains(item, word));
  const text = String(actual).toLowerCase();
  if (!word.includes("*")) return text.includes(word);
  const pattern = word.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`, "s").test(text);
}

function equals(actual, value) {
  if (Array.isArray(actual)) return actual.some((item) => equals(item, value));
  const n = asNumber(actual);
  if (n !== undefined) return Object.is(n, quantity(value)) || n === quantity(value);
  return actual !== undefined && actual !== null && String(actual).toLowerCase() === value.toLowerCase();
}

function quantity(value) {
  const unit = /^(-?[\d.]+(?:e[-+]?\d+)?)\s*(s|m|min|h|d|w)$/i.exec(value);
  return unit ? Number(unit[1]) * UNITS[unit[2].toLowerCase()] : Number(value);
}
