/** Events as they are written, as marbles and as a table that grows. */

import { get } from "../api.js";
import { brief } from "../brief_event.js";
import { eventPath } from "../data_block.js";
import { fill, foreign, h } from "../element.js";
import { eventDetails } from "../event_details.js";
import { whole } from "../format.js";
import { LiveFeed } from "../live_feed.js";
import { pathOf, sourceForm, sourceOf } from "../live_source.js";
import { LiveTable, MOST_ROWS } from "../live_table.js";
import { MOST_LINES } from "../marble_lines.js";
import { Marbles } from "../marbles.js";
import { empty, failure, segments, show, viewHead } from "../parts.js";
import { repeat } from "../polling.js";

/** @typedef {import("../brief_event.js").BriefEvent} BriefEvent */
const COUNT_SECONDS = 0.5;

/** @type {import("../router.js").View} */
export async function liveView(root, route, signal) {
  const source = sourceOf(route);
  const state = h("span", { class: "badge", role: "status" }, "Connecting");
  const counts = h("div", { class: "counts" });
  const detail = h("div");
  const trouble = h("div");
  const pause = h("button", { type: "button", class: "primary", onclick: togglePause }, "Pause");
  const marbles = new Marbles(openEvent, togglePause, signal);
  const table = new LiveTable(openEvent, signal);
  const waiting = h("div", {}, empty("Waiting for events", "Each event appears here when a program writes it."));
  const arrivals = new Arrivals();
  fill(
    root,
    viewHead("Live", { end: [state] }),
    sourceForm(source),
    trouble,
    h(
      "section",
      { class: "card marbles", "aria-label": "Marbles" },
      h(
        "div",
        { class: "card-head" },
        h("div", { class: "toolbar controls" }, pause, h("button", { type: "button", onclick: clear }, "Clear")),
        h(
          "div",
          { class: "toolbar controls" },
          segments("A line for each", [["type", "By type"], ["stream", "By stream"]], "type", (by) => marbles.lineFor(/** @type {"type" | "stream"} */ (by))),
          segments("Time shown", [["10", "10 s"], ["30", "30 s"], ["120", "2 min"]], "10", (text) => marbles.span(Number(text))),
        ),
      ),
      marbles.element,
      h(
        "div",
        { class: "legend-line" },
        h("span", { class: "mark" }, "caught up"),
        h("span", { class: "mark behind" }, "fell behind"),
        h("span", {}, "A larger marble stands for more events."),
      ),
    ),
    detail,
    h("section", { class: "card", "aria-label": "Table" }, h("div", { class: "card-head" }, h("h2", {}, "Newest events"), counts), waiting, table.element),
  );
  table.element.hidden = true;
  const feed = new LiveFeed(pathOf(source), receive, signal);
  await repeat(async () => showCounts(), COUNT_SECONDS, signal);

  function receive(/** @type {import("../live_feed.js").Message} */ { name, data }) {
    if (name === "events") {
      const events = data.map(brief);
      arrivals.add(events.length);
      marbles.add(events);
      table.add(events);
      waiting.hidden = true;
      table.element.hidden = false;
    } else if (name === "caught_up") {
      marbles.mark("caught-up");
      table.note("Caught up: every event that exists is shown, and new ones follow.");
      showState("Live", "good");
    } else if (name === "fell_behind") {
      marbles.mark("fell-behind");
      table.note(`Fell behind: ${data.reason?.message ?? "the subscription continues with reads"}`);
      showState("Catching up", "warn");
    } else if (name === "refused") {
      showState("Ended", "bad");
      fill(trouble, failure(data));
    } else if (name === "lost") {
      showState("Connecting again", "bad");
    } else if (name === "open") {
      fill(trouble);
      showState("Catching up", "warn");
    }
  }

  function showState(/** @type {string} */ text, /** @type {string} */ kind) {
    state.dataset.text = text;
    state.dataset.kind = kind;
    if (feed.paused) return;
    state.className = `badge ${kind}`;
    state.textContent = text;
  }

  function togglePause() {
    if (feed.paused) {
      feed.resume();
      marbles.resume();
      showState(state.dataset.text ?? "Live", state.dataset.kind ?? "good");
    } else {
      feed.pause();
      marbles.pause();
      state.className = "badge warn";
      state.textContent = "Paused: the source waits";
    }
    pause.textContent = feed.paused ? "Resume" : "Pause";
  }

  function clear() {
    marbles.clear();
    table.clear();
    arrivals.clear();
    fill(detail);
    waiting.hidden = false;
    table.element.hidden = true;
    showCounts();
  }

  function showCounts() {
    const value = (/** @type {string} */ text, /** @type {string} */ name, /** @type {string} */ key) => h("span", {}, h("b", { "data-count": key }, text), ` ${name}`);
    fill(
      counts,
      value(whole(arrivals.total), "received", "received"),
      value(whole(feed.paused ? 0 : arrivals.perSecond()), "per second", "rate"),
      value(whole(marbles.leftOut), "not drawn as marbles", "not-drawn"),
      value(whole(table.leftOut), "not listed", "not-listed"),
    );
    counts.title = `A marble that would cover another one is not drawn. At most ${MOST_LINES} lines and ${MOST_ROWS} rows are kept.`;
  }

  async function openEvent(/** @type {BriefEvent} */ event) {
    const body = h("div");
    const close = h("button", { type: "button", class: "quiet small", onclick: () => fill(detail) }, "Close");
    const card = h("section", { class: "card detail", tabindex: -1, "aria-label": "Event" }, h("div", { class: "card-head" }, h("h2", {}, `Event ${event.at} in `, foreign(event.stream)), close), body);
    fill(detail, card);
    card.focus();
    await show(body, async () => eventDetails(await get(eventPath(event.stream, event.number), signal)), signal);
  }
}

/** Counts of the events that have arrived. */
class Arrivals {
  total = 0;
  /** @type {[number, number][]} */
  #recent = [];

  /** @param {number} count */
  add(count) {
    this.total += count;
    this.#recent.push([performance.now(), count]);
    this.#forget();
  }

  clear() {
    this.total = 0;
    this.#recent = [];
  }

  perSecond() {
    this.#forget();
    if (this.#recent.length === 0) return 0;
    const seconds = Math.max(0.5, (performance.now() - this.#recent[0][0]) / 1000);
    return Math.round(this.#recent.reduce((sum, [, count]) => sum + count, 0) / seconds);
  }

  #forget() {
    const before = performance.now() - 2000;
    while (this.#recent.length > 0 && this.#recent[0][0] < before) this.#recent.shift();
  }
}
