/**
 * The state of the way to the store, which has two parts: this page to the program that serves it, and that program to
 * the store. The page asks for it regularly, and at once when a request fails.
 */

import { delay, visible } from "./polling.js";

/** @typedef {"connected" | "page" | "store"} State Connected, or the part that is lost. */

const SECONDS = 2;

/** @type {Set<(state: State, reason: string) => void>} */
const listeners = new Set();
/** @type {State} */
let state = "connected";
let reason = "";
let checkNow = new AbortController();

/** Ask for the state until the page is closed. */
export async function watchConnection() {
  const never = new AbortController().signal;
  for (;;) {
    await visible(never);
    await check();
    checkNow = new AbortController();
    await delay(SECONDS, checkNow.signal);
  }
}

/** Ask for the state at once, because a request has failed. */
export function suspect() {
  checkNow.abort();
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
 * Wait until the way to the store is open, or until the signal is aborted.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function connected(signal) {
  return new Promise((resolve) => {
    const ended = new AbortController();
    signal.addEventListener("abort", () => ended.abort());
    ended.signal.addEventListener("abort", () => resolve());
    queueMicrotask(() => onConnection((now) => now === "connected" && ended.abort(), ended.signal));
  });
}

async function check() {
  try {
    const response = await fetch("/api/status", { cache: "no-store", credentials: "same-origin" });
    const now = await response.json();
    if (now.state === "connected" || now.state === "idle") change("connected", "");
    else change("store", now.reason?.message ?? "");
  } catch {
    change("page", "");
  }
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
