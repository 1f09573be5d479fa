// What an empty directory says: how the first run comes here.

import { fill, h } from "./dom.js";
import { hasToken, json } from "./api.js";
import { connection } from "./runs.js";

const SCRIPT = `from argus import Reporter

with Reporter("my-run", experiment_type="forecast", source_project="demo") as r:
    with r.job("j1", model="patchtst", dataset="etth1") as j:
        for epoch in range(50):
            j.epoch(epoch, train_loss=0.5, val_loss=0.6)
            if j.stopped:
                break
        j.metrics({"MSE": 0.21})
`;

/** The elements of the welcome. */
export function welcome() {
  const token = hasToken() ? " ARGUS_TOKEN=…" : "";
  const root = connection.scan?.root;
  const how = h("div", { class: "stack" }, h("p", {}, "and run it with the address of this monitor:"), copied(`ARGUS_URL=${location.origin}${token} python train.py`));
  json("batches").catch((problem) => {
    // `argus view` takes no reports: it sees what is kept on disk
    if (problem.status === 404 && root) fill(how, h("p", {}, "and run it so that it is kept here:"), copied(`ARGUS_MODE=backup ARGUS_RUNS_DIR=${quoted(root)} python train.py`));
  });
  return h(
    "div",
    { class: "welcome" },
    h("h2", {}, "No runs yet"),
    h("p", { class: "muted" }, `Watching ${root || "the runs directory"}. A run appears here the moment it begins.`),
    h("p", {}, "Report from your training:"),
    copied(SCRIPT),
    how,
    h("p", { class: "muted" }, "Nothing at hand to train? ", h("code", {}, `python -m argus demo`), " trains a small network in a few seconds."),
  );
}

/** A word of a shell. */
function quoted(word) {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function copied(text) {
  const button = h("button", { class: "small quiet", type: "button" }, "Copy");
  const pre = h("pre", {}, text);
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(pre); // a page that is not on this machine has no clipboard
    await navigator.clipboard?.writeText(text);
    button.textContent = navigator.clipboard ? "Copied" : "Selected";
  });
  return h("div", { class: "snippet" }, pre, button);
}
