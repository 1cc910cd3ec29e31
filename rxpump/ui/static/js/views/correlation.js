/** The events that belong to one correlation or have one cause. */

import { get, pathPart } from "../api.js";
import { fill, foreign, h } from "../element.js";
import { eventList } from "../event_list.js";
import { counted } from "../format.js";
import { empty, show, viewHead } from "../parts.js";
import { address } from "../router.js";

/** @type {import("../router.js").View} */
export async function correlationView(root, route, signal) {
  const id = route.path[1] ?? "";
  const list = h("div");
  const searched = h("p", { role: "status" });
  fill(
    root,
    viewHead(foreign(id, "mono"), {
      crumb: h("a", { href: address(["streams"]) }, "Streams"),
      lead: "The events with this id, this correlation or this cause, newest first.",
    }),
    h("section", { class: "card", "aria-label": "Events" }, h("div", { class: "card-head" }, h("h2", {}, "Events"), searched), list),
  );
  await show(
    list,
    async () => {
      const { events, examined } = await get(`/api/correlation/${pathPart(id)}`, signal);
      searched.textContent = `Found in the last ${counted(examined, "event")}`;
      if (events.length === 0) return empty("No such event", "The latest events of the store have neither this id nor this correlation.");
      return eventList(events, { showStream: true });
    },
    signal,
  );
}
