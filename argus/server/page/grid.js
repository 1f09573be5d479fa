// A table of which only the rows on screen exist: a thousand scroll like ten. For the eye it is a
// table, for a screen reader a grid with its true number of rows; the arrow keys move in it.

import { eachFrame, fill, h, set } from "./dom.js";

const SPARE = 8; // rows above and below what is seen

/**
 * `draw(line, at)` makes the element of a line, and `same(line)` gives a string that changes with
 * what is drawn. `onKey(key, line, event)` is told of keys on a line, true where it was meant.
 */
export class Grid {
  constructor({ label, rowHeight, draw, same, onKey }) {
    Object.assign(this, { rowHeight, draw, same, onKey });
    this.lines = [];
    this.active = 0;
    this.made = new Map(); // index → {element, is}
    this.head = h("div", { role: "rowgroup", class: "grid-head" });
    this.body = h("div", { role: "rowgroup", class: "grid-body" });
    this.element = h(
      "div",
      { role: "grid", class: "grid", "aria-label": label, "aria-multiselectable": "true", tabindex: "-1" },
      this.head,
      this.body,
    );
    this.redraw = eachFrame(() => this.#drawSeen());
    this.element.addEventListener("scroll", this.redraw, { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("focusin", (event) => this.#focused(event));
    new ResizeObserver(this.redraw).observe(this.element);
  }

  /** Show these lines under these headings; `widths` are those of the columns in pixels. */
  show(lines, headings, widths) {
    this.lines = lines;
    // Each row is a grid of its own: only fixed widths stand below one another. The last takes the rest.
    const fixed = widths.slice(0, -1).map((width) => `${width}px`);
    this.element.style.setProperty("--tracks", `${fixed.join(" ")} minmax(${widths[widths.length - 1]}px, 1fr)`);
    this.element.style.setProperty("--width", `${widths.reduce((a, b) => a + b, 0)}px`);
    const row = h("div", { role: "row", class: "grid-row", "aria-rowindex": "1" }, ...headings);
    fill(this.head, row);
    set(this.element, "aria-rowcount", lines.length + 1);
    set(this.element, "aria-colcount", headings.length);
    this.body.style.height = `${lines.length * this.rowHeight}px`;
    this.active = Math.max(0, Math.min(this.active, lines.length - 1));
    this.#drawSeen();
  }

  /** Give the active row the focus. */
  focus() {
    this.#focusOn(this.active);
  }

  #drawSeen() {
    const top = this.element.scrollTop;
    const from = Math.max(0, Math.floor(top / this.rowHeight) - SPARE);
    const to = Math.min(this.lines.length, Math.ceil((top + this.element.clientHeight) / this.rowHeight) + SPARE);
    for (const [at, { element }] of this.made) {
      if ((at >= from && at < to) || element.contains(document.activeElement)) continue;
      element.remove();
      this.made.delete(at);
    }
    for (let at = from; at < to; at += 1) this.#drawRow(at);
    for (const [at, made] of this.made) if (at >= this.lines.length) this.#drop(at, made);
  }

  #drawRow(at) {
    const line = this.lines[at];
    const is = `${at === this.active}|${this.same(line)}`;
    const made = this.made.get(at);
    if (made && made.is === is) return;
    const element = this.draw(line, at);
    element.classList.add("grid-row");
    element.style.transform = `translateY(${at * this.rowHeight}px)`;
    set(element, "role", "row");
    set(element, "aria-rowindex", at + 2);
    set(element, "tabindex", at === this.active ? "0" : "-1");
    element.dataset.at = at;
    if (made) {
      const within = focusWithin(made.element);
      made.element.replaceWith(element);
      if (within) (within === true ? element : element.querySelectorAll("button,input,a")[within - 1] || element).focus({ preventScroll: true });
    } else this.#insert(element, at);
    this.made.set(at, { element, is });
  }

  /** Rows stand in the document in the order in which they are read. */
  #insert(element, at) {
    let next = null;
    for (const child of this.body.children) {
      if (Number(child.dataset.at) > at) {
        next = child;
        break;
      }
    }
    this.body.insertBefore(element, next);
  }

  #drop(at, { element }) {
    element.remove();
    this.made.delete(at);
  }

  #focused(event) {
    const row = event.target.closest?.(".grid-body > .grid-row");
    if (!row) return;
    const at = Number(row.dataset.at);
    if (at === this.active) return;
    this.active = at;
    this.redraw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onRow = event.target.closest?.(".grid-body > .grid-row") === event.target;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 2);
    const last = this.lines.length - 1;
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: last };
    if (event.key in to && (onRow || !event.target.matches("input:not([type=checkbox]),select"))) {
      this.#focusOn(Math.max(0, Math.min(last, to[event.key])));
      event.preventDefault();
    } else if (onRow && this.lines[this.active] && this.onKey(event.key, this.lines[this.active], event)) event.preventDefault();
  }

  #focusOn(at) {
    if (!this.lines.length) return;
    this.active = at;
    const head = this.head.offsetHeight;
    const top = at * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.rowHeight + head > scrollTop + clientHeight) this.element.scrollTop = top + this.rowHeight + head - clientHeight;
    this.#drawSeen();
    this.made.get(at)?.element.focus({ preventScroll: true });
  }
}

/** Where the focus is in an element: false, true for the element itself, or 1 + the control's place. */
function focusWithin(element) {
  if (element === document.activeElement) return true;
  const at = [...element.querySelectorAll("button,input,a")].indexOf(document.activeElement);
  return at >= 0 && at + 1;
}
