/** One consumer group: its place, its consumers, its settings and its parked events. */

import { get, info, pathPart, post } from "../api.js";
import { confirmed } from "../dialog.js";
import { fill, foreign, h } from "../element.js";
import { eventList } from "../event_list.js";
import { counted, dateAndTime, tenths, whole } from "../format.js";
import { empty, fact, failure, loading, show, streamLink, viewHead } from "../parts.js";
import { repeat } from "../polling.js";
import { address } from "../router.js";
import { stackBody, stackCell, stackRow, stackTable } from "../stack_table.js";
import { statusBadge } from "./groups.js";

/** @typedef {import("../api.js").StoreEvent & {parked_number: number, parked_time: string | null, reason: string | null}} ParkedEvent */

const SECONDS = 2;
const MOST_PARKED = 100;
const CONSUMER_HEADS = /** @type {[string, "number"?][]} */ ([
  ["Consumer"],
  ["User"],
  ["In flight", "number"],
  ["Free slots", "number"],
  ["Delivered", "number"],
  ["Per second", "number"],
]);

/** @type {import("../router.js").View} */
export async function groupView(root, route, signal) {
  const [, stream = "", group = ""] = route.path;
  const path = `/api/groups/${pathPart(stream)}/${pathPart(group)}`;
  const about = h("div", { class: "card" }, loading("Loading the group"));
  const more = h("div");
  const parked = h("div");
  const actions = h("div", { class: "toolbar controls" });
  const done = h("div", { role: "status" });
  let shown = "";
  let shownParked = -1;
  let listed = "";
  let listedCount = 0;
  /** @type {import("../element.js").Children} */
  let list = null;
  fill(
    root,
    viewHead(foreign(group), {
      crumb: h("a", { href: address(["groups"]) }, "Groups"),
      lead: ["Consumer group on ", streamLink(stream)],
    }),
    about,
    h("section", { class: "card", "aria-label": "Parked events" }, h("div", { class: "card-head" }, h("h2", {}, "Parked events"), actions), done, parked),
    more,
  );
  await repeat(load, SECONDS, signal);

  async function load() {
    try {
      const details = await get(path, signal);
      const key = JSON.stringify(details);
      if (signal.aborted) return;
      if (key !== shown) {
        about.className = "";
        fill(about, facts(details));
        fill(more, consumers(details), settings(details.settings));
        shown = key;
      }
      // Servers do not count an event that they deliver again, but its link stays until a consumer has handled it.
      if (details.parked !== shownParked || details.parked < listedCount) await loadParked();
      shownParked = details.parked;
    } catch (error) {
      if (!signal.aborted && shown === "") fill(about, failure(error, load));
    }
  }

  async function loadParked() {
    const features = (await info()).features;
    await show(
      parked,
      async () => {
        const events = /** @type {ParkedEvent[]} */ (await get(`${path}/parked?count=${MOST_PARKED}`, signal));
        const key = JSON.stringify(events);
        if (key === listed) return list; // the same elements, so that an event that was opened stays open
        fill(actions, events.length > 0 && buttons(events.length, features.groups.replay_some));
        list = parkedList(events, features.groups.replay_some);
        listed = key;
        listedCount = events.length;
        return list;
      },
      signal,
    );
  }

  function parkedList(/** @type {ParkedEvent[]} */ events, /** @type {boolean} */ some) {
    if (events.length === 0) return empty("No parked events", "A consumer parks an event that it cannot handle. The event waits here until it is replayed or cleared.");
    return [
      events.length === MOST_PARKED && h("p", { class: "card-head soft" }, `The first ${MOST_PARKED} are shown.`),
      eventList(events, { showStream: true, note: (event) => reasonOf(/** @type {ParkedEvent} */ (event)), more: (event) => parkedMore(/** @type {ParkedEvent} */ (event), events, some) }),
    ];
  }

  function buttons(/** @type {number} */ count, /** @type {boolean} */ some) {
    const limit = h("input", { type: "text", inputmode: "numeric", pattern: "[0-9]+", size: 5, placeholder: "All", "aria-label": "How many to replay" });
    return [
      some && limit,
      h("button", { type: "button", onclick: () => replay(limit.value) }, "Replay"),
      h("button", { type: "button", class: "danger", onclick: () => clear(count) }, "Clear"),
    ];
  }

  function parkedMore(/** @type {ParkedEvent} */ event, /** @type {ParkedEvent[]} */ all, /** @type {boolean} */ some) {
    const facts = [
      fact("Parked", event.parked_time ? dateAndTime(event.parked_time) : "–"),
      fact("Reason", event.reason === null ? "None was given" : foreign(event.reason)),
    ];
    if (!some && all.length > 1) return { facts, actions: [h("span", { class: "soft" }, "Over this protocol the server replays all parked events together.")] };
    if (event !== all[0]) return { facts, actions: [h("span", { class: "soft" }, "Servers replay from the oldest parked event on, so this one follows those above it.")] };
    return { facts, actions: [h("button", { type: "button", onclick: () => retry(event) }, "Retry this event")] };
  }

  function replay(/** @type {string} */ limit) {
    const what = /^\d+$/.test(limit) ? counted(Number(limit), "parked event") : "all parked events";
    return change({
      title: `Replay ${what}?`,
      text: ["The server delivers them to the consumers of ", foreign(group), " again."],
      action: "Replay",
      path: `${path}/replay`,
      body: /^\d+$/.test(limit) ? { limit: Number(limit) } : {},
      message: "The server replays the events.",
    });
  }

  function retry(/** @type {ParkedEvent} */ event) {
    return change({
      title: "Retry this event?",
      text: [`The server delivers event ${event.number} of `, foreign(event.stream), " to a consumer again."],
      action: "Retry",
      path: `${path}/retry/${event.parked_number}`,
      message: "The server delivers the event again.",
    });
  }

  function clear(/** @type {number} */ count) {
    return change({
      title: "Clear the parked events?",
      text: [`The group forgets ${counted(count, "event")}, and no consumer receives them. The events stay in their streams.`],
      action: "Clear",
      danger: true,
      path: `${path}/clear`,
      message: "The parked events are cleared.",
    });
  }

  async function change(/** @type {{title: string, text: import("../element.js").Children, action: string, path: string, body?: object, danger?: boolean, message: string}} */ { path: where, body, message, ...question }) {
    const made = await confirmed({ ...question, change: () => post(where, body) });
    if (!made || signal.aborted) return;
    fill(done, h("p", { class: "success" }, message));
    shown = "";
    shownParked = -1;
    await load();
  }
}

