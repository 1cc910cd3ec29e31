/**
 * The views and their addresses, which follow "#" in the address of the page: "#/stream/orders?from=41".
 */

/** @typedef {{path: string[], query: URLSearchParams}} Route */
/** @typedef {(root: HTMLElement, route: Route, signal: AbortSignal) => void | Promise<void>} View */

/**
 * Return the address of a view.
 *
 * @param {string[]} path
 * @param {Record<string, string | number | null | undefined>} [query] Values that are null or empty are left out.
 */
export function address(path, query = {}) {
  const used = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(used.map(([key, value]) => [key, String(value)])).toString();
  return `#/${path.map((part) => encodeURIComponent(part.toWellFormed?.() ?? part)).join("/")}${search ? `?${search}` : ""}`;
}

/** @returns {Route} */
export function currentRoute() {
  const [path = "", search = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(search) };
}

/**
 * Show the view of the current address now and after each change of it.
 *
 * The signal of a view is aborted when another view replaces it. A view ends its requests and timers with it.
 *
 * @param {HTMLElement} root
 * @param {(route: Route) => View} choose
 * @param {(route: Route) => void} shown Called after each change, except for the first view.
 */
export function start(root, choose, shown) {
  let current = new AbortController();
  const show = async (/** @type {boolean} */ first) => {
    current.abort();
    current = new AbortController();
    const { signal } = current;
    const route = currentRoute();
    root.replaceChildren();
    const done = choose(route)(root, route, signal);
    if (!first) shown(route);
    await done;
  };
  addEventListener("hashchange", () => show(false));
  return show(true);
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
