/** Requests that are repeated while a view is shown. */

const SHARE = 10;

/**
 * Repeat an action until the signal is aborted. No action starts while the page is hidden or the last one runs.
 *
 * The pause after a slow action is longer, so that requests take at most a tenth of the time of a busy server.
 *
 * @param {() => Promise<void>} action Handles its own errors.
 * @param {number} seconds Shortest time between the end of an action and the next one.
 * @param {AbortSignal} signal
 */
export async function repeat(action, seconds, signal) {
  while (!signal.aborted) {
    const started = performance.now();
    await action();
    const taken = (performance.now() - started) / 1000;
    await delay(Math.max(seconds, SHARE * taken), signal);
    await visible(signal);
  }
}

/**
 * Wait for a time, or until the signal is aborted.
 *
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function delay(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

/**
 * Wait until the page can be seen, or until the signal is aborted.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function visible(signal) {
  return new Promise((resolve) => {
    if (!document.hidden || signal.aborted) return resolve();
    const done = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    signal.addEventListener("abort", done);
  });
}
