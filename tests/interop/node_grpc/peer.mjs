// Shared code of the checks: the client, and helper functions.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const [DIRECTORY, PACKAGE, URI] = process.argv.slice(2);

export const db = createRequire(join(DIRECTORY, "peer"))(PACKAGE);
export const HAS_V2 = PACKAGE === "@kurrent/kurrentdb-client";
export const { ANY, NO_STREAM, STREAM_EXISTS, START, END, BACKWARDS } = db;
export const IS_SECURE = !URI.includes("tls=false");

export const newClient = (options = "") =>
  (HAS_V2 ? db.KurrentDBClient : db.EventStoreDBClient).connectionString(URI + options);

/** The option of a writing method that names the state in which a stream must be: its name depends on the method. */
export const when = (state) => ({ streamState: state, expectedRevision: state });

let streams = 0;
export const newStream = () => `ponies-${++streams}-${randomUUID()}`;
export const newGroup = () => `judges-${randomUUID()}`;

export const jump = (height, type = "PonyJumped") => db.jsonEvent({ type, data: { pony: "Derpy Hooves", height } });
export const jumps = (from, to) => range(from, to).map((height) => jump(height));
export const range = (from, to) =>
  Array.from({ length: Math.abs(to - from) }, (_, index) => from + index * Math.sign(to - from));

/** A stream of `count` jumps, of heights from 0. */
export async function streamOf(client, count) {
  const stream = newStream();
  await client.appendToStream(stream, jumps(0, count), when(NO_STREAM));
  return stream;
}

/** All events of a read. */
export async function all(events) {
  const read = [];
  for await (const event of events) read.push(event);
  return read;
}

/** The next `count` events of a subscription. */
export async function take(subscription, count) {
  const events = [];
  for (let missing = count; missing > 0; missing--) events.push(await next(subscription));
  return events;
}

const iterators = new WeakMap();

/** The next event of a subscription. */
export async function next(subscription) {
  if (!iterators.has(subscription)) iterators.set(subscription, subscription[Symbol.asyncIterator]());
  const { done, value } = await iterators.get(subscription).next();
  assert.ok(!done, "the subscription has ended");
  return value;
}

export const numbers = (resolved) => resolved.map(({ event }) => Number(event.revision));

/** The error that a promise, or a call of an async function, fails with; its type is like "stream-not-found". */
export async function refused(call, ...types) {
  const error = await (typeof call === "function" ? call() : call).then(
    () => assert.fail(`there was no ${types}`),
    (error) => error,
  );
  assert.ok(types.includes(error.type), `${error.type}: ${error.stack}`);
  return error;
}

/** Wait until `condition` returns true. */
export async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
