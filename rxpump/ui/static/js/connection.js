/**
 * The state of the way to the store, which has two parts: this page to the program that serves it, and that program to
 * the store. The bar at the top shows the state, and a notice says what is lost.
 */

/** @typedef {"connected" | "page" | "store"} State Connected, or the part that is lost. */

/** @type {Set<(state: State, reason: string) => void>} */
const listeners = new Set();
/** @type {State} */
let state = "connected";
let reason = "";

/** Record that a reply of the store has arrived. */
export function succeeded() {
  change("connected", "");
}

/**
 * Record that a part of the way is lost.
 *
 * @param {"page" | "store"} part
 * @param {string} [why]
 */
export function failed(part, why = "") {
  change(part, why);
}

/**
 * Call a function with the state now and after each change, until the signal is aborted.
 *
 * @param {(state: State, reason: string) => void} listener
 * @param {AbortSignal} [signal]
 */
export function onConnection(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
  listener(state, reason);
}

/**
 * @param {State} next
 * @param {string} why
 */
function change(next, why) {
  if (next === state && why === reason) return;
  state = next;
  reason = why;
  for (const listener of [...listeners]) listener(state, reason);
}
