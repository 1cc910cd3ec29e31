/** The newest live events as rows. */

import { fill, foreign, h } from "./element.js";
import { clock } from "./format.js";
import { streamLink, typeLabel } from "./parts.js";

/** @typedef {import("./brief_event.js").BriefEvent} BriefEvent */

export const MOST_ROWS = 200;
const ROWS_AT_ONCE = 25;
const MILLISECONDS = 250;

export class LiveTable {
  #body = h("tbody");
  /** @type {(BriefEvent | string)[]} */
  #waiting = [];
  leftOut = 0;

  /**
   * @param {(event: BriefEvent) => void} open Called when the user opens an event.
   * @param {AbortSignal} signal Ends the drawing.
   */
  constructor(open, signal) {
    this.open = open;
    const heads = ["Stream", "Number", "Type", "Data", "Time"];
    this.element = h(
      "div",
      { class: "growing", tabindex: 0, role: "group", "aria-label": "Newest events" },
      h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), this.#body),
    );
    let last = 0;
    const step = (/** @type {number} */ time) => {
      if (signal.aborted) return;
      requestAnimationFrame(step);
      if (this.#waiting.length === 0 || time - last < MILLISECONDS) return;
      last = time;
      this.#draw();
    };
    requestAnimationFrame(step);
  }

  /** @param {BriefEvent[]} events */
  add(events) {
    this.#waiting.push(...events);
    const surplus = this.#waiting.length - ROWS_AT_ONCE;
    if (surplus > 0) this.leftOut += this.#waiting.splice(0, surplus).filter((item) => typeof item !== "string").length;
  }

  /** @param {string} text */
  note(text) {
    this.#waiting.push(text);
  }

  clear() {
    this.#waiting = [];
    this.leftOut = 0;
    fill(this.#body);
  }

  #draw() {
    const rows = this.#waiting.map((item) => (typeof item === "string" ? noteRow(item) : this.#row(item)));
    this.#waiting = [];
    this.#body.prepend(...rows.reverse());
    while (this.#body.rows.length > MOST_ROWS) this.#body.lastElementChild?.remove();
  }

  /** @param {BriefEvent} event */
  #row(event) {
    return h(
      "tr",
      {},
      h("td", {}, streamLink(event.stream)),
      h("td", {}, h("button", { type: "button", class: "link", "aria-label": `Open event ${event.at}`, onclick: () => this.open(event) }, String(event.at))),
      h("td", {}, typeLabel(event.type)),
      h("td", { class: "mono soft" }, foreign(event.preview)),
      h("td", { class: "soft" }, clock(event.time)),
    );
  }
}

/** @param {string} text */
function noteRow(text) {
  return h("tr", { class: "signal" }, h("td", { colspan: 5 }, text));
}
