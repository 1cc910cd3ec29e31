// Reads of one stream and of all streams. In @kurrent/kurrentdb-client, they are made by its bridge to Rust.

import assert from "node:assert/strict";
import { all, BACKWARDS, db, END, HAS_V2, jump, newStream, numbers, range, refused, streamOf } from "./peer.mjs";

export async function aStream(client) {
  const stream = await streamOf(client, 700);
  assert.deepEqual(numbers(await all(client.readStream(stream))), range(0, 700));
  assert.deepEqual(numbers(await all(client.readStream(stream, { fromRevision: 698n }))), [698, 699]);
  assert.deepEqual(numbers(await all(client.readStream(stream, { maxCount: 3 }))), [0, 1, 2]);
  const backwards = { direction: BACKWARDS, fromRevision: END };
  assert.deepEqual(numbers(await all(client.readStream(stream, backwards))), range(699, -1));
  const fromTwo = { direction: BACKWARDS, fromRevision: 2n, maxCount: 2 };
  assert.deepEqual(numbers(await all(client.readStream(stream, fromTwo))), [2, 1]);
}

export async function aMissingStream(client) {
  const error = await refused(all(client.readStream(newStream())), "stream-not-found");
  assert.match(error.streamName, /^ponies-/);
}

export async function everything(client) {
  const stream = await streamOf(client, 600);
  const own = ({ event }) => event?.streamId === stream;
  const events = await all(client.readAll());
  assert.deepEqual(numbers(events.filter(own)), range(0, 600));
  const position = events.find(own).event.position;
  assert.deepEqual(numbers((await all(client.readAll({ fromPosition: position }))).filter(own)), range(0, 600));
  const newest = await all(client.readAll({ direction: BACKWARDS, fromPosition: END }));
  assert.deepEqual(numbers(newest.filter(own)), range(599, -1));
}

export async function everythingWithAFilter(client) {
  if (!HAS_V2) return;
  const stream = await streamOf(client, 5);
  await client.appendToStream(stream, jump(0, "PonySlept"));
  const prefix = db.streamNameFilter({ prefixes: [stream] });
  assert.deepEqual(numbers(await all(client.readAll({ filter: prefix }))), range(0, 6));
  const regex = db.eventTypeFilter({ regex: "^PonySlept$" });
  const slept = await all(client.readAll({ filter: regex, direction: BACKWARDS, fromPosition: END, maxCount: 1 }));
  assert.deepEqual([slept[0].event.streamId, slept[0].event.revision], [stream, 5n]);
  const user = await all(client.readAll({ filter: db.excludeSystemEvents() }));
  assert.ok(user.every(({ event }) => !event.type.startsWith("$")));
}

export async function links(client) {
  const [stream, pointers] = [await streamOf(client, 3), newStream()];
  const link = (number) => db.binaryEvent({ type: "$>", data: Buffer.from(`${number}@${stream}`) });
  await client.appendToStream(pointers, [link(2), link(0), link(9)]);
  const resolved = await all(client.readStream(pointers, { resolveLinkTos: true }));
  assert.deepEqual(
    resolved.map(({ event, link }) => [event?.revision, link.revision]),
    [
      [2n, 0n],
      [0n, 1n],
      [undefined, 2n],
    ],
  );
  const raw = await all(client.readStream(pointers));
  assert.deepEqual(raw.map(({ event }) => event.type), ["$>", "$>", "$>"]);
}

export async function aReadThatIsEndedEarly(client) {
  const stream = await streamOf(client, 3000);
  let count = 0;
  for await (const { event } of client.readStream(stream)) {
    assert.equal(Number(event.revision), count);
    if (++count === 10) break;
  }
  assert.equal((await all(client.readStream(stream, { maxCount: 1 }))).length, 1);
}
