// subscribeToStream and subscribeToAll deliver new events.

import assert from "node:assert/strict";
import {
  ADMIN,
  ANY,
  connected,
  heightOf,
  heights,
  jump,
  jumps,
  linkTo,
  listener,
  newStream,
  numbers,
  range,
  refused,
  streamOf,
} from "./peer.mjs";

export async function newEvents(conn) {
  const [stream, { events, dropped, appeared, ended }] = [await streamOf(conn, 3), listener()];
  const subscription = await conn.subscribeToStream(stream, false, appeared, ended);
  assert.deepEqual([subscription.streamId, subscription.isSubscribedToAll], [stream, false]);
  assert.equal(subscription.lastEventNumber.toNumber(), 2);
  const { logPosition } = await conn.appendToStream(stream, ANY, [jump(3), jump(4)]);
  await connected({}, (other) => other.appendToStream(stream, ANY, jump(5)));
  const found = await events.take(3);
  assert.deepEqual(
    [numbers(found), heights(found)],
    [
      [3, 4, 5],
      [3, 4, 5],
    ],
  );
  assert.equal(found[1].originalPosition.compareTo(logPosition), 0);
  assert.ok(logPosition.commitPosition.gt(subscription.lastCommitPosition));

  subscription.unsubscribe();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);
  await conn.appendToStream(stream, ANY, jump(6));
  assert.equal(events.left, 0);
}

export async function aStreamThatDoesNotExistYet(conn) {
  const [stream, { events, dropped, appeared, ended }] = [newStream(), listener()];
  const subscription = await conn.subscribeToStream(stream, false, appeared, ended);
  assert.equal(subscription.lastEventNumber.toNumber(), -1);
  await conn.appendToStream(stream, ANY, jump(1));
  assert.equal(heightOf(await events.one()), 1);
  subscription.close();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);
}

export async function manyInOrder(conn) {
  const [stream, { events, appeared }] = [newStream(), listener()];
  await conn.subscribeToStream(stream, false, appeared);
  await Promise.all(
    range(0, 100).map((batch) => conn.appendToStream(stream, ANY, jumps(batch * 10, batch * 10 + 10))),
  );
  assert.deepEqual(heights(await events.take(1000)), range(0, 1000));
}

export async function linksResolvedAndNot(conn) {
  const [stream, links] = [await streamOf(conn, 5), newStream()];
  const [resolving, plain] = [listener(), listener()];
  await conn.subscribeToStream(links, true, resolving.appeared);
  await conn.subscribeToStream(links, false, plain.appeared);
  await conn.appendToStream(links, ANY, [linkTo(3, stream), linkTo(99, stream)]);
  const [good, broken] = await resolving.events.take(2);
  assert.deepEqual([heightOf(good), good.originalStreamId, broken.event, broken.isResolved], [3, links, null, false]);
  const asTheyAre = await plain.events.take(2);
  assert.deepEqual(
    asTheyAre.map((resolved) => resolved.event.data.toString()),
    [`3@${stream}`, `99@${stream}`],
  );
}

export async function allNewEvents(conn) {
  const [one, other, { events, dropped, appeared, ended }] = [newStream(), newStream(), listener()];
  const subscription = await conn.subscribeToAll(false, appeared, ended, ADMIN);
  assert.ok(subscription.isSubscribedToAll);
  const results = [];
  for (const stream of [one, other, one]) results.push(await conn.appendToStream(stream, ANY, jump(1)));
  const found = await events.take(3);
  assert.deepEqual(
    found.map((resolved) => resolved.originalStreamId),
    [one, other, one],
  );
  assert.deepEqual(
    found.map((resolved) => `${resolved.originalPosition}`),
    results.map((result) => `${result.logPosition}`),
  );
  subscription.unsubscribe();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);
}

export async function aStreamWithoutReadAccess(conn) {
  await refused(
    conn.subscribeToAll(false, () => {}),
    Error,
    /access denied/,
  );
  await refused(
    conn.subscribeToStream("$users", false, () => {}),
    Error,
    /access denied/,
  );
}

export async function manySubscriptionsOfAConnection(conn) {
  const streams = range(0, 20).map(newStream);
  const listeners = streams.map(listener);
  await Promise.all(streams.map((stream, index) => conn.subscribeToStream(stream, false, listeners[index].appeared)));
  await Promise.all(streams.map((stream, index) => conn.appendToStream(stream, ANY, jump(index))));
  const found = await Promise.all(listeners.map(({ events }) => events.one()));
  assert.deepEqual(heights(found), range(0, 20));
}

export async function closingTheConnectionDropsIt() {
  const { dropped, appeared, ended } = listener();
  await connected({}, (conn) => conn.subscribeToStream(newStream(), false, appeared, ended));
  const [reason] = await dropped.one();
  assert.equal(reason, "connectionClosed");
}
