// Shared code of the checks: the client, the address of the server, and helper functions.
//
// NODE_EVENTSTORE_CLIENT names the directory in which the client is installed.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

export const es = createRequire(join(process.env.NODE_EVENTSTORE_CLIENT, "peer"))("node-eventstore-client");
export const [HOST, PORT, HTTP_PORT] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? 0)];
export const ADMIN = new es.UserCredentials("admin", "changeit");
export const OPS = new es.UserCredentials("ops", "changeit");
export const { any: ANY, noStream: NO_STREAM, emptyStream: EMPTY, streamExists: EXISTS } = es.expectedVersion;
export const { start: START, end: END } = es.streamPosition;

/** Run `work` with a connection that is closed after it; `where` is whatever a connection can be made to. */
export async function connected(settings, work, where = { host: HOST, port: PORT }) {
  const conn = es.createConnection(settings, where);
  const isConnected = once(conn, "connected");
  await conn.connect();
  await isConnected;
  try {
    return await work(conn);
  } finally {
    const isClosed = once(conn, "closed");
    conn.close();
    await isClosed;
  }
}

let streams = 0;
export const newStream = () => `ponies-${++streams}-${randomUUID()}`;

export const jump = (height) =>
  es.createJsonEventData(randomUUID(), { pony: "Derpy Hooves", height }, null, "PonyJumped");
export const jumps = (from, to) => Array.from({ length: to - from }, (_, index) => jump(from + index));
export const linkTo = (number, stream) =>
  es.createEventData(randomUUID(), "$>", false, Buffer.from(`${number}@${stream}`));

/** A stream of `count` jumps, of heights from 0. */
export async function streamOf(conn, count) {
  const stream = newStream();
  await conn.appendToStream(stream, NO_STREAM, jumps(0, count));
  return stream;
}

export const heightOf = (resolved) => JSON.parse(resolved.event.data).height;
export const heights = (events) => events.map(heightOf);
export const numbers = (events) => events.map((resolved) => resolved.originalEventNumber.toNumber());
export const range = (from, to) =>
  Array.from({ length: Math.abs(to - from) }, (_, index) => from + index * Math.sign(to - from));

/** The error that `promise` fails with: a `kind` (a class, or its name), with a message like `message`. */
export async function refused(promise, kind, message = /./) {
  const error = await promise.then(
    () => assert.fail(`there was no ${kind.name ?? kind}`),
    (error) => error,
  );
  assert.ok(error.name === kind || (typeof kind === "function" && error instanceof kind), `${error.stack}`);
  assert.match(error.message, message);
  return error;
}

/** A queue of the values that callbacks receive. `take` waits for the next ones. */
export class Received {
  #values = [];
  #waiting = [];

  /** Add a value. */
  put(value) {
    this.#values.push(value);
    if (this.#values.length >= this.#waiting[0]?.count) {
      const { count, resolve } = this.#waiting.shift();
      resolve(this.#values.splice(0, count));
    }
  }

  /** Remove and return the next `count` values, and wait for them if necessary. One caller can wait at a time. */
  take(count) {
    if (this.#values.length >= count) return Promise.resolve(this.#values.splice(0, count));
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  async one() {
    return (await this.take(1))[0];
  }

  /** The number of values in the queue. */
  get left() {
    return this.#values.length;
  }
}

/** Callbacks of a subscription: `events` receives the events, `dropped` receives [reason, error]. */
export function listener() {
  const [events, dropped, live] = [new Received(), new Received(), new Received()];
  return {
    events,
    dropped,
    live,
    appeared: (_, event) => events.put(event),
    wentLive: () => live.put(events.left),
    ended: (_, reason, error) => dropped.put([reason, error]),
  };
}
