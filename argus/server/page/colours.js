// The colour of a line. Once given, it stays for as long as the page is open, whatever else is
// selected; the first choice follows from the line's own name, so that it is the same tomorrow.

const LIGHT = ["#2563eb", "#c2410c", "#0f7f58", "#a21caf", "#8a6400", "#0e7490", "#be123c", "#5b3fd0", "#4d7c0f", "#7c4a21", "#475569", "#9d174d"];
const DARK = ["#7aa7ff", "#ff9d5c", "#46d39a", "#ee8ae0", "#e3c24a", "#4ecbe3", "#ff8b9f", "#b5a0ff", "#a3d64d", "#d8aa7e", "#a9b6c8", "#f7a8d0"];
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];
const given = new Map(); // key → slot
const taken = new Map(); // slot → how many keys

/** The slot of a line: palette and dash. */
export function slotOf(key) {
  let slot = given.get(key);
  if (slot === undefined) {
    const n = LIGHT.length;
    const wish = hash(key) % n;
    const rounds = Math.min(DASHES.length - 1, Math.floor(given.size / n));
    slot = wish + rounds * n;
    for (let step = 0; step < n; step += 1) {
      const candidate = ((wish + step) % n) + rounds * n;
      if (taken.has(candidate)) continue;
      slot = candidate;
      break;
    }
    given.set(key, slot);
    taken.set(slot, (taken.get(slot) || 0) + 1);
  }
  return slot;
}

/** Colour and dash of a line in the theme that is shown. */
export function styleOf(key) {
  const slot = slotOf(key);
  return { colour: (isDark() ? DARK : LIGHT)[slot % LIGHT.length], dash: DASHES[Math.floor(slot / LIGHT.length)] };
}

/** Whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The colours of text, grid and ground, as the style sheet has them. */
export function inks() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { text: of("--text"), muted: of("--muted"), grid: of("--line"), ground: of("--panel"), bad: of("--bad"), font: style.fontFamily };
}

function hash(text) {
  let sum = 2_166_136_261;
  for (let i = 0; i < text.length; i += 1) sum = Math.imul(sum ^ text.charCodeAt(i), 16_777_619);
  return sum >>> 0;
}
