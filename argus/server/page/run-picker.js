// Which of the selected runs a view for one run shows.

import { change } from "./address.js";
import { chooser, fill, h, offer } from "./dom.js";
import { stateBadge } from "./cells.js";
import { nameOf } from "./fields.js";
import { shown } from "./selection.js";

/** `{element, update(row)}`. */
export function runPicker() {
  const select = chooser("Run", [], "", (at) => change({ at }, true));
  const badge = h("span", {});
  return {
    element: h("span", { class: "picker" }, select, badge),
    update(row) {
      offer(select, shown().map((other) => [other.run_id, nameOf(other)]), row?.run_id ?? "");
      if (badge.dataset.is === (row?.state ?? "")) return;
      badge.dataset.is = row?.state ?? "";
      fill(badge, row ? stateBadge(row.state) : null);
    },
  };
}
