// What a person does to a run: stop it, edit what is said of it. Each asks first where that matters.

import { h } from "./dom.js";
import { complain, confirmed, open } from "./dialog.js";
import { nameOf } from "./fields.js";
import { count } from "./format.js";
import { edit, stop, stopping } from "./runs.js";

/** Whether a run can be asked to stop now. */
export function canStop(row) {
  return Boolean(row.stoppable) && row.state === "running" && !stopping.has(row.run_id);
}

/** Ask whether to stop, and do. */
export async function askToStop(row) {
  const at = row.n_running ? ` ${count(row.n_running, "job")} at work.` : "";
  const content = [
    h("p", {}, h("b", {}, nameOf(row)), at),
    h("p", {}, "The training is told to end at its next look at ", h("code", {}, "j.stopped"), ". This cannot be taken back."),
  ];
  if (!(await confirmed("Stop this run?", content, "Stop the run"))) return;
  await stop(row).catch((error) => complain("The run was not asked to stop", error));
}

/** The button that stops a run, or what stands in its place. */
export function stopButton(row) {
  if (row.state !== "running" || !row.stoppable) return null;
  if (stopping.has(row.run_id)) return h("span", { class: "muted", role: "status" }, "stopping…");
  const label = `Stop ${nameOf(row)}`;
  return h("button", { class: "small danger-quiet", "aria-label": label, title: label, onclick: () => askToStop(row) }, "Stop");
}

/** Edit name, tags, notes and archived. */
export async function askToEdit(row) {
  const name = h("input", { value: row.name || "", placeholder: row.batch_id || row.run_id, maxlength: "256" });
  const tags = h("input", { value: (row.tags || []).join(", "), placeholder: "good, baseline" });
  const notes = h("textarea", { rows: "6", value: row.notes || "" });
  const archived = h("input", { type: "checkbox", checked: Boolean(row.archived) });
  const content = h(
    "div",
    { class: "fields" },
    h("label", {}, "Name", name),
    h("label", {}, "Tags, separated by commas", tags),
    h("label", {}, "Notes", notes),
    h("label", { class: "check" }, archived, "Archived: found only with ", h("code", {}, "is:archived")),
  );
  if ((await open(`Edit ${nameOf(row)}`, content, [["", "Cancel", "quiet"], ["save", "Save", "primary"]])) !== "save") return;
  const patch = {
    name: name.value.trim() || null,
    tags: [...new Set(tags.value.split(",").map((tag) => tag.trim()).filter(Boolean))],
    notes: notes.value,
    archived: archived.checked,
  };
  await edit(row.run_id, patch).catch((error) => complain("The change was not kept", error));
}
