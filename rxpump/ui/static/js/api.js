/** Requests to the program that serves this page. */

import { suspect } from "./connection.js";

/** @typedef {{kind: "json" | "text", text: string, size?: number, truncated?: boolean} | {kind: "binary", hex: string, size: number, truncated?: boolean}} Content */
/** @typedef {{stream: string, number: number, leads_to: string, target: {stream: string, number: number} | null, is_broken: boolean}} EventLink */
/**
 * @typedef {object} StoreEvent
 * @property {string} stream
 * @property {number} number
 * @property {string | null} position
 * @property {string} type
 * @property {string} time Time in ISO format.
 * @property {string} id
 * @property {Content} data
 * @property {Content} metadata
 * @property {boolean} [truncated]
 * @property {string | null} [correlation_id]
 * @property {string | null} [causation_id]
 * @property {EventLink | null} [link]
 */
/**
 * @typedef {object} Info
 * @property {string} uri
 * @property {string} protocol
 * @property {string | null} server_version
 * @property {string} rxpump_version
 * @property {boolean} writable
 * @property {string} token
 * @property {{statistics: boolean, members: boolean, groups: {details: boolean, replay_some: boolean, clear: boolean}}} features
 */

/** A request that the server refused, or that did not reach it. */
export class Failure extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status; 0 if there was no reply.
   * @param {string} [kind] Name of the error.
   */
  constructor(message, status, kind = "") {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** @type {Promise<Info> | null} */
let known = null;

/**
 * Return the facts about the store and this page. The first call requests them.
 *
 * @param {boolean} [again] Whether to request them again, because the program may have been restarted.
 * @returns {Promise<Info>}
 */
export function info(again = false) {
  if (known === null || again) {
    const request = /** @type {Promise<Info>} */ (get("/api/info"));
    known = request;
    request.catch(() => {
      if (known === request) known = null;
    });
  }
  return known;
}

/**
 * Request a JSON value.
 *
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  return send(path, { signal });
}

/**
 * Send a change, with the token that shows that this page asks for it.
 *
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export async function post(path, body = {}) {
  try {
    return await postWith(path, body, (await info()).token);
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.status !== 403) throw failure;
    const { token } = await info();
    const fresh = (await info(true)).token;
    if (fresh === token) throw failure;
    return postWith(path, body, fresh); // the program was restarted and has another token
  }
}

/**
 * @param {string} path
 * @param {object} body
 * @param {string} token
 */
function postWith(path, body, token) {
  return send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-RxPump-Token": token },
    body: JSON.stringify(body),
  });
}

/**
 * @param {string} path
 * @param {RequestInit} request
 */
async function send(path, request) {
  let response;
  try {
    response = await fetch(path, { ...request, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    suspect();
    throw new Failure("The program that serves this page does not reply. It may have been stopped.", 0);
  }
  if (response.ok) return response.json();
  if (response.status >= 500) suspect();
  throw await describe(response);
}

/**
 * Return the failure that a response describes.
 *
 * @param {Response} response
 */
export async function describe(response) {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text);
    return new Failure(error.message, response.status, error.kind);
  } catch {
    return new Failure(text || `The reply has the status ${response.status}.`, response.status);
  }
}

/**
 * Return a text as a value in a query or in the hash of an address.
 *
 * @param {string} text
 */
export function encode(text) {
  return encodeURIComponent(text.toWellFormed?.() ?? text);
}

/**
 * Return a name as a part of a path. Browsers remove the parts `.` and `..` from a path, so these names are sent with
 * a character before them that is never sent unencoded otherwise.
 *
 * @param {string} name
 */
export function pathPart(name) {
  return name === "." || name === ".." ? `=${name}` : encode(name);
}
