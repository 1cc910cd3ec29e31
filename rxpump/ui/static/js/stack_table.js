/**
 * Tables whose rows become blocks on a narrow screen.
 *
 * A browser may no longer treat a table that is shown as blocks as a table, so the roles are explicit.
 */

import { h } from "./element.js";

/** @typedef {import("./element.js").Children} Children */
/** @typedef {"" | "number" | "lead-cell" | "lead-cell mono" | "nowrap soft"} Kind How the text of a column is set. */

/**
 * Make a table.
 *
 * @param {[string, Kind?][]} heads The headings of the columns, with how they are set.
 * @param {HTMLTableSectionElement} body
 * @param {string} [classes]
 */
export function stackTable(heads, body, classes = "") {
  const cells = heads.map(([text, kind]) => h("th", { scope: "col", role: "columnheader", class: kind === "number" ? kind : null }, text));
  return h("table", { class: `stack ${classes}`.trim(), role: "table" }, h("thead", { role: "rowgroup" }, stackRow(cells)), body);
}

/** @param {HTMLTableRowElement[]} [rows] */
export function stackBody(rows = []) {
  return h("tbody", { role: "rowgroup" }, rows);
}

/** @param {HTMLTableCellElement[]} [cells] */
export function stackRow(cells = []) {
  return h("tr", { role: "row" }, cells);
}

/**
 * Make a cell.
 *
 * @param {string} label Heading of its column, which a narrow screen shows before the value.
 * @param {Children} value
 * @param {Kind} [kind]
 */
export function stackCell(label, value, kind = "") {
  return h("td", { role: "cell", class: kind || null, "data-label": label }, value);
}
