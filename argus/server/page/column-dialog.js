// Which columns the table shows: a dialog with a box for each.

import { change } from "./address.js";
import { labelOf } from "./cells.js";
import { h } from "./dom.js";
import { open } from "./dialog.js";
import { choices } from "./shape.js";

/** Let a person choose; `current` are the columns as they are. */
export async function chooseColumns(rows, current) {
  const boxes = new Map();
  const wanted = new Set(current);
  const filter = h("input", { type: "search", placeholder: "Find a column", "aria-label": "Find a column" });
  const parts = choices(rows).map(([title, keys]) => {
    const labels = keys.map((key) => {
      const box = h("input", { type: "checkbox", checked: wanted.has(key) });
      const label = h("label", { class: "check" }, box, labelOf(key));
      boxes.set(key, { box, label });
      return label;
    });
    return h("fieldset", {}, h("legend", {}, title), labels);
  });
  filter.addEventListener("input", () => {
    const word = filter.value.toLowerCase();
    for (const [key, { label }] of boxes) label.hidden = !key.toLowerCase().includes(word);
    for (const part of parts) part.hidden = ![...part.querySelectorAll("label")].some((label) => !label.hidden);
  });
  const buttons = [["usual", "As usual", "quiet"], ["", "Cancel", "quiet"], ["keep", "Show these", "primary"]];
  const answer = await open("Columns", h("div", { class: "columns" }, filter, parts), buttons, { kind: "wide" });
  if (answer === "usual") change({ cols: "" }, true);
  if (answer !== "keep") return;
  const chosen = [...boxes].filter(([, { box }]) => box.checked).map(([key]) => key);
  // Those that were there stay in their order; new ones come behind.
  const kept = current.filter((key) => chosen.includes(key));
  change({ cols: [...kept, ...chosen.filter((key) => !kept.includes(key))].join(",") }, true);
}
