/** A small chart of a figure over the last minutes. */

import { fill, h, svg } from "./element.js";

const WIDTH = 240;
const HEIGHT = 56;
/** Time that the chart shows at first, so that its first values are not squeezed together. */
const LEAST_SECONDS = 30;

/** @typedef {[number, number]} Point Seconds, and the value then. */

export class Chart {
  /** @type {Point[]} */
  #points = [];
  #now = h("div", { class: "now" }, "–");
  #plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  #range = h("div", { class: "range", "aria-hidden": "true" });

  /**
   * @param {string} title
   * @param {(value: number) => string} format
   * @param {number} seconds Time that the chart shows.
   */
  constructor(title, format, seconds) {
    this.title = title;
    this.format = format;
    this.seconds = seconds;
    this.#plot.setAttribute("aria-label", `${title}: no value yet`);
    this.element = h("div", { class: "chart" }, h("h3", {}, title), this.#now, this.#plot, this.#range);
  }

  /**
   * Add a value, and forget those that are older than the chart shows.
   *
   * @param {number} at Seconds, of any clock.
   * @param {number} value
   */
  add(at, value) {
    this.#points.push([at, value]);
    while (this.#points[0][0] < at - this.seconds) this.#points.shift();
    this.#draw(at);
  }

  /** @param {number} now */
  #draw(now) {
    const values = this.#points.map(([, value]) => value);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const bottom = least > 0 && most < least * 1.5 ? least - (most - least) * 0.5 : Math.min(0, least);
    const top = most > bottom ? most : bottom + 1;
    const seconds = Math.min(this.seconds, Math.max(LEAST_SECONDS, now - this.#points[0][0]));
    const x = (/** @type {number} */ at) => WIDTH - ((now - at) / seconds) * WIDTH;
    const y = (/** @type {number} */ value) => HEIGHT - 2 - ((value - bottom) / (top - bottom)) * (HEIGHT - 6);
    const line = this.#points.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    const from = x(this.#points[0][0]).toFixed(1);
    fill(
      this.#plot,
      svg("path", { class: "base", d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
      svg("path", { class: "area", d: `M${from} ${HEIGHT}L${line.join("L")}L${WIDTH} ${HEIGHT}Z` }),
      svg("path", { class: "trace", d: `M${line.join("L")}` }),
    );
    const text = this.format(values[values.length - 1]);
    const span = `lowest ${this.format(least)}, highest ${this.format(most)}`;
    this.#plot.setAttribute("aria-label", `${this.title}: now ${text}, ${span}`);
    this.#now.textContent = text;
    const time = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
    fill(this.#range, h("span", {}, time), h("span", {}, least === most ? "" : `${this.format(least)} to ${this.format(most)}`));
  }
}
