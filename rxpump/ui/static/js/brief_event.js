/** The part of an event that the live view keeps: enough for a row and a marble. The rest is requested by its number. */

import { preview, receivedNumber } from "./event_list.js";

/** @typedef {{stream: string, number: number, at: number, type: string, time: string, preview: string}} BriefEvent */

/**
 * Return the brief form of an event. It does not keep the memory of the event: a part of a string would keep the whole
 * string, so the preview is a copy.
 *
 * @param {import("./api.js").StoreEvent} event
 * @returns {BriefEvent}
 */
export function brief(event) {
  return {
    stream: event.stream,
    number: event.number,
    at: receivedNumber(event),
    type: event.type,
    time: event.time,
    preview: [...preview(event)].join(""),
  };
}
