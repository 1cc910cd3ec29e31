/** The page: the bar at the top, and the view of the current address below it. */

import { info } from "./api.js";
import { onConnection, watchConnection } from "./connection.js";
import { fill, foreign, h } from "./element.js";
import { empty, viewHead } from "./parts.js";
import { address, currentRoute, start } from "./router.js";
import { applyTheme, themeSwitch } from "./theme.js";
import { correlationView } from "./views/correlation.js";
import { groupView } from "./views/group.js";
import { groupsView } from "./views/groups.js";
import { liveView } from "./views/live.js";
import { serverView } from "./views/server.js";
import { streamView } from "./views/stream.js";
import { streamsView } from "./views/streams.js";
import { writeView } from "./views/write.js";

/** @type {Record<string, import("./router.js").View>} */
const VIEWS = {
  streams: streamsView,
  stream: streamView,
  live: liveView,
  groups: groupsView,
  group: groupView,
  correlation: correlationView,
  server: serverView,
  write: writeView,
};
/** The place in the bar that a view belongs to. @type {Record<string, string>} */
const PLACES = { stream: "streams", group: "groups", correlation: "streams" };

const root = /** @type {HTMLElement} */ (document.getElementById("main"));
const places = /** @type {HTMLElement} */ (document.getElementById("places"));
const connection = /** @type {HTMLElement} */ (document.getElementById("connection"));
const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));

applyTheme();
themeSwitch(/** @type {HTMLElement} */ (document.getElementById("theme")));
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  root.focus();
});
showPlaces(false);
onConnection(showConnection);
addEventListener("hashchange", markPlace);
start(root, choose, afterChange);
watchConnection();

/** @param {import("./router.js").Route} route */
function choose(route) {
  markPlace();
  document.title = title(route);
  return VIEWS[route.path[0] ?? "streams"] ?? unknownView;
}

/** @param {import("./router.js").Route} route */
function title({ path }) {
  const name = (path[0] ?? "streams").replace(/^./, (letter) => letter.toUpperCase());
  return [path.slice(1).join(" · ") || name, "rxpump"].join(" – ");
}

function afterChange() {
  scrollTo(0, 0);
  const heading = root.querySelector("h1");
  (heading ?? root).focus({ preventScroll: true });
}

/** @type {import("./router.js").View} */
function unknownView(view) {
  fill(view, viewHead("No such view"), h("div", { class: "card" }, empty("This address shows nothing", "Choose a view above.")));
}

/** @param {boolean} writable */
function showPlaces(writable) {
  const names = ["streams", "live", "groups", "server", ...(writable ? ["write"] : [])];
  fill(
    places,
    names.map((name) => h("a", { href: address([name]), "data-place": name }, name.replace(/^./, (letter) => letter.toUpperCase()))),
  );
  markPlace();
}

function markPlace() {
  const view = currentRoute().path[0] ?? "streams";
  for (const link of places.querySelectorAll("a")) {
    if (link.dataset.place === (PLACES[view] ?? view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/**
 * @param {import("./connection.js").State} state
 * @param {string} reason
 */
async function showConnection(state, reason) {
  connection.dataset.state = state === "connected" ? "connected" : "lost";
  notice.hidden = state === "connected";
  if (state === "page") {
    fill(connection, "Disconnected");
    fill(notice, h("strong", {}, "This page has lost its server. "), "The program may have been stopped. The page continues by itself when it is back.");
  } else if (state === "store") {
    fill(connection, "Store not reachable");
    fill(notice, h("strong", {}, "The event store cannot be reached. "), "rxpump is connecting again. ", foreign(reason, "soft"));
  } else {
    const facts = await info(true).catch(() => null); // a program that was restarted has another token
    if (connection.dataset.state !== "connected" || facts === null) return;
    showPlaces(facts.writable);
    fill(connection, h("span", { class: "visually-hidden" }, "Connected to "), h("span", { class: "where", title: facts.uri }, facts.uri));
  }
}
