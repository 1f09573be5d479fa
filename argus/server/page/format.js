// Numbers, times and sizes as people read them. Pure.

const STATES = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** What JSON holds for a number (non-finite ones are strings there); undefined for anything else. */
export function asNumber(value) {
  if (typeof value === "number") return value;
  return typeof value === "string" && Object.hasOwn(STATES, value) ? STATES[value] : undefined;
}

/** A number in at most five significant digits. */
export function number(value) {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : value === -Infinity ? "−∞" : "NaN";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value).replace("-", "−");
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) {
    const [digits, power] = value.toExponential(3).split("e");
    return `${String(Number(digits))}e${Number(power)}`.replace(/-/g, "−");
  }
  return String(Number(value.toPrecision(5))).replace("-", "−");
}

/** Any value of a config or a metric as short text. */
export function text(value) {
  if (value === null || value === undefined) return "–";
  const n = asNumber(value);
  if (n !== undefined) return number(n);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Seconds as a duration: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 9.95) return `${Number(s.toFixed(1))} s`;
  const whole = Math.round(s);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** How long ago, in one unit. */
export function age(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 5) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

/** A size in bytes. */
export function bytes(size) {
  if (!Number.isFinite(size)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let n = size;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at += 1;
  }
  return `${n < 10 && at > 0 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

/** Seconds since the epoch as local date and time. */
export function moment(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const d = new Date(seconds * 1000);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(seconds)}`;
}

/** Seconds since the epoch as local time of day. */
export function clock(seconds) {
  const d = new Date(seconds * 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** An ISO time, or seconds, as seconds since the epoch; NaN where there is none. */
export function seconds(time) {
  if (typeof time === "number") return time;
  return typeof time === "string" ? Date.parse(time) / 1000 : NaN;
}

/** `1 run`, `2 runs`. */
export function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function two(n) {
  return String(n).padStart(2, "0");
}
