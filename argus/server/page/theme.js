// Light or dark: as the system says, until somebody chooses.

import { isDark } from "./colours.js";

const NAME = "argus-theme";

/** The other theme from now on, in this browser. `redraw` is for what is no style sheet's business. */
export function toggleTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(NAME, theme);
  } catch {
    // a browser that keeps nothing forgets it with the page
  }
  dispatchEvent(new Event("argus-theme"));
}

/** Call `redraw` when the theme changes, by hand or with the system's. */
export function onTheme(redraw) {
  addEventListener("argus-theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
