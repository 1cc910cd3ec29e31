// Catch-up subscriptions to one stream and to all streams.

import assert from "node:assert/strict";
import { once } from "node:events";
import { all, BACKWARDS, db, END, HAS_V2, jump, jumps, next, numbers, range, streamOf, take } from "./peer.mjs";

export async function aStream(client) {
  const stream = await streamOf(client, 700);
  const subscription = client.subscribeToStream(stream);
  assert.deepEqual(numbers(await take(subscription, 700)), range(0, 700));
  await client.appendToStream(stream, jumps(0, 2));
  assert.deepEqual(numbers(await take(subscription, 2)), [700, 701]);
  await subscription.unsubscribe();
  const after = client.subscribeToStream(stream, { fromRevision: 700n });
  assert.deepEqual(numbers(await take(after, 1)), [701]);
  await after.unsubscribe();
}

export async function newEventsOfAStream(client) {
  const stream = await streamOf(client, 3);
  const subscription = client.subscribeToStream(stream, { fromRevision: END });
  await once(subscription, "confirmation");
  await client.appendToStream(stream, jump(3));
  assert.deepEqual(numbers(await take(subscription, 1)), [3]);
  await subscription.unsubscribe();
}

export async function everything(client) {
  const [last] = await all(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }));
  const subscription = client.subscribeToAll({ fromPosition: last.event.position });
  const stream = await streamOf(client, 600);
  const own = [];
  while (own.length < 600) {
    const resolved = await next(subscription);
    if (resolved.event?.streamId === stream) own.push(resolved);
  }
  assert.deepEqual(numbers(own), range(0, 600));
  await subscription.unsubscribe();
}

export async function aFilterWithCheckpoints(client) {
  const stream = await streamOf(client, 300);
  await client.appendToStream(stream, jump(0, "PonySlept"));
  const positions = [];
  const filter = db.eventTypeFilter({
    prefixes: ["PonySlept"],
    checkpointInterval: 2,
    maxSearchWindow: 10,
    checkpointReached: (_, position) => positions.push(position.commit),
  });
  const subscription = client.subscribeToAll({ filter });
  while ((await next(subscription)).event.streamId !== stream);
  assert.ok(positions.length > 10);
  assert.deepEqual([...positions].sort((a, b) => Number(a - b)), positions);
  await subscription.unsubscribe();
}

export async function caughtUp(client) {
  if (!HAS_V2) return;
  const stream = await streamOf(client, 3);
  const subscription = client.subscribeToStream(stream);
  const reported = once(subscription, "caughtUp");
  assert.deepEqual(numbers(await take(subscription, 3)), [0, 1, 2]);
  const [info] = await reported;
  assert.equal(info.revision, 2n);
  await subscription.unsubscribe();
}

export async function links(client) {
  const stream = await streamOf(client, 2);
  const pointers = `links-${stream}`;
  const subscription = client.subscribeToStream(pointers, { resolveLinkTos: true });
  await client.appendToStream(pointers, db.binaryEvent({ type: "$>", data: Buffer.from(`1@${stream}`) }));
  const { event, link } = await next(subscription);
  assert.deepEqual([event.streamId, event.revision, link.streamId], [stream, 1n, pointers]);
  await subscription.unsubscribe();
}
