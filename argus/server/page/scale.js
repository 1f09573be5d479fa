// Axes: from a range of values to pixels, and where the ticks stand. Pure.

/** A range with some air around it; a single value, or none, gets a range of its own. */
export function padded(low, high, isLog) {
  if (!(low <= high)) return isLog ? [0.1, 10] : [0, 1];
  if (isLog) return low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  const air = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.05;
  return [low - air, high + air];
}

/** A function from values to pixels: `from` lies at pixel `a`, `to` at pixel `b`. */
export function toPixels([from, to], a, b, isLog) {
  if (isLog) {
    const base = Math.log(from);
    const scale = (b - a) / (Math.log(to) - base);
    return (v) => a + (Math.log(v > 0 ? v : from) - base) * scale;
  }
  const scale = to === from ? 0 : (b - a) / (to - from);
  return (v) => a + (v - from) * scale;
}

/** Round values between `from` and `to`, about `n` of them. */
export function ticks([from, to], n, isLog) {
  if (isLog) return logTicks(from, to, n);
  const step = roundStep((to - from) / Math.max(1, n));
  if (!(step > 0) || !Number.isFinite(step)) return [];
  const found = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1) {
    found.push(Number((i * step).toPrecision(12)));
    if (found.length > 100) break;
  }
  return found;
}

/** Times of day, or dates, at round places of the calendar of this machine. */
export function timeTicks([from, to], n) {
  const span = (to - from) / Math.max(1, n);
  const step = TIME_STEPS.find((candidate) => candidate >= span) ?? Math.ceil(span / 86_400) * 86_400;
  const offset = new Date(from * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let t = Math.ceil((from - offset) / step) * step + offset; t <= to && found.length < 100; t += step) found.push(t);
  return found;
}
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** A span of seconds as a tick says it. */
export function spanLabel(seconds, step) {
  if (step >= 3600) return `${Number((seconds / 3600).toFixed(1))} h`;
  if (step >= 60) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number(seconds.toFixed(2))} s`;
}

/** A step of 1, 2 or 5 times a power of ten that is not smaller. */
export function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = [1, 2, 5, 10].find((d) => d * power >= rough * 0.999) ?? 10;
  return digit * power;
}

function logTicks(from, to, n) {
  const low = Math.floor(Math.log10(from));
  const high = Math.ceil(Math.log10(to));
  const every = Math.max(1, Math.ceil((high - low) / Math.max(1, n)));
  const digits = high - low <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = low; power <= high; power += every) {
    for (const digit of digits) {
      const tick = Number((digit * 10 ** power).toPrecision(6));
      if (tick >= from && tick <= to) found.push(tick);
    }
  }
  return found.length > 1 ? found : ticks([from, to], n, false);
}
