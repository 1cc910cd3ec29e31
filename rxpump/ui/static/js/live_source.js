/** The form that chooses the events of the live view, and the address of the choice. */

import { h } from "./element.js";
import { field } from "./parts.js";
import { address } from "./router.js";

/** @typedef {{kind: "all" | "stream" | "prefixes", which: string, types: string, from: string, system: boolean}} Source */

const KINDS = /** @type {[Source["kind"], string][]} */ ([
  ["all", "All streams"],
  ["stream", "One stream"],
  ["prefixes", "Streams by prefix"],
]);
const HINTS = { all: "", stream: "orders", prefixes: "order-, invoice-" };

/**
 * Return the source that an address names.
 *
 * @param {import("./router.js").Route} route
 * @returns {Source}
 */
export function sourceOf({ query }) {
  const kind = query.get("stream") ? "stream" : query.get("prefixes") ? "prefixes" : "all";
  return {
    kind,
    which: query.get(kind) ?? "",
    types: query.get("types") ?? "",
    from: query.get("from") || "end",
    system: query.get("system") === "1",
  };
}

/**
 * Return the path of the request for a source.
 *
 * @param {Source} source
 */
export function pathOf({ kind, which, types, from, system }) {
  const query = new URLSearchParams({ from });
  if (kind === "stream") query.set("stream", which);
  else query.set("all", "1");
  if (kind === "all") query.set("system", system ? "1" : "0");
  if (kind === "prefixes") listed(which).forEach((prefix) => query.append("prefixes", prefix));
  listed(types).forEach((type) => query.append("types", type));
  return `/api/live?${query}`;
}

/** @param {string} text Names that are separated by commas. */
function listed(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}

/**
 * Make the form. It opens the address of the chosen source.
 *
 * @param {Source} source
 */
export function sourceForm(source) {
  const kind = h("select", { onchange: () => update(true) }, KINDS.map(([value, name]) => h("option", { value, selected: value === source.kind }, name)));
  const which = textInput(source.which);
  const types = textInput(source.types, "All types");
  const from = textInput(source.from, "end");
  const system = h("input", { type: "checkbox", checked: source.system });
  const whichField = field("Names", which);
  const systemField = h("label", { class: "check" }, system, "System streams");
  const starts = h("datalist", { id: "starts" }, h("option", { value: "end" }), h("option", { value: "start" }));
  from.setAttribute("list", "starts");
  const update = (/** @type {boolean} */ focus) => {
    const chosen = /** @type {Source["kind"]} */ (kind.value);
    whichField.hidden = chosen === "all";
    systemField.hidden = chosen !== "all";
    which.required = chosen !== "all";
    which.placeholder = HINTS[chosen];
    if (focus && chosen !== "all") which.focus();
  };
  update(false);
  return h(
    "form",
    { class: "card live-source", "aria-label": "Source", onsubmit: submit },
    field("Streams", kind),
    whichField,
    field("Types", types),
    field("From", from),
    starts,
    systemField,
    h("button", { type: "submit" }, "Watch"),
  );

  function submit(/** @type {Event} */ event) {
    event.preventDefault();
    const next = address(["live"], {
      ...(kind.value === "all" ? { system: system.checked ? 1 : "" } : { [kind.value]: which.value }),
      types: types.value,
      from: from.value === "end" ? "" : from.value,
    });
    if (next === location.hash) dispatchEvent(new Event("hashchange"));
    else location.hash = next;
  }
}

/**
 * @param {string} value
 * @param {string} [placeholder]
 */
function textInput(value, placeholder = "") {
  return h("input", { type: "text", value, placeholder, autocomplete: "off", spellcheck: "false" });
}
