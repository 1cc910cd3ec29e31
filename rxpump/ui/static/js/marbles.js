/**
 * A marble diagram of live events: marbles enter at the right, where it is now, and move to the left.
 *
 * The pointer or the arrow keys select a marble. A card next to it describes its event, and Enter or a click opens it.
 */

import { fill, foreign, h } from "./element.js";
import { clock, counted } from "./format.js";
import { MarbleLines } from "./marble_lines.js";
import { MarbleSprites, radiusOf } from "./marble_sprites.js";
import { typeLabel } from "./parts.js";

/** @typedef {import("./marble_lines.js").Marble} Marble */
/** @typedef {import("./brief_event.js").BriefEvent} BriefEvent */

const LINE_HEIGHT = 46;
const LINE_Y = 31;
const FOOT = 24;
const END = 22;
const GAP = 5;
const REACH = 13;
const CALM_MILLISECONDS = 500;

export class Marbles {
  #canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "marble diagram" });
  #names = h("ol", { class: "lanes", "aria-hidden": "true" });
  #card = h("div", { class: "marble-card", hidden: true });
  #spoken = h("div", { class: "visually-hidden", role: "status" });
  #stage = h("div", { class: "stage" }, this.#canvas, this.#names);
  #context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #lines = new MarbleLines("type");
  /** @type {Record<string, string>} */
  #colors = {};
  #sprites = new MarbleSprites(this.#colors);
  /** @type {{line: string, marble: Marble, byKey: boolean} | null} */
  #selected = null;
  #shownNames = "";
  #width = 0;
  #dirty = true;
  #seconds = 10;
  #stopped = 0;
  /** @type {number | null} */
  #pausedAt = null;

