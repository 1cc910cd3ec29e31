/** The data or the metadata of an event: JSON as a tree, other text as it is, bytes in hexadecimal. */

import { get, pathPart } from "./api.js";
import { foreign, h } from "./element.js";
import { bytes } from "./format.js";
import { jsonTree } from "./json_tree.js";
import { failure } from "./parts.js";

/** @typedef {import("./api.js").Content} Content */

const TREE_CHARACTERS = 2 * 1024 * 1024;
const STEP_CHARACTERS = 64 * 1024;
const STEP_BYTES = 4096;
const ROW = 16;

/**
 * Make the block for data or metadata.
 *
 * @param {string} title
 * @param {Content} content
 * @param {(() => Promise<Content>) | null} whole Requests the whole content; null if `content` is whole.
 */
export function dataBlock(title, content, whole) {
  const block = h("section", { class: "data", "aria-label": title });
  render(block, title, content, whole);
  return block;
}

/**
 * Return whether there is nothing to show.
 *
 * @param {Content} content
 */
export function isEmpty(content) {
  return content.kind === "binary" ? content.size === 0 : content.text === "";
}

/**
 * Return the path of an event with all its data.
 *
 * @param {string} stream
 * @param {number} number
 */
export function eventPath(stream, number) {
  return `/api/event/${pathPart(stream)}/${number}`;
}

/**
 * Return a function that requests a part of an event as a whole.
 *
 * @param {import("./api.js").StoreEvent} event
 * @param {"data" | "metadata"} part
 */
export function wholePart(event, part) {
  return event[part].truncated ? async () => /** @type {Content} */ ((await get(eventPath(event.stream, event.number)))[part]) : null;
}

/**
 * @param {HTMLElement} block
 * @param {string} title
 * @param {Content} content
 * @param {(() => Promise<Content>) | null} whole
 */
function render(block, title, content, whole) {
  const size = content.size ?? (content.kind === "binary" ? content.hex.length / 2 : new Blob([content.text]).size);
  const kind = { json: "JSON", text: "text", binary: "binary" }[content.kind];
  const copied = h("span", { role: "status" });
  const copy = h("button", { type: "button", class: "quiet small", onclick: () => copyText(content, copied) }, "Copy");
  const head = h("div", { class: "data-head" }, h("h3", {}, title, " ", h("span", {}, `${kind}, ${bytes(size)}`)), h("div", {}, copied, copy));
  const text = h("div", { class: "data-text", tabindex: 0, role: "group", "aria-label": `${title} of the event` }, body(content));
  block.replaceChildren(head, text);
  if (whole === null) return;
  const button = h("button", { type: "button", class: "small" }, `Load all ${bytes(size)}`);
  const note = h("div", { class: "caution" }, h("span", {}, `These are the first ${bytes(shownBytes(content))}. `), button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Loading";
    try {
      render(block, title, await whole(), null);
      /** @type {HTMLElement | null} */ (block.querySelector(".data-text"))?.focus();
    } catch (error) {
      note.replaceWith(failure(error, () => render(block, title, content, whole)));
    }
  });
  block.append(note);
}

/** @param {Content} content */
function shownBytes(content) {
  return content.kind === "binary" ? content.hex.length / 2 : new Blob([content.text]).size;
}

/** @param {Content} content */
function body(content) {
  if (isEmpty(content)) return h("span", { class: "soft" }, "Empty");
  if (content.kind === "binary") return parts(content.hex.length / 2, STEP_BYTES, (from, to) => h("pre", { class: "hex" }, hexRows(content.hex, from, to)));
  if (content.kind === "json" && !content.truncated && content.text.length <= TREE_CHARACTERS) return jsonTree(content.text);
  return parts(content.text.length, STEP_CHARACTERS, (from, to) => h("pre", {}, foreign(content.text.slice(from, to))));
}

/**
 * Show the first part of something large, and a button that adds the next part.
 *
 * @param {number} length
 * @param {number} step
 * @param {(from: number, to: number) => HTMLElement} part
 */
function parts(length, step, part) {
  const all = h("div");
  const add = (/** @type {number} */ from) => {
    const to = Math.min(from + step, length);
    all.append(part(from, to));
    if (to === length) return;
    const button = h("button", { type: "button", class: "small" }, `Show more (${Math.floor((100 * to) / length)} % shown)`);
    button.addEventListener("click", () => {
      button.remove();
      add(to);
    });
    all.append(button);
  };
  add(0);
  return all;
}

/**
 * Return rows of offset, bytes in hexadecimal, and the bytes that are ASCII.
 *
 * @param {string} hex
 * @param {number} from
 * @param {number} to
 */
export function hexRows(hex, from, to) {
  const rows = [];
  for (let offset = from; offset < to; offset += ROW) {
    const pairs = hex.slice(offset * 2, Math.min(offset + ROW, to) * 2).match(/../g) ?? [];
    const ascii = pairs.map((pair) => printable(parseInt(pair, 16))).join("");
    rows.push(`${offset.toString(16).padStart(6, "0")}  ${pairs.join(" ").padEnd(ROW * 3 - 1)}  ${ascii}`);
  }
  return rows.join("\n");
}

/** @param {number} byte */
function printable(byte) {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".";
}

/**
 * @param {Content} content
 * @param {HTMLElement} note
 */
async function copyText(content, note) {
  try {
    await navigator.clipboard.writeText(content.kind === "binary" ? content.hex : content.text);
    note.textContent = "Copied ";
  } catch {
    note.textContent = "The browser does not allow it ";
  }
}
