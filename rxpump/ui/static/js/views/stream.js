/** One stream: its events, newest first, page by page. */

import { Failure, get, info, pathPart } from "../api.js";
import { dataBlock, isEmpty } from "../data_block.js";
import { fill, foreign, h } from "../element.js";
import { eventList, receivedNumber } from "../event_list.js";
import { whole } from "../format.js";
import { jsonTree } from "../json_tree.js";
import { empty, fact, show, viewHead } from "../parts.js";
import { address } from "../router.js";
import { stateBadge } from "./streams.js";

/** @typedef {import("../api.js").StoreEvent} StoreEvent */
/** @typedef {{stream: string, state: string, first_number: number | null, last_number: number | null, truncated_before: number | null, metadata: {content: import("../api.js").Content} | null, events: StoreEvent[], next: number | null, is_end: boolean}} StreamPage */

const COUNT = 50;

/** @type {import("../router.js").View} */
export async function streamView(root, route, signal) {
  const name = route.path[1] ?? "";
  const wanted = number(route.query.get("from"));
  const about = h("div");
  const list = h("div");
  const jump = h("input", { type: "text", inputmode: "numeric", pattern: "[0-9]+", placeholder: "Number", "aria-label": "Number of an event", size: 10 });
  const watch = h("a", { class: "button", href: address(["live"], { stream: name }) }, "Watch live");
  fill(
    root,
    viewHead(foreign(name), {
      crumb: h("a", { href: address(["streams"]) }, "Streams"),
      end: [watch],
    }),
    about,
    h(
      "section",
      { class: "card", "aria-label": "Events" },
      h(
        "div",
        { class: "card-head" },
        h("h2", {}, "Events"),
        h("form", { class: "toolbar jump", onsubmit: jumpTo }, jump, h("button", { type: "submit" }, "Go to number")),
      ),
      list,
    ),
  );
  await show(list, load, signal);

  async function load() {
    const { writable } = await info();
    const page = await request(name, wanted, signal).catch(missing);
    if (signal.aborted) return null;
    watch.hidden = page.state === "tombstoned"; // No event can be written to it.
    if (page.state !== "missing") fill(about, facts(page, writable && page.state !== "tombstoned"));
    if (page.events.length === 0) return [nothing(page), wanted !== null && pager(page)];
    return [eventList(page.events, { opened: wanted }), pager(page)];
  }

  function missing(/** @type {unknown} */ error) {
    if (!(error instanceof Failure) || error.kind !== "StreamNotFound") throw error;
    return /** @type {StreamPage} */ ({ stream: name, state: "missing", first_number: null, last_number: null, truncated_before: null, metadata: null, events: [], next: null, is_end: true });
  }

  function pager(/** @type {StreamPage} */ page) {
    const newest = page.events.length > 0 ? receivedNumber(page.events[0]) : wanted;
    const isNewest = wanted === null || page.last_number === null || (newest !== null && newest >= page.last_number);
    const newer = newest === null || isNewest ? null : Math.min(newest + COUNT, page.last_number ?? newest);
    const older = page.is_end ? null : page.next;
    return h(
      "nav",
      { class: "card-head", "aria-label": "Pages of events" },
      h("span", {}, isNewest ? h("span", { class: "soft" }, "Newest events") : [pageLink("Newest", null), " · ", pageLink("Newer", newer)]),
      older === null ? h("span", { class: "soft" }, page.events.length === 0 ? "" : "These are the first events") : pageLink("Older", older),
    );
  }

  function pageLink(/** @type {string} */ text, /** @type {number | null} */ from) {
    return h("a", { href: address(["stream", name], { from, page: 1 }) }, text);
  }

  function jumpTo(/** @type {Event} */ event) {
    event.preventDefault();
    if (number(jump.value) !== null) location.hash = address(["stream", name], { from: number(jump.value) });
  }
}

/**
 * Request a page of a stream, from a number or the end backward.
 *
 * @param {string} name
 * @param {number | null} from
 * @param {AbortSignal} signal
 * @returns {Promise<StreamPage>}
 */
function request(name, from, signal) {
  return get(`/api/stream/${pathPart(name)}?from=${from ?? "end"}&direction=backward&count=${COUNT}`, signal);
}

/**
 * @param {StreamPage} page
 * @param {boolean} writable
 */
function facts(page, writable) {
  const content = page.metadata?.content;
  return h(
    "section",
    { class: "card", "aria-label": "Facts" },
    note(page),
    h(
      "dl",
      { class: "facts" },
      fact("First event", whole(page.first_number)),
      fact("Last event", whole(page.last_number)),
      fact("State", stateBadge(page.state) ?? activeBadge(page)),
      fact("Metadata", content === undefined || isEmpty(content) ? "None" : content.kind === "json" ? jsonTree(content.text) : dataBlock("Metadata", content, null)),
      writable && fact("Change", h("a", { href: address(["write"], { stream: page.stream }) }, "Append or delete")),
    ),
  );
}

/** @param {StreamPage} page */
function activeBadge({ first_number: first }) {
  return first === null || first === 0 ? h("span", { class: "badge good" }, "Active") : h("span", { class: "badge warn" }, "Truncated");
}

/** @param {StreamPage} page */
function note(page) {
  const [kind, text] = noteText(page);
  return text === "" ? null : h("p", { class: kind }, text);
}

/**
 * @param {StreamPage} page
 * @returns {[string, string]}
 */
function noteText({ state, first_number: first }) {
  if (state === "deleted") return ["caution", "This stream was deleted. It exists again once a program writes to it."];
  if (state === "tombstoned") return ["failure", "This stream was tombstoned. Its events are gone, and no program can write to it again."];
  if (first !== null && first > 0) return ["caution", `This stream was truncated. The events before number ${whole(first)} are no longer visible.`];
  return ["", ""];
}

/** @param {StreamPage} page */
function nothing(page) {
  if (page.state === "missing") return empty("No such stream", "No event has been written to a stream with this name.");
  if (page.state === "tombstoned") return empty("Tombstoned", "The events of this stream are gone.");
  if (page.state === "deleted") return empty("Deleted", "The events of this stream are no longer visible.");
  return empty("No events here", "The events with these numbers are no longer visible, or were not written yet.");
}

/** @param {string | null} text */
function number(text) {
  return text !== null && /^\d{1,19}$/.test(text.trim()) ? Number(text) : null;
}
