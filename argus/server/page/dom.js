// Elements from plain data. What comes from a run is only ever set as text, never as markup.

const PROPERTIES = new Set(["value", "checked", "disabled", "indeterminate", "selected", "open"]);

/** `h("button", {class: "quiet", onclick: f}, "text", node, null)`: an element. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else set(element, name, value);
  }
  element.append(...present(children));
  return element;
}

/** Set an attribute, or take it away where the value is null, undefined or false. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Replace all children. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

/** Set text only where it changes: a live region then speaks once. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A `select` whose choices are [value, label] pairs. */
export function chooser(label, choices, value, onchange) {
  const select = h("select", { "aria-label": label, onchange: () => onchange(select.value) });
  offer(select, choices, value);
  return select;
}

/** Give a `select` other choices, without touching one that is the same. */
export function offer(select, choices, value) {
  const wanted = JSON.stringify(choices);
  if (select.dataset.choices !== wanted) {
    select.dataset.choices = wanted;
    fill(select, ...choices.map(([key, label]) => h("option", { value: key }, label)));
  }
  if (select.value !== value) select.value = value;
}

/** `f`, called at most once a frame however often it is asked for. */
export function eachFrame(f) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      f();
    });
  };
}

/** `f`, called once nobody has asked for it again for `delay_ms`. */
export function settled(f, delay_ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), delay_ms);
  };
}

/** `f`, called `ms` after it was first asked for, and then anew. */
export function throttled(f, ms) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      f();
    }, ms);
  };
}

/** Let the browser save `blob` under `filename`. */
export function download(blob, filename) {
  const link = h("a", { href: URL.createObjectURL(blob), download: filename.replace(/[\\/:*?"<>|\s]+/g, "_") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function present(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false);
}
