/**
 * A color and a shape for each event type.
 *
 * Six colors that people with any color vision can tell apart, times four shapes, make 24 markers. A type gets the
 * marker that its name selects, or the next free one. The browser remembers the choice, so a type keeps its marker. If
 * none is free, the type takes that of the type that was not seen for the longest time, but of none that this page has
 * shown.
 */

import { svg } from "./element.js";

export const COLORS = 6;
export const SHAPES = ["circle", "diamond", "square", "triangle"];
const MARKERS = COLORS * SHAPES.length;
const KEY = "rxpump.markers";

/** Paths in a box of 12 by 12. */
export const PATHS = {
  circle: "M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10z",
  diamond: "M6 .4 11.6 6 6 11.6 .4 6z",
  square: "M2.6 1.4h6.8q1.2 0 1.2 1.2v6.8q0 1.2-1.2 1.2h-6.8q-1.2 0-1.2-1.2v-6.8q0-1.2 1.2-1.2z",
  triangle: "M6 .9 11.6 10.7H.4z",
};

/** @typedef {{color: number, shape: keyof typeof PATHS}} Marker */

/** Markers by type, the one that was seen last is the last. @type {Map<string, number>} */
const slots = new Map(remembered());
/** @type {Set<string>} */
const shown = new Set();

/** @returns {[string, number][]} */
function remembered() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return stored.filter((/** @type {unknown} */ pair) => Array.isArray(pair) && Number.isInteger(pair[1]) && pair[1] < MARKERS);
  } catch {
    return []; // nothing is stored, or the browser does not allow to store it
  }
}

/**
 * Return the marker of a type.
 *
 * @param {string} type
 * @returns {Marker}
 */
export function markerOf(type) {
  let slot = slots.get(type);
  if (slot === undefined || !shown.has(type)) {
    slot ??= choose(type);
    remember(type, slot);
  }
  return { color: slot % COLORS, shape: /** @type {keyof typeof PATHS} */ (SHAPES[Math.floor(slot / COLORS)]) };
}

/**
 * Keep the marker of a type that is shown for the first time, unless all markers belong to types of this page.
 *
 * @param {string} type
 * @param {number} slot
 */
function remember(type, slot) {
  if (shown.size === MARKERS) return;
  shown.add(type);
  slots.delete(type);
  slots.set(type, slot);
  try {
    localStorage.setItem(KEY, JSON.stringify([...slots]));
  } catch {
    // The choice is kept until the page is closed.
  }
}

/** @param {string} type */
function choose(type) {
  let hash = 2166136261;
  for (let index = 0; index < Math.min(type.length, 256); index += 1) {
    hash = Math.imul(hash ^ type.charCodeAt(index), 16777619) >>> 0;
  }
  const wanted = hash % COLORS; // circles come first, because a diagram of Rx has circles
  const taken = new Set(slots.values());
  for (let step = 0; step < MARKERS; step += 1) {
    const slot = (Math.floor(step / COLORS) * COLORS + ((wanted + step) % COLORS)) % MARKERS;
    if (!taken.has(slot)) return slot;
  }
  const unseen = [...slots.keys()].find((other) => !shown.has(other));
  if (unseen === undefined) return hash % MARKERS;
  const slot = slots.get(unseen) ?? 0;
  slots.delete(unseen);
  return slot;
}

/**
 * Make the marker of a type as an image that screen readers skip.
 *
 * @param {string} type
 */
export function markerImage(type) {
  const { color, shape } = markerOf(type);
  return svg("svg", { class: `marker t${color}`, viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("path", { d: PATHS[shape] }));
}
