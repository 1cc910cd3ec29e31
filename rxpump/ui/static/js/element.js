/**
 * Elements from values. Text becomes text nodes, never markup, so that no event can change the page.
 */

import { visibleText } from "./visible_text.js";

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[] | (Child | Child[])[]} Children */
/** @typedef {Record<string, unknown>} Attributes */

/**
 * Append children to a node. Null, undefined and false are left out.
 *
 * @param {Node} parent
 * @param {Children[]} children
 */
export function append(parent, ...children) {
  for (const child of /** @type {Child[]} */ (children.flat(Infinity))) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Set attributes. A function is a listener for the event that follows "on"; true is an attribute without a value;
 * null, undefined and false leave an attribute out.
 *
 * @param {Element} element
 * @param {Attributes} attributes
 */
function assign(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/**
 * Make an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {Children[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  assign(element, attributes);
  append(element, ...children);
  return element;
}

/**
 * Make an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {Children[]} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, attributes);
  append(element, ...children);
  return /** @type {SVGElementTagNameMap[T]} */ (element);
}

/**
 * Make an element for text of an event: hidden characters are shown, and its direction ends with it.
 *
 * @param {string} text
 * @param {string} [classes]
 */
export function foreign(text, classes = "") {
  return h("span", { class: `foreign ${classes}`.trim(), dir: "auto" }, visibleText(text));
}

/**
 * Replace the children of a node.
 *
 * @param {Element} parent
 * @param {Children[]} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, ...children);
}
