/** Append an event, delete a stream, set the metadata of a stream. Only a page that may write has this view. */

import { encode, get, info, pathPart, post } from "../api.js";
import { confirmed } from "../dialog.js";
import { fill, foreign, h } from "../element.js";
import { whole } from "../format.js";
import { errorIndex } from "../json_error.js";
import { empty, failure, field, streamLink, viewHead } from "../parts.js";

const VERSIONS = [
  ["any", "Any version"],
  ["no_stream", "The stream does not exist"],
  ["exists", "The stream exists"],
  ["number", "The last event has this number"],
];

/** @type {import("../router.js").View} */
export async function writeView(root, route, signal) {
  const facts = await info();
  if (signal.aborted) return;
  if (!facts.writable) {
    fill(root, viewHead("Write"), h("div", { class: "card" }, empty("This page only reads", ["Start it with ", h("code", {}, "--writable"), " to append events, delete streams and set metadata."])));
    return;
  }
  const stream = route.query.get("stream") ?? "";
  fill(
    root,
    viewHead("Write", { lead: "Each change is sent to the store at once and cannot be taken back." }),
    appendForm(stream),
    metadataForm(stream),
    deleteForm(stream),
  );
}

/** @param {string} name */
function appendForm(name) {
  const stream = textInput(name);
  const type = textInput("");
  const data = jsonInput("{}");
  const metadata = jsonInput("");
  const version = versionField();
  const result = h("div", { role: "status" });
  return form("Append an event", "Append", result, [h("div", { class: "field-row" }, field("Stream", stream), field("Type", type)), data.element, metadata.element, version.element], async () => {
    if (!data.check() || !metadata.check()) return null;
    const body = { stream: stream.value, type: type.value, data: data.value(), metadata: metadata.value(), expected_version: version.value() };
    const { number } = await post("/api/write/append", body);
    return ["Event ", h("a", { href: `#/stream/${encode(stream.value)}?from=${number}` }, whole(number)), " is in ", streamLink(stream.value), "."];
  });
}

/** @param {string} name */
function metadataForm(name) {
  const stream = textInput(name);
  const metadata = jsonInput("{}", "Metadata of the stream", "For example {\"$maxCount\": 100}. It replaces the metadata that the stream has.");
  const version = versionField();
  const result = h("div", { role: "status" });
  const load = h("button", { type: "button", class: "small", onclick: loadCurrent }, "Load the current metadata");
  return form("Set metadata", "Set metadata", result, [field("Stream", stream), metadata.element, load, h("div", { class: "spaced" }, version.element)], async () => {
    if (!metadata.check()) return null;
    await post("/api/write/metadata", { stream: stream.value, metadata: metadata.value(), expected_version: version.value() });
    return ["The metadata of ", streamLink(stream.value), " are set."];
  });

  async function loadCurrent() {
    try {
      const page = await get(`/api/stream/${pathPart(stream.value)}?from=end&direction=backward&count=1`);
      metadata.set(page.metadata?.content.text || "{}");
      fill(result);
    } catch (error) {
      fill(result, failure(error));
    }
  }
}

/** @param {string} name */
function deleteForm(name) {
  const stream = textInput(name);
  const version = versionField();
  const tombstone = h("input", { type: "checkbox" });
  const result = h("div", { role: "status" });
  return form(
    "Delete a stream",
    "Delete",
    result,
    [field("Stream", stream), version.element, h("label", { class: "check" }, tombstone, "Tombstone: no program can write to the stream again")],
    async () => {
      const made = await confirmed({
        title: tombstone.checked ? "Tombstone this stream?" : "Delete this stream?",
        text: [
          "The events of ",
          foreign(stream.value),
          tombstone.checked ? " will be gone for good, and its name cannot be used again." : " will no longer be visible. The stream exists again once a program writes to it.",
        ],
        action: tombstone.checked ? "Tombstone" : "Delete",
        danger: true,
        typed: tombstone.checked ? stream.value : undefined,
        change: () => post("/api/write/delete", { stream: stream.value, tombstone: tombstone.checked, expected_version: version.value() }),
      });
      return made ? [foreign(stream.value), tombstone.checked ? " is tombstoned." : " is deleted."] : null;
    },
    true,
  );
}

/**
 * @param {string} title
 * @param {string} action
 * @param {HTMLElement} result
 * @param {HTMLElement[]} fields
 * @param {() => Promise<import("../element.js").Children>} change Returns the message of success; null if nothing was sent.
 * @param {boolean} [danger]
 */
function form(title, action, result, fields, change, danger = false) {
  const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
  return h(
    "section",
    { class: "card", "aria-label": title },
    h("div", { class: "card-head" }, h("h2", {}, title)),
    h(
      "form",
      {
        class: "card-body",
        onsubmit: async (/** @type {Event} */ event) => {
          event.preventDefault();
          button.disabled = true;
          try {
            const message = await change();
            if (message !== null) fill(result, h("p", { class: "success" }, message));
          } catch (error) {
            fill(result, failure(error));
          } finally {
            button.disabled = false;
            if (document.activeElement === document.body) button.focus(); // a disabled button loses the focus
          }
        },
      },
      fields,
      result,
      button,
    ),
  );
}

/** @param {string} value */
function textInput(value) {
  return h("input", { type: "text", value, required: true, autocomplete: "off", spellcheck: "false" });
}

/**
 * Make a field for JSON that is checked while it is typed.
 *
 * @param {string} initial
 * @param {string} [label]
 * @param {string} [hint]
 */
function jsonInput(initial, label = initial === "" ? "Metadata" : "Data", hint = initial === "" ? "JSON, or nothing" : "JSON") {
  const input = h("textarea", { spellcheck: "false", oninput: () => check() }, initial);
  const element = field(label, input, hint);
  const wrong = h("span", { class: "wrong", role: "alert" });
  element.append(wrong);
  if (initial === "") input.style.minHeight = "72px";
  const check = () => {
    const problem = jsonProblem(input.value, initial === "");
    wrong.textContent = problem ?? "";
    input.setAttribute("aria-invalid", String(problem !== null));
    if (problem !== null && document.activeElement?.closest("form") === input.closest("form") && document.activeElement !== input) input.focus();
    return problem === null;
  };
  return {
    element,
    check,
    value: () => input.value,
    set: (/** @type {string} */ text) => {
      input.value = text;
      check();
    },
  };
}

/**
 * Return why a text is not JSON; null if it is.
 *
 * @param {string} text
 * @param {boolean} optional
 */
function jsonProblem(text, optional) {
  if (optional && text.trim() === "") return null;
  try {
    JSON.parse(text);
    return null;
  } catch {
    const before = text.slice(0, errorIndex(text)).split("\n");
    return `This is not JSON at line ${before.length}, column ${before[before.length - 1].length + 1}.`;
  }
}

function versionField() {
  const number = h("input", { type: "text", inputmode: "numeric", pattern: "[0-9]+", "aria-label": "Number of the last event", placeholder: "Number", hidden: true });
  const select = h(
    "select",
    {
      onchange: () => {
        number.hidden = select.value !== "number";
        number.required = !number.hidden;
        if (!number.hidden) number.focus();
      },
    },
    VERSIONS.map(([value, text]) => h("option", { value }, text)),
  );
  const element = field("Expected version", select, "If the stream is at another version, nothing is written.");
  select.after(number);
  return { element, value: () => (select.value === "number" ? Number(number.value) : select.value) };
}
