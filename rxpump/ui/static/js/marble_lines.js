/**
 * The marbles of a diagram, without the drawing of them.
 *
 * Each stream or type has a line. The number of lines and of marbles is bounded. An event that is too close to the
 * marble before it is left out, and that marble counts it.
 */

/** @typedef {import("./brief_event.js").BriefEvent} BriefEvent */
/** @typedef {{at: number, event: BriefEvent, more: number}} Marble Seconds on the clock of the diagram; events left out after it. */
/** @typedef {{name: string, marbles: Marble[]}} Line */
/** @typedef {{at: number, kind: "caught-up" | "fell-behind"}} Mark */

export const MOST_LINES = 16;
const MOST_MARKS = 50;

export class MarbleLines {
  /** @type {Map<string, Line>} */
  #lines = new Map();
  /** @type {Mark[]} */
  marks = [];
  drawn = 0;
  leftOut = 0;
  withoutLine = 0;

  /** @param {"type" | "stream"} by Whether each type or each stream has a line. */
  constructor(by) {
    this.by = by;
  }

  get lines() {
    return [...this.#lines.values()];
  }

  get isEmpty() {
    return this.#lines.size === 0 && this.marks.length === 0;
  }

  /**
   * Add an event.
   *
   * @param {BriefEvent} event
   * @param {number} now Seconds on the clock of the diagram.
   * @param {number} gap Seconds that must lie between two marbles.
   */
  add(event, now, gap) {
    const line = this.#lineOf(event);
    if (line === null) {
      this.withoutLine += 1;
      this.leftOut += 1;
      return;
    }
    const last = line.marbles[line.marbles.length - 1];
    if (last !== undefined && now - last.at < gap) {
      last.more += 1;
      this.leftOut += 1;
    } else {
      line.marbles.push({ at: now, event, more: 0 });
      this.drawn += 1;
    }
  }

  /**
   * @param {Mark["kind"]} kind
   * @param {number} now
   */
  mark(kind, now) {
    this.marks.push({ at: now, kind });
    if (this.marks.length > MOST_MARKS) this.marks.shift();
  }

  /**
   * Forget marbles and marks that have left the diagram.
   *
   * @param {number} before Seconds on the clock of the diagram.
   */
  forget(before) {
    for (const line of this.#lines.values()) {
      let gone = 0;
      while (gone < line.marbles.length && line.marbles[gone].at < before) gone += 1;
      if (gone > 0) line.marbles.splice(0, gone);
    }
    while (this.marks.length > 0 && this.marks[0].at < before) this.marks.shift();
  }

  /**
   * Move the marbles to other lines. A marble for which there is no line is left out.
   *
   * @param {"type" | "stream"} by Whether each type or each stream has a line.
   */
  lineFor(by) {
    const marbles = this.lines.flatMap((line) => line.marbles).sort((one, other) => one.at - other.at);
    this.by = by;
    this.#lines.clear();
    for (const marble of marbles) {
      const line = this.#lineOf(marble.event);
      if (line !== null) line.marbles.push(marble);
      else {
        this.withoutLine += 1;
        this.leftOut += 1;
        this.drawn -= 1;
      }
    }
  }

  clear() {
    this.#lines.clear();
    this.marks = [];
    this.drawn = this.leftOut = this.withoutLine = 0;
  }

  /** @param {BriefEvent} event */
  #lineOf(event) {
    return this.#line(this.by === "type" ? event.type : event.stream);
  }

  /**
   * Return the line of a name. A line without marbles makes room for a new one.
   *
   * @param {string} name
   * @returns {Line | null}
   */
  #line(name) {
    let line = this.#lines.get(name);
    if (line !== undefined) return line;
    if (this.#lines.size >= MOST_LINES) {
      const idle = [...this.#lines.values()].find((other) => other.marbles.length === 0);
      if (idle === undefined) return null;
      this.#lines.delete(idle.name);
    }
    line = { name, marbles: [] };
    this.#lines.set(name, line);
    return line;
  }
}
