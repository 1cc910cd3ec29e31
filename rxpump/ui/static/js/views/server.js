/** The server of the store: its members, our own connection, and measurements of the last minutes. */

import { get, info } from "../api.js";
import { Chart } from "../chart.js";
import { fill, foreign, h } from "../element.js";
import { bytes, tenths, whole } from "../format.js";
import { LiveFeed } from "../live_feed.js";
import { fact, show, uriText, viewHead } from "../parts.js";
import { repeat } from "../polling.js";
import { stackBody, stackCell, stackRow, stackTable } from "../stack_table.js";

/** @typedef {{time: string, written: {events: number, bytes: number, position: string | null} | null, round_trip_ms: number | null, statistics: Record<string, number | string> | null}} Sample */

const CHART_SECONDS = 300;
const MEMBER_SECONDS = 3;
const MOST_CHARTS = 8;
/** Statistics of Event Store that say most. Their names end like this. */
const STATISTICS = /** @type {[RegExp, string, (value: number) => string][]} */ ([
  [/^proc-cpu$/, "Processor", (value) => `${tenths(value)} %`],
  [/^proc-mem$/, "Memory of the server", bytes],
  [/^proc-tcp-connections$/, "TCP connections", whole],
  [/^proc-tcp-receivingSpeed$/, "Received by the server", (value) => `${bytes(Math.round(value))}/s`],
  [/^proc-tcp-sendingSpeed$/, "Sent by the server", (value) => `${bytes(Math.round(value))}/s`],
  [/^es-readIndex-cachedRecord$/, "Records from the cache", whole],
  [/^sys-freeMem$/, "Free memory", bytes],
  [/^sys-loadavg-1m$/, "Load", tenths],
]);

/** @type {import("../router.js").View} */
export async function serverView(root, _route, signal) {
  const about = h("div");
  const charts = new Charts();
  const cluster = h("div");
  let shownMembers = "";
  const connection = h("dd");
  let uri = "";
  const position = h("dd", { class: "mono" }, "–");
  fill(
    root,
    viewHead("Server"),
    about,
    h("section", { "aria-label": "Measurements" }, h("h2", { class: "section-head" }, "Last minutes"), charts.element, charts.rest),
  );
  const loaded = await show(about, load, signal);
  if (!loaded && signal.aborted) return;
  let last = /** @type {Sample | null} */ (null);
  new LiveFeed(
    "/api/server/live",
    ({ name, data }) => {
      if (name === "sample") {
        charts.add(data, last);
        position.textContent = data.written?.position ?? position.textContent;
        last = data;
      } else if (name === "state") showStatus(data);
      else if (name === "open") last = null;
    },
    signal,
  );

  await repeat(followMembers, MEMBER_SECONDS, signal);

  async function followMembers() {
    try {
      showMembers((await get("/api/server", signal)).members);
    } catch {
      // The bar at the top says that the store is lost. The members are those that were known last.
    }
  }

  function showMembers(/** @type {any[]} */ all) {
    const key = JSON.stringify(all);
    if (key === shownMembers || (all.length === 0 && shownMembers !== "")) return;
    shownMembers = key;
    fill(cluster, all.length > 0 && members(all));
  }

  function showStatus(/** @type {any} */ status) {
    fill(connection, stateText(status, uri));
  }

  async function load() {
    const [server, facts] = await Promise.all([get("/api/server", signal), info()]);
    uri = server.uri;
    showStatus(server.status);
    showMembers(server.members);
    return [
      h(
        "section",
        { class: "card", "aria-label": "Facts" },
        h(
          "dl",
          { class: "facts" },
          fact("Server", [server.version && `Version ${server.version}, `, protocolText(server.protocol, server.status.address ?? "")]),
          fact("Address", h("span", { class: "mono" }, uriText(server.uri))),
          h("div", {}, h("dt", {}, "Our connection"), connection),
          h("div", {}, h("dt", {}, "Last position seen"), position),
          fact("rxpump", `Version ${facts.rxpump_version}`),
        ),
      ),
      cluster,
    ];
  }
}

/**
 * @param {string} scheme Scheme of the address that the page was given.
 * @param {string} connected Address of our own connection; empty if there is none.
 */
function protocolText(scheme, connected) {
  // The page of `rxpump serve` uses gRPC if the server has both protocols.
  if (scheme.startsWith("tcp")) return connected.startsWith("kurrentdb:") ? "TCP and gRPC" : "TCP";
  if (scheme.startsWith("esdb") || scheme.startsWith("kurrent")) return "gRPC";
  return scheme === "memory" ? "Store in memory" : "Store in a file of SQLite";
}