/**
 * Make the reason for a row, without the sentence with which servers begin the reason of a consumer.
 *
 * @param {ParkedEvent} event
 */
function reasonOf(event) {
  if (event.reason === null) return null;
  const own = event.reason.replace(/^Client explicitly NAK'ed message\.\s+(?=\S)/, "");
  return h("span", { class: "badge warn" }, foreign(own));
}

/** @param {any} details */
function facts(details) {
  return h(
    "section",
    { class: "card", "aria-label": "Facts" },
    h(
      "dl",
      { class: "facts" },
      details.status && fact("Status", statusBadge(details.status)),
      fact("Lag", whole(details.lag)),
      fact("Last checkpoint", foreign(details.last_checkpoint ?? "–")),
      fact("Last known event", foreign(details.last_known ?? "–")),
      details.in_flight !== null && fact("In flight", whole(details.in_flight)),
      fact("Parked", whole(details.parked)),
      details.retry_buffer !== null && fact("Waiting to be retried", whole(details.retry_buffer)),
      details.events_per_second !== null && fact("Events per second", tenths(details.events_per_second)),
    ),
  );
}

/** @param {any} details */
function consumers(details) {
  return h(
    "section",
    { class: "card", "aria-label": "Consumers" },
    h("div", { class: "card-head" }, h("h2", {}, "Consumers")),
    details.consumers === null
      ? h("p", { class: "card-body soft" }, "This protocol does not name the consumers of a group.")
      : details.consumers.length === 0
        ? h("p", { class: "card-body soft" }, "No consumer is connected.")
        : stackTable(CONSUMER_HEADS, stackBody(details.consumers.map(consumerRow))),
  );
}

/** @param {any} consumer */
function consumerRow(consumer) {
  return stackRow([
    stackCell("Consumer", foreign(consumer.connection_name || consumer.address || "Unnamed"), "lead-cell"),
    stackCell("User", foreign(consumer.login || "anonymous")),
    stackCell("In flight", whole(consumer.in_flight), "number"),
    stackCell("Free slots", whole(consumer.available_slots), "number"),
    stackCell("Delivered", whole(consumer.total_events), "number"),
    stackCell("Per second", whole(consumer.events_per_second), "number"),
  ]);
}

/** @param {Record<string, unknown>} settings */
function settings(settings) {
  return h(
    "section",
    { class: "card", "aria-label": "Settings" },
    h("div", { class: "card-head" }, h("h2", {}, "Settings")),
    h("dl", { class: "facts" }, Object.entries(settings).map(([name, value]) => fact(words(name), foreign(valueText(value))))),
  );
}

/** @param {string} name */
function words(name) {
  return name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());
}

/** @param {unknown} value */
function valueText(value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
