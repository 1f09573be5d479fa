// Dialogs: the browser's own element, which keeps the focus inside and gives it back afterwards.

import { h } from "./dom.js";

/** Show `content` under `title` until it is closed. Resolves to the value of the button pressed. */
export function open(title, content, buttons = [["", "Close", "quiet"]], options = {}) {
  const label = h("h2", { id: `dialog-title-${++opened}` }, title);
  const form = h(
    "form",
    { method: "dialog" },
    label,
    h("div", { class: "dialog-body" }, content),
    h("div", { class: "dialog-buttons" }, ...buttons.map(button)),
  );
  // Enter in a field presses the first button that submits: "Cancel" must be none.
  function button([value, text, kind]) {
    return h("button", { value, type: value ? "submit" : "button", class: kind || "quiet", onclick: () => value || dialog.close("") }, text);
  }
  const dialog = h("dialog", { "aria-labelledby": label.id, class: options.kind || "" }, form);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close(""));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
let opened = 0;

/** Whether the person presses `yes`. The other button has the focus. */
export async function confirmed(title, content, yes) {
  return (await open(title, content, [["", "Cancel", "quiet"], ["yes", yes, "danger"]])) === "yes";
}

/** Tell of an error. */
export function complain(title, error) {
  return open(title, h("p", {}, error.message || String(error)));
}

/** Whether some dialog is open: then keys are its own. */
export function isOpen() {
  return document.querySelector("dialog[open]") !== null;
}