/**
 * @param {any} status
 * @param {string} uri Address that the view shows already.
 */
function stateText(status, uri) {
  const good = status.state === "connected";
  const name = status.state.replace(/^./, (/** @type {string} */ letter) => letter.toUpperCase());
  return [
    h("span", { class: `badge ${good ? "good" : "warn"}` }, name),
    status.address && status.address !== uri && h("div", { class: "mono" }, uriText(status.address)),
    status.reason && h("div", { class: "soft" }, foreign(status.reason.message)),
  ];
}

/** @param {any[]} all */
function members(all) {
  const columns = /** @type {[string, (member: any) => import("../element.js").Children][]} */ ([
    ["State", memberState],
    ...(all.some((member) => member.version) ? [["Version", (/** @type {any} */ member) => foreign(member.version || "–")]] : []),
    ...(all.some((member) => member.written) ? [["Bytes written", (/** @type {any} */ member) => whole(member.written)]] : []),
  ]);
  return h(
    "section",
    { class: "card", "aria-label": "Members of the cluster" },
    h("div", { class: "card-head" }, h("h2", {}, "Members of the cluster")),
    stackTable(
      [["Member"], ...columns.map(([head]) => /** @type {[string]} */ ([head]))],
      stackBody(
        all.map((member) =>
          stackRow([stackCell("Member", foreign(member.address), "lead-cell mono"), ...columns.map(([head, cell]) => stackCell(head, cell(member)))]),
        ),
      ),
    ),
  );
}

/** @param {any} member */
function memberState(member) {
  const alive = member.is_alive ?? true;
  const kind = !alive ? "bad" : /leader|master/i.test(member.state) ? "good" : "";
  return [h("span", { class: `badge ${kind}` }, foreign(member.state), alive ? null : ", not alive"), member.reason && h("div", { class: "soft" }, foreign(member.reason))];
}

/** The charts, which appear when the first measurement for them arrives. */
class Charts {
  element = h("div", { class: "charts" });
  rest = h("div");
  /** @type {Map<string, Chart>} */
  #charts = new Map();

  /**
   * @param {Sample} sample
   * @param {Sample | null} before
   */
  add(sample, before) {
    const now = Date.parse(sample.time) / 1000;
    if (sample.written) this.#written(now, sample.written, before);
    if (sample.round_trip_ms !== null) this.#chart("Round trip of a request", (value) => `${tenths(value)} ms`).add(now, sample.round_trip_ms);
    if (sample.statistics !== null) this.#statistics(now, sample.statistics);
  }

  /**
   * @param {number} now
   * @param {{events: number, bytes: number}} written
   * @param {Sample | null} before
   */
  #written(now, written, before) {
    const events = this.#chart("Events written", (value) => `${tenths(value)}/s`);
    const size = this.#chart("Bytes written", (value) => `${bytes(Math.round(value))}/s`);
    if (!before?.written) return;
    const seconds = Math.max(0.2, now - Date.parse(before.time) / 1000);
    events.add(now, (written.events - before.written.events) / seconds);
    size.add(now, (written.bytes - before.written.bytes) / seconds);
  }

  /**
   * @param {number} now
   * @param {Record<string, number | string>} statistics
   */
  #statistics(now, statistics) {
    for (const [pattern, title, format] of STATISTICS) {
      const name = Object.keys(statistics).find((key) => pattern.test(key));
      if (name !== undefined && typeof statistics[name] === "number" && (this.#charts.size < MOST_CHARTS || this.#charts.has(title))) {
        this.#chart(title, format).add(now, statistics[name]);
      }
    }
    const list = this.rest.querySelector("dl");
    const rows = Object.entries(statistics).map(([name, value]) => fact(foreign(name), foreign(typeof value === "number" ? whole(value) : value)));
    if (list) fill(list, rows);
    else fill(this.rest, h("details", { class: "card all-statistics" }, h("summary", { class: "card-head" }, h("h2", {}, "All statistics")), h("dl", { class: "facts" }, rows)));
  }

  /**
   * @param {string} title
   * @param {(value: number) => string} format
   */
  #chart(title, format) {
    let chart = this.#charts.get(title);
    if (chart === undefined) {
      chart = new Chart(title, format, CHART_SECONDS);
      this.#charts.set(title, chart);
      this.element.append(chart.element);
    }
    return chart;
  }
}
