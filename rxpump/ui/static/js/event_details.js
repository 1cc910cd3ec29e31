/** One event: its facts, both ends of its link, its data and its metadata. */

import { dataBlock, isEmpty, wholePart } from "./data_block.js";
import { foreign, h } from "./element.js";
import { dateAndTime } from "./format.js";
import { fact, streamLink, typeLabel } from "./parts.js";
import { address } from "./router.js";

/** @typedef {import("./api.js").StoreEvent} StoreEvent */

/**
 * Make the elements for an event.
 *
 * @param {StoreEvent} event
 * @param {{actions?: HTMLElement[], facts?: HTMLElement[]}} [more] Additions of a view.
 */
export function eventDetails(event, { actions = [], facts = [] } = {}) {
  return h(
    "div",
    { class: "event-body" },
    h(
      "dl",
      { class: "facts" },
      fact("Type", typeLabel(event.type)),
      fact("Number and stream", [`${event.number} in `, streamLink(event.stream, { from: event.number })]),
      event.position && fact("Position", h("span", { class: "mono" }, event.position)),
      fact("Time", event.time ? h("time", { datetime: event.time }, dateAndTime(event.time)) : "–"),
      fact("Id", event.id ? h("span", { class: "mono" }, event.id) : "–"),
      event.correlation_id && fact("Correlation", correlationLink(event.correlation_id)),
      event.causation_id && fact("Caused by", correlationLink(event.causation_id)),
      facts,
    ),
    event.link && ends(event),
    dataBlock("Data", event.data, wholePart(event, "data")),
    isEmpty(event.metadata) ? null : dataBlock("Metadata", event.metadata, wholePart(event, "metadata")),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/** @param {string} id */
function correlationLink(id) {
  return h("a", { class: "mono", href: address(["correlation", id]) }, foreign(id));
}

/** @param {StoreEvent} event */
function ends(event) {
  const { link } = event;
  if (!link) return null;
  const { target } = link;
  return h(
    "div",
    { class: "ends" },
    h("div", { class: "end" }, h("h3", {}, "Link"), `Event ${link.number} in `, streamLink(link.stream, { from: link.number })),
    h(
      "div",
      { class: "end" },
      h("h3", {}, "Leads to"),
      target ? [`Event ${target.number} in `, streamLink(target.stream, { from: target.number })] : foreign(link.leads_to),
      link.is_broken && [" ", h("span", { class: "badge warn" }, "no longer exists")],
    ),
  );
}
