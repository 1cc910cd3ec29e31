/** Events as rows that open. */

import { foreign, h } from "./element.js";
import { eventDetails } from "./event_details.js";
import { clock, dateAndTime, isToday } from "./format.js";
import { typeLabel } from "./parts.js";

/** @typedef {import("./api.js").StoreEvent} StoreEvent */

const PREVIEW_CHARACTERS = 200;

/**
 * Make a list of events.
 *
 * @param {StoreEvent[]} events
 * @param {object} [options]
 * @param {boolean} [options.showStream] Whether rows name the stream.
 * @param {number | null} [options.opened] Number of the event that is open at first.
 * @param {(event: StoreEvent) => {actions?: HTMLElement[], facts?: HTMLElement[]}} [options.more] Returns the additions of a view to an event.
 * @param {(event: StoreEvent) => HTMLElement | null} [options.note] Returns the addition of a view to a row.
 */
export function eventList(events, { showStream = false, opened = null, more = () => ({}), note = () => null } = {}) {
  return h(
    "ol",
    { class: "events" },
    events.map((event) => h("li", {}, eventRow(event, { showStream, open: opened === receivedNumber(event), more, note: note(event) }))),
  );
}

/**
 * Return the number of an event in the stream that was read, which is that of its link if it has one.
 *
 * @param {StoreEvent} event
 */
export function receivedNumber(event) {
  return event.link ? event.link.number : event.number;
}

/**
 * Return the beginning of the data of an event in one line.
 *
 * @param {StoreEvent} event
 */
export function preview(event) {
  const { data } = event;
  if (data.kind === "binary") return `${data.hex.slice(0, 64).replace(/../g, "$& ")}${data.hex.length > 64 ? "…" : ""}`;
  return data.text.slice(0, PREVIEW_CHARACTERS).replace(/\s+/g, " ");
}

/**
 * @param {StoreEvent} event
 * @param {{showStream: boolean, open: boolean, more: (event: StoreEvent) => {actions?: HTMLElement[], facts?: HTMLElement[]}, note: HTMLElement | null}} options
 */
function eventRow(event, { showStream, open, more, note }) {
  const summary = h(
    "summary",
    {},
    h("span", { class: "at" }, String(receivedNumber(event))),
    h("span", { class: "what" }, typeLabel(event.type)),
    h("span", { class: "preview" }, note && [note, " "], showStream && [foreign(event.stream), " · "], foreign(preview(event))),
    h("time", { datetime: event.time }, isToday(event.time) ? clock(event.time) : dateAndTime(event.time)),
  );
  const details = h("details", { class: "event" }, summary);
  const fillOnce = () => {
    if (details.open && details.childElementCount === 1) details.append(eventDetails(event, more(event)));
  };
  details.addEventListener("toggle", fillOnce);
  details.open = open;
  fillOnce();
  return details;
}

