/** The consumer groups of the store. */

import { get } from "../api.js";
import { fill, foreign, h } from "../element.js";
import { whole } from "../format.js";
import { empty, failure, loading, streamLink, viewHead } from "../parts.js";
import { repeat } from "../polling.js";
import { address } from "../router.js";

const SECONDS = 2;

/** @type {import("../router.js").View} */
export async function groupsView(root, _route, signal) {
  const list = h("div", {}, loading("Loading the groups"));
  let shown = "";
  fill(
    root,
    viewHead("Groups", { lead: "Consumer groups share the events of a stream. The server remembers how far each group is." }),
    h("section", { class: "card", "aria-label": "Consumer groups" }, list),
  );
  await repeat(load, SECONDS, signal);

  async function load() {
    try {
      const groups = await get("/api/groups", signal);
      const key = JSON.stringify(groups);
      if (signal.aborted || key === shown) return;
      const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.getAttribute("href");
      fill(list, groups.length === 0 ? nothing() : tableOf(groups));
      if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
      shown = key;
    } catch (error) {
      if (!signal.aborted && shown === "") fill(list, failure(error, load));
    }
  }
}

function nothing() {
  return empty("No consumer groups", ["A program creates a group with ", h("code", {}, "create_subscription"), ", and a shell with ", h("code", {}, "rxpump groups create"), "."]);
}

/** @param {any[]} groups */
function tableOf(groups) {
  const heads = ["Group", "Stream", "Status", "Consumers", "Lag", "In flight", "Parked"];
  return h(
    "table",
    { class: "stack" },
    h("thead", {}, h("tr", {}, heads.map((head, index) => h("th", { scope: "col", class: index > 2 ? "number" : null }, head)))),
    h("tbody", {}, groups.map(row)),
  );
}

/** @param {any} group */
function row(group) {
  return h(
    "tr",
    {},
    h("td", { class: "lead-cell" }, h("a", { class: "name", href: address(["group", group.stream, group.group]) }, foreign(group.group))),
    h("td", { "data-label": "Stream" }, streamLink(group.stream)),
    h("td", { "data-label": "Status" }, group.status ? statusBadge(group.status) : "–"),
    h("td", { class: "number", "data-label": "Consumers" }, whole(group.consumers?.length ?? group.consumers)),
    h("td", { class: "number", "data-label": "Lag" }, whole(group.lag)),
    h("td", { class: "number", "data-label": "In flight" }, whole(group.in_flight)),
    h("td", { class: "number", "data-label": "Parked" }, group.parked > 0 ? h("span", { class: "badge warn" }, whole(group.parked)) : whole(group.parked)),
  );
}

/** @param {string} status */
export function statusBadge(status) {
  return h("span", { class: `badge ${status === "Live" ? "good" : "warn"}` }, foreign(status));
}
