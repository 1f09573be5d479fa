// Whether anybody looks at this page. A browser gives all its tabs six connections to one monitor
// together (HTTP/1.1), and a page that was left is kept for the back button with all it has open: a
// page that nobody looks at must hold none, or the seventh would wait for ever.

const LINGER_MS = 20_000; // a glance at another tab costs no new connection
let isGone = false;
let timer = 0;
let isHidden = document.visibilityState === "hidden";
let onSeen = () => {};
let onLeft = () => {};

/** Whether connections may be held now. */
export function isWatched() {
  return !isGone && !isHidden;
}

/** Resolves once somebody looks; at once, as a rule. */
export function watched() {
  return isWatched() ? Promise.resolve() : new Promise((resolve) => (onSeen = resolve));
}

/** Call `leave` when it is time to let go. */
export function whenLeft(leave) {
  onLeft = leave;
}

function look(gone, hidden) {
  const was = isWatched();
  [isGone, isHidden] = [gone, hidden];
  if (was && !isWatched()) onLeft();
  if (!was && isWatched()) onSeen();
}

addEventListener("pagehide", () => look(true, isHidden));
addEventListener("pageshow", () => look(false, document.visibilityState === "hidden"));
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.visibilityState === "visible") look(isGone, false);
  else timer = setTimeout(() => look(isGone, true), LINGER_MS);
});
