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
      const place = `the last ${counted(examined, "event")}`;
      searched.textContent = events.length === 0 ? "" : `Found in ${place}`;
      if (events.length === 0) return empty("No recent event", `This id was searched in ${place} of the store. Older events are not searched.`);
      return eventList(events, { showStream: true });
    },
    signal,
  );
}