  /**
   * @param {(event: BriefEvent) => void} open Called when the user opens an event.
   * @param {() => void} togglePause Called when the user presses the space bar.
   * @param {AbortSignal} signal Ends the drawing.
   */
  constructor(open, togglePause, signal) {
    this.open = open;
    this.togglePause = togglePause;
    this.element = h("div", { class: "marbles-stage" }, this.#stage, this.#card, this.#spoken);
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => this.#selected?.byKey || this.#select(null));
    this.#canvas.addEventListener("click", (event) => {
      this.#point(event);
      if (this.#selected) this.open(this.#selected.marble.event);
    });
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("blur", () => this.#select(null));
    const watch = new ResizeObserver(() => this.#resize());
    watch.observe(this.#stage);
    signal.addEventListener("abort", () => watch.disconnect());
    addEventListener("themechange", () => this.#restyle(), { signal });
    this.#restyle();
    this.#loop(signal);
  }

  get drawn() {
    return this.#lines.drawn;
  }

  get leftOut() {
    return this.#lines.leftOut;
  }

  get withoutLine() {
    return this.#lines.withoutLine;
  }

  /** Number of marbles that are kept now. */
  get kept() {
    return this.#lines.lines.reduce((sum, line) => sum + line.marbles.length, 0);
  }

  /** @param {BriefEvent[]} events */
  add(events) {
    const now = this.#now();
    const gap = (GAP * this.#seconds) / Math.max(this.#span, 1);
    for (const event of events) this.#lines.add(event, now, gap);
    this.#dirty = true;
  }

  /** @param {import("./marble_lines.js").Mark["kind"]} kind */
  mark(kind) {
    this.#lines.mark(kind, this.#now());
    this.#dirty = true;
  }

  /** Stop the clock of the diagram, so that its marbles stand still. */
  pause() {
    this.#pausedAt ??= performance.now();
  }

  resume() {
    if (this.#pausedAt !== null) this.#stopped += performance.now() - this.#pausedAt;
    this.#pausedAt = null;
  }

  clear() {
    this.#lines.clear();
    this.#select(null);
    this.#dirty = true;
  }

  /** @param {"type" | "stream"} by */
  lineFor(by) {
    this.#lines.lineFor(by);
    this.#select(null);
    this.#dirty = true;
  }

  /** @param {number} seconds Time from the left to the right end. */
  span(seconds) {
    this.#seconds = seconds;
    this.#dirty = true;
  }

  get #span() {
    return this.#width - END;
  }

  #now() {
    return ((this.#pausedAt ?? performance.now()) - this.#stopped) / 1000;
  }

  /** @param {number} at Seconds on the clock of the diagram. */
  #x(at) {
    return this.#span - ((this.#now() - at) * this.#span) / this.#seconds;
  }

  /** @param {AbortSignal} signal */
  #loop(signal) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let last = 0;
    const step = (/** @type {number} */ time) => {
      if (signal.aborted) return;
      requestAnimationFrame(step);
      const moves = this.#pausedAt === null && !this.#lines.isEmpty;
      if (calm.matches && time - last < CALM_MILLISECONDS) return;
      if (!moves && !this.#dirty) return;
      last = time;
      this.#dirty = false;
      this.#draw();
    };
    requestAnimationFrame(step);
  }

  #draw() {
    this.#lines.forget(this.#now() - this.#seconds - 0.2);
    const lines = this.#lines.lines;
    this.#showNames();
    const context = this.#context;
    context.clearRect(0, 0, this.#width, this.#canvas.clientHeight);
    context.lineCap = context.lineJoin = "round";
    this.#drawScale();
    for (const mark of this.#lines.marks) this.#drawMark(mark);
    lines.forEach((line, index) => {
      const y = index * LINE_HEIGHT + LINE_Y;
      this.#drawLine(y);
      for (const marble of line.marbles) {
        const image = this.#sprites.image(marble);
        const size = image.width / devicePixelRatio;
        context.drawImage(image, this.#x(marble.at) - size / 2, y - size / 2, size, size);
      }
    });
    this.#followSelected();
  }

  /** @param {number} y */
  #drawLine(y) {
    const context = this.#context;
    const end = this.#width - 8;
    context.strokeStyle = this.#colors["--line-strong"];
    context.lineWidth = 1.25;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(end, y);
    context.moveTo(end - 5, y - 5);
    context.lineTo(end, y);
    context.lineTo(end - 5, y + 5);
    context.stroke();
  }

  /** @param {import("./marble_lines.js").Mark} mark */
  #drawMark(mark) {
    const context = this.#context;
    const x = this.#x(mark.at);
    const behind = mark.kind === "fell-behind";
    context.strokeStyle = this.#colors[behind ? "--warn" : "--good"];
    context.lineWidth = 2;
    context.setLineDash(behind ? [4, 5] : []);
    context.beginPath();
    context.moveTo(x, 6);
    context.lineTo(x, this.#height - FOOT + 2);
    context.stroke();
    context.setLineDash([]);
  }

  #drawScale() {
    const context = this.#context;
    const y = this.#height - 8;
    context.fillStyle = this.#colors["--ink-soft"];
    context.font = `11.5px ${this.#colors["--sans"]}`;
    context.textAlign = "right";
    context.fillText("now", this.#width - 6, y);
    context.textAlign = "center";
    const steps = this.#width < 500 ? 2 : 5;
    for (let step = 1; step < steps; step += 1) {
      const seconds = (this.#seconds * step) / steps;
      context.fillText(`−${seconds < 100 ? seconds : `${seconds / 60} min`}${seconds < 100 ? " s" : ""}`, this.#span - (this.#span * step) / steps, y);
    }
  }

  #restyle() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["--surface", "--line-strong", "--ink", "--ink-soft", "--good", "--warn", "--accent", "--sans", ...[0, 1, 2, 3, 4, 5].map((n) => `--type-${n}`)]) {
      this.#colors[name] = style.getPropertyValue(name).trim();
    }
    this.#sprites = new MarbleSprites(this.#colors);
    this.#dirty = true;
  }

  get #height() {
    return Math.max(2, this.#lines.lines.length) * LINE_HEIGHT + FOOT;
  }

  #resize() {
    this.#width = this.#stage.clientWidth;
    this.#canvas.style.height = `${this.#height}px`;
    this.#canvas.width = Math.round(this.#width * devicePixelRatio);
    this.#canvas.height = Math.round(this.#height * devicePixelRatio);
    this.#context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.#dirty = true;
  }

  #showNames() {
    const names = this.#lines.lines.map((line) => line.name);
    const key = JSON.stringify([this.#lines.by, names]);
    if (key === this.#shownNames) return;
    this.#shownNames = key;
    fill(this.#names, names.map((name) => h("li", {}, h("span", {}, foreign(name)))));
    this.#canvas.setAttribute(
      "aria-label",
      `${counted(names.length, "line")} of events. Arrow keys select an event, Enter opens it, the space bar pauses.`,
    );
    this.#resize();
  }

  /** @param {MouseEvent} event */
  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const line = this.#lines.lines[Math.floor(y / LINE_HEIGHT)];
    let best = null;
    let distance = REACH;
    for (const marble of line?.marbles ?? []) {
      const away = Math.abs(this.#x(marble.at) - x);
      if (away < distance) [best, distance] = [marble, away];
    }
    this.#canvas.style.cursor = best ? "pointer" : "";
    this.#select(best && line ? { line: line.name, marble: best, byKey: false } : null);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === " ") this.togglePause();
    else if (event.key === "Enter" && this.#selected) this.open(this.#selected.marble.event);
    else if (event.key === "Escape") this.#select(null);
    else if (!this.#step(event.key)) return;
    event.preventDefault();
  }

  /**
   * Select another marble. Return whether the key does that.
   *
   * @param {string} key
   */
  #step(key) {
    const lines = this.#lines.lines;
    let row = lines.findIndex((line) => line.name === this.#selected?.line);
    const at = this.#selected?.marble.at ?? this.#now();
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-2, 0], End: [2, 0] }[key] ?? [0, 0];
    if (across === 0 && down === 0) return false;
    if (row < 0) row = lines.findIndex((line) => line.marbles.length > 0);
    else if (down !== 0) {
      do row += down;
      while (lines[row] !== undefined && lines[row].marbles.length === 0);
    }
    const line = lines[row];
    if (line === undefined || line.marbles.length === 0) return true;
    let index = nearest(line.marbles, at);
    if (this.#selected !== null && down === 0) index = Math.abs(across) === 2 ? (across < 0 ? 0 : line.marbles.length - 1) : index + across;
    const marble = line.marbles[Math.max(0, Math.min(index, line.marbles.length - 1))];
    this.#select({ line: line.name, marble, byKey: true });
    return true;
  }

  /** @param {{line: string, marble: Marble, byKey: boolean} | null} selected */
  #select(selected) {
    const same = selected?.marble === this.#selected?.marble;
    this.#selected = selected;
    this.#card.hidden = selected === null;
    this.#dirty = true;
    if (same || selected === null) return;
    const { event, more } = selected.marble;
    fill(
      this.#card,
      typeLabel(event.type),
      h("div", { class: "soft" }, `${event.at} in `, foreign(event.stream), ` · ${clock(event.time)}`),
      more > 0 && h("div", { class: "soft" }, `and ${counted(more, "event")} after it, not drawn`),
      event.preview !== "" && h("pre", {}, foreign(event.preview)),
    );
    if (selected.byKey) this.#spoken.textContent = `${event.type}, event ${event.at} in ${event.stream}, ${clock(event.time)}`;
  }

  /** Draw a ring around the selected marble, and keep the card next to it. */
  #followSelected() {
    if (this.#selected === null) return;
    const row = this.#lines.lines.findIndex((line) => line.name === this.#selected?.line);
    const x = this.#x(this.#selected.marble.at);
    if (row < 0 || x < 0) return this.#select(null);
    const y = row * LINE_HEIGHT + LINE_Y;
    const context = this.#context;
    context.strokeStyle = this.#colors["--ink"];
    context.lineWidth = 1.75;
    context.beginPath();
    context.arc(x, y, radiusOf(this.#selected.marble) + 4.5, 0, Math.PI * 2);
    context.stroke();
    const left = Math.max(12, Math.min(x - 24, this.#width - this.#card.offsetWidth - 12));
    this.#card.style.transform = `translate(${Math.round(left)}px, ${Math.round(y + 20 - this.#stage.scrollTop)}px)`;
  }
}

/**
 * @param {Marble[]} marbles
 * @param {number} at
 */
function nearest(marbles, at) {
  let best = 0;
  marbles.forEach((marble, index) => {
    if (Math.abs(marble.at - at) < Math.abs(marbles[best].at - at)) best = index;
  });
  return best;
}
