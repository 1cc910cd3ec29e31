/** The consumer groups of the store. */

import { get } from "../api.js";
import { fill, foreign, h } from "../element.js";
import { whole } from "../format.js";
import { empty, failure, loading, streamLink, viewHead } from "../parts.js";
import { repeat } from "../polling.js";
import { address } from "../router.js";
import { stackBody, stackCell, stackRow, stackTable } from "../stack_table.js";

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
  return stackTable(
    [["Group"], ["Stream"], ["Status"], ["Consumers", "number"], ["Lag", "number"], ["In flight", "number"], ["Parked", "number"]],
    stackBody(groups.map(row)),
  );
}

/** @param {any} group */
function row(group) {
  return stackRow([
    stackCell("Group", h("a", { class: "name", href: address(["group", group.stream, group.group]) }, foreign(group.group)), "lead-cell"),
    stackCell("Stream", streamLink(group.stream)),
    stackCell("Status", group.status ? statusBadge(group.status) : "–"),
    stackCell("Consumers", whole(group.consumers?.length), "number"),
    stackCell("Lag", whole(group.lag), "number"),
    stackCell("In flight", whole(group.in_flight), "number"),
    stackCell("Parked", group.parked > 0 ? h("span", { class: "badge warn" }, whole(group.parked)) : whole(group.parked), "number"),
  ]);
}

/** @param {string} status */
export function statusBadge(status) {
  return h("span", { class: `badge ${status === "Live" ? "good" : "warn"}` }, foreign(status));
}
