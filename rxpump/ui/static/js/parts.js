/** Small parts of views. */

import { Failure } from "./api.js";
import { markerImage } from "./colors.js";
import { connected } from "./connection.js";
import { fill, foreign, h, svg } from "./element.js";
import { address } from "./router.js";

/**
 * Make the head of a view. Its heading takes the focus when the view is opened.
 *
 * @param {import("./element.js").Child} title
 * @param {{lead?: import("./element.js").Children, crumb?: Node | null, end?: import("./element.js").Children}} [more]
 */
export function viewHead(title, { lead, crumb, end } = {}) {
  return h(
    "div",
    { class: "view-head" },
    h("div", {}, crumb && h("span", { class: "crumb" }, "← ", crumb), h("h1", { tabindex: -1 }, title), lead && h("p", { class: "lead" }, lead)),
    end && h("div", { class: "toolbar" }, end),
  );
}

/** @param {string} label Text for screen readers. */
export function loading(label = "Loading") {
  return h("div", { class: "loading", role: "status", "aria-label": label }, h("span"), h("span"), h("span"));
}

/**
 * Make the text for a list without entries.
 *
 * @param {string} title
 * @param {import("./element.js").Children} text
 */
export function empty(title, text) {
  const picture = svg(
    "svg",
    { viewBox: "0 0 148 40", "aria-hidden": "true" },
    svg("path", { d: "M2 20h142m-6-6 6 6-6 6" }),
    ...[30, 62, 94].map((x) => svg("circle", { cx: x, cy: 20, r: 8 })),
  );
  return h("div", { class: "empty" }, picture, h("h2", {}, title), h("p", {}, text));
}

/**
 * Make a message about a request that failed.
 *
 * @param {unknown} error
 * @param {() => void} [again]
 */
export function failure(error, again) {
  const heading =
    error instanceof Failure && error.status === 404
      ? "Not found"
      : error instanceof Failure && (error.status === 401 || error.status === 403)
        ? "Not allowed"
        : "This did not work";
  const message = error instanceof Error ? error.message : String(error);
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("strong", {}, heading),
    h("p", {}, foreign(message)),
    again && h("button", { type: "button", class: "small", onclick: again }, "Try again"),
  );
}

/**
 * Show the result of an action: a sign of loading until then, and a message if it fails.
 *
 * @param {HTMLElement} place
 * @param {() => Promise<import("./element.js").Children>} action
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} Whether the action succeeded.
 */
export async function show(place, action, signal) {
  const timer = setTimeout(() => fill(place, loading()), 150); // a sign that vanishes at once would only flicker
  try {
    const children = await action();
    clearTimeout(timer);
    if (signal.aborted) return false;
    fill(place, children);
    return true;
  } catch (error) {
    clearTimeout(timer);
    if (signal.aborted) return false;
    const again = () => void show(place, action, signal);
    fill(place, failure(error, again));
    if (!(error instanceof Failure) || error.status === 0 || error.status >= 500) void connected(signal).then(again);
    return false;
  }
}

/**
 * Make a link to a stream.
 *
 * @param {string} name
 * @param {Record<string, string | number>} [query]
 */
export function streamLink(name, query = {}) {
  return h("a", { class: "name", href: address(["stream", name], query) }, foreign(name));
}

/**
 * Return the text of an address. If it is too long for a line, it breaks after its scheme.
 *
 * @param {string} uri
 */
export function uriText(uri) {
  const [scheme, rest] = uri.split(/(?<=^\w+:\/\/)/);
  return rest === undefined ? foreign(uri) : [scheme, h("wbr"), foreign(rest)];
}

/**
 * Make a type with its marker.
 *
 * @param {string} name
 */
export function typeLabel(name) {
  return h("span", { class: "type" }, markerImage(name), foreign(name));
}

/**
 * Make a pair of a list of facts.
 *
 * @param {import("./element.js").Children} name
 * @param {import("./element.js").Children} value
 */
export function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

let fields = 0;

/**
 * Make a field of a form: a label, a control, and a hint below it.
 *
 * @template {HTMLElement} T
 * @param {string} label
 * @param {T} control
 * @param {import("./element.js").Children} [hint]
 */
export function field(label, control, hint) {
  fields += 1;
  control.id ||= `field-${fields}`;
  if (!hint) return h("div", { class: "field" }, h("label", { for: control.id }, label), control);
  control.setAttribute("aria-describedby", `${control.id}-hint`);
  const below = h("span", { class: "hint", id: `${control.id}-hint` }, hint);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, below);
}

/**
 * Make a group of choices, of which one is chosen.
 *
 * @param {string} label
 * @param {[string, string][]} choices Values with their texts.
 * @param {string} chosen
 * @param {(value: string) => void} changed
 */
export function segments(label, choices, chosen, changed) {
  fields += 1;
  const name = `segments-${fields}`;
  return h(
    "fieldset",
    {},
    h("legend", { class: "visually-hidden" }, label),
    h(
      "div",
      { class: "segments" },
      choices.map(([value, text]) =>
        h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => changed(value) }), text),
      ),
    ),
  );
}
