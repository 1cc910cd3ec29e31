/** The streams that were written lately, and a search for others. */

import { encode, get } from "../api.js";
import { append, fill, h } from "../element.js";
import { age, dateAndTime, whole } from "../format.js";
import { empty, failure, loading, streamLink, typeLabel, viewHead } from "../parts.js";
import { repeat } from "../polling.js";
import { address } from "../router.js";
import { stackBody, stackCell, stackRow, stackTable } from "../stack_table.js";

/** @typedef {{stream: string, events: number | null, last_type: string | null, last_age_seconds: number | null, last_time: string | null, last_number: number | null, state: string}} StreamRow */

const SECONDS = 2;
const TYPING_MILLISECONDS = 150;

/** @type {import("../router.js").View} */
export async function streamsView(root, route, signal) {
  let prefix = route.query.get("prefix") ?? "";
  let system = route.query.get("system") === "1";
  let requested = 0;
  const search = h("input", { type: "search", value: prefix, placeholder: "Name or beginning of a name", autocomplete: "off", spellcheck: "false", oninput: typed });
  const count = h("p", { role: "status" });
  const list = h("div", {}, loading("Loading the streams"));
  const rows = new Rows();
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));
  fill(
    root,
    viewHead("Streams", { lead: "The streams that were written last, newest first." }),
    h(
      "form",
      { class: "toolbar", role: "search", onsubmit: open },
      h("div", { class: "grow" }, h("label", { class: "visually-hidden", for: "search" }, "Find a stream"), search),
      h("button", { type: "submit" }, "Open stream"),
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: system, onchange: toggled }), "System streams"),
    ),
    h("section", { class: "card", "aria-label": "Streams" }, h("div", { class: "card-head" }, h("h2", {}, "Recently written"), count), list),
  );
  search.id = "search";
  await repeat(load, SECONDS, signal);

  async function load() {
    const number = ++requested;
    const path = prefix === "" ? `/api/streams?system=${system ? 1 : 0}` : `/api/streams/search?prefix=${encode(prefix)}`;
    try {
      const streams = await get(path, signal);
      if (signal.aborted || number !== requested) return;
      count.textContent = streams.length === 0 ? "" : `${whole(streams.length)} shown`;
      if (streams.length === 0) fill(list, nothing());
      else if (rows.element.parentElement === list) rows.update(streams);
      else {
        rows.update(streams);
        fill(list, rows.element);
      }
    } catch (error) {
      if (!signal.aborted && number === requested && rows.element.parentElement !== list) fill(list, failure(error, load));
    }
  }

  function nothing() {
    if (prefix !== "") return empty("No such stream", "No stream has this name, or a name that begins like this.");
    return empty("No events yet", ["Streams appear here when a program writes to them, for example with ", h("code", {}, "rxpump append"), "."]);
  }

  function typed() {
    prefix = search.value;
    history.replaceState(null, "", address(["streams"], { prefix, system: system ? 1 : null }));
    clearTimeout(timer);
    timer = setTimeout(load, TYPING_MILLISECONDS);
  }

  function toggled(/** @type {Event} */ event) {
    system = /** @type {HTMLInputElement} */ (event.target).checked;
    history.replaceState(null, "", address(["streams"], { prefix, system: system ? 1 : null }));
    void load();
  }

  function open(/** @type {Event} */ event) {
    event.preventDefault();
    if (search.value !== "") location.hash = address(["stream", search.value]);
  }
}

/** Rows of a table that stay the same elements while their values change, so that the focus stays where it is. */
class Rows {
  /** @type {Map<string, {row: HTMLTableRowElement, key: string}>} */
  #rows = new Map();
  #body = stackBody();
  element = stackTable([["Stream"], ["Events", "number"], ["Last event"], ["Age"]], this.#body, "compact");

  /** @param {StreamRow[]} streams */
  update(streams) {
    const focused = document.activeElement;
    const wanted = new Set(streams.map((stream) => stream.stream));
    for (const [name, { row }] of this.#rows) {
      if (wanted.has(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
    streams.forEach((stream, index) => {
      const key = JSON.stringify([stream.events, stream.last_type, stream.state]);
      let known = this.#rows.get(stream.stream);
      if (known === undefined) {
        known = { row: stackRow([stackCell("Stream", streamLink(stream.stream), "lead-cell")]), key: "" };
        this.#rows.set(stream.stream, known);
      }
      if (known.key !== key) cells(known.row, stream);
      known.key = key;
      known.row.cells[3].textContent = age(stream.last_age_seconds);
      if (this.#body.rows[index] !== known.row) this.#body.insertBefore(known.row, this.#body.rows[index] ?? null);
    });
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.element.contains(focused)) focused.focus();
  }
}

/**
 * @param {HTMLTableRowElement} row
 * @param {StreamRow} stream
 */
function cells(row, stream) {
  while (row.cells.length > 1) row.lastElementChild?.remove();
  row.cells[0].querySelector(".badge")?.remove();
  append(row.cells[0], stateBadge(stream.state));
  row.append(
    stackCell("Events", whole(stream.events), "number"),
    stackCell("Last event", stream.last_type === null ? h("span", { class: "soft" }, "–") : typeLabel(stream.last_type)),
    stackCell("Age", null, "nowrap soft"),
  );
  row.cells[1].dataset.unit = stream.events === 1 ? "event" : "events";
  row.cells[3].title = dateAndTime(stream.last_time);
}

/** @type {Record<string, [string, string]>} */
const STATES = {
  deleted: ["Deleted", "warn"],
  tombstoned: ["Tombstoned", "bad"],
};

/**
 * Make a badge for the state of a stream; nothing for a stream that is there as a whole.
 *
 * @param {string} state
 */
export function stateBadge(state) {
  const known = STATES[state];
  return known ? h("span", { class: `badge ${known[1]}` }, known[0]) : null;
}
