/**
 * JSON as a tree that folds.
 *
 * The tree is built from the text itself, because `JSON.parse` rounds large numbers and drops keys that are there
 * twice. The children of a node are made when it is opened, so a large text costs little until then.
 */

import { foreign, h } from "./element.js";
import { counted } from "./format.js";

/** @typedef {{kind: "object" | "array", entries: [string | null, Node_][]}} Branch */
/** @typedef {Branch | {kind: "string", text: string} | {kind: "literal", text: string}} Node_ */

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([[\]{},:])|([^\s[\]{},:"]+))/gy;
const OPEN_ENTRIES = 24;
const SHOWN_ENTRIES = 200;
const SHOWN_CHARACTERS = 600;
const OPEN_LEVELS = 4;
/** Browsers end a page whose elements are nested too deep. */
const MOST_LEVELS = 64;

/**
 * Parse a text that is JSON.
 *
 * @param {string} text
 * @returns {Node_}
 */
export function parse(text) {
  /** @type {Branch} */
  const top = { kind: "array", entries: [] };
  /** @type {Branch[]} */
  const open = [top];
  let key = null;
  let wantsKey = false;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [, string, mark, literal] = match;
    const branch = open[open.length - 1];
    if (mark === "{" || mark === "[") {
      /** @type {Branch} */
      const child = { kind: mark === "{" ? "object" : "array", entries: [] };
      branch.entries.push([key, child]);
      open.push(child);
      key = null;
      wantsKey = mark === "{";
    } else if (mark === "}" || mark === "]") {
      open.pop();
      wantsKey = false;
    } else if (mark === ",") {
      wantsKey = branch.kind === "object";
    } else if (mark === ":") {
      wantsKey = false;
    } else if (wantsKey) {
      key = JSON.parse(string);
    } else {
      branch.entries.push([key, string === undefined ? { kind: "literal", text: literal } : { kind: "string", text: JSON.parse(string) }]);
      key = null;
    }
  }
  return top.entries[0][1];
}

/**
 * Make the elements that show a text that is JSON.
 *
 * @param {string} text
 */
export function jsonTree(text) {
  return h("div", { class: "json" }, shown(parse(text), null, true, 0));
}

/**
 * @param {Node_} node
 * @param {string | null} key
 * @param {boolean} open
 * @param {number} depth
 * @returns {HTMLElement}
 */
function shown(node, key, open, depth) {
  const name = key === null ? null : [foreign(key, "key"), ": "];
  if (node.kind === "literal") return h("span", {}, name, h("span", { class: "literal" }, foreign(node.text)));
  if (node.kind === "string") return h("span", {}, name, string(node.text));
  const [left, right] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (node.entries.length === 0) return h("span", {}, name, left, right);
  if (depth === MOST_LEVELS) return h("span", {}, name, h("span", { class: "fold" }, `${left} more than ${MOST_LEVELS} levels ${right}`));
  const size = counted(node.entries.length, node.kind === "object" ? "key" : "item");
  const fold = h("span", { class: "fold" });
  const details = h("details", {}, h("summary", {}, name, left, fold));
  const list = h("ul");
  const update = () => {
    fold.textContent = details.open ? "" : ` ${size} ${right}`;
    if (details.open && list.childElementCount === 0) {
      more(node.entries, list, 0, depth + 1);
      details.append(list, right);
    }
  };
  details.addEventListener("toggle", update);
  details.open = open;
  update();
  return details;
}

/**
 * Append the entries from an index to a list, and a button for those after them.
 *
 * @param {[string | null, Node_][]} entries
 * @param {HTMLElement} list
 * @param {number} from
 * @param {number} depth
 */
function more(entries, list, from, depth) {
  const part = entries.slice(from, from + SHOWN_ENTRIES);
  for (const [key, node] of part) {
    const small = node.kind === "object" || node.kind === "array" ? node.entries.length <= OPEN_ENTRIES && entries.length <= OPEN_ENTRIES : true;
    list.append(h("li", {}, shown(node, key, small && depth < OPEN_LEVELS, depth)));
  }
  const left = entries.length - from - part.length;
  if (left > 0) {
    const button = h("button", { type: "button", class: "link" }, `Show ${Math.min(left, SHOWN_ENTRIES)} more of ${left}`);
    const item = h("li", {}, button);
    button.addEventListener("click", () => {
      item.remove();
      more(entries, list, from + SHOWN_ENTRIES, depth);
    });
    list.append(item);
  }
}

/** @param {string} text */
function string(text) {
  if (text.length <= SHOWN_CHARACTERS) return h("span", { class: "string" }, '"', foreign(escaped(text)), '"');
  const all = h("button", { type: "button", class: "link" }, `Show all ${counted(text.length, "character")}`);
  const rest = text.slice(0, SHOWN_CHARACTERS);
  const span = h("span", { class: "string" }, '"', foreign(escaped(rest)), "… ", all);
  all.addEventListener("click", () => span.replaceChildren('"', foreign(escaped(text)), '"'));
  return span;
}

/**
 * Return a text with the escapes of JSON, so that line breaks, spaces and quotation marks in it can be told apart.
 *
 * @param {string} text
 */
function escaped(text) {
  return JSON.stringify(text).slice(1, -1);
}
