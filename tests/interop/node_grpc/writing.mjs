// Appends, metadata, deletions.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  all,
  ANY,
  db,
  HAS_V2,
  jump,
  jumps,
  newClient,
  newStream,
  NO_STREAM,
  numbers,
  refused,
  STREAM_EXISTS,
  streamOf,
  when,
} from "./peer.mjs";

export async function oneEvent(client) {
  const [stream, id] = [newStream(), randomUUID()];
  const event = db.jsonEvent({ id, type: "PonyJumped", data: { height: 3 }, metadata: { by: "Derpy" } });
  const result = await client.appendToStream(stream, event, when(NO_STREAM));
  assert.deepEqual([result.success, result.nextExpectedRevision], [true, 0n]);
  assert.ok(result.position.commit > 0n);
  const [{ event: stored, link }] = await all(client.readStream(stream));
  assert.deepEqual([stored.id, stored.type, stored.isJson, stored.streamId], [id, "PonyJumped", true, stream]);
  assert.deepEqual([stored.data, stored.metadata, link], [{ height: 3 }, { by: "Derpy" }, undefined]);
  assert.ok(Math.abs(Date.now() - stored.created.getTime()) < 60_000);
}

export async function binaryData(client) {
  const stream = newStream();
  const event = db.binaryEvent({ type: "Bytes", data: Buffer.from([0, 255, 7]), metadata: Buffer.from([1]) });
  await client.appendToStream(stream, event);
  const [{ event: stored }] = await all(client.readStream(stream));
  assert.equal(stored.isJson, false);
  assert.deepEqual([...stored.data], [0, 255, 7]);
}

export async function manyEvents(client) {
  const stream = await streamOf(client, 1000);
  const result = await client.appendToStream(stream, jumps(0, 3000), when(999n));
  assert.equal(result.nextExpectedRevision, 3999n);
}

export async function largeEvents(client) {
  const stream = newStream();
  const data = [1, 2, 3, 4, 5].map((byte) => Buffer.alloc(900_000, byte));
  await client.appendToStream(
    stream,
    data.map((bytes) => db.binaryEvent({ type: "Large", data: bytes })),
  );
  const read = await all(client.readStream(stream));
  assert.ok(read.every(({ event }, index) => data[index].equals(event.data)));
}

export async function theSameEventsAgain(client) {
  const [stream, events] = [newStream(), jumps(0, 3)];
  const first = await client.appendToStream(stream, events);
  assert.deepEqual(await client.appendToStream(stream, events), first);
  assert.deepEqual(numbers(await all(client.readStream(stream))), [0, 1, 2]);
}

export async function wrongRevisions(client) {
  const stream = await streamOf(client, 3);
  for (const state of [NO_STREAM, 0n, 7n]) {
    const error = await refused(client.appendToStream(stream, jump(1), when(state)), "wrong-expected-version");
    assert.equal(error.streamName, stream);
    assert.equal(error.actualState ?? error.actualVersion, 2n);
  }
  const calm = newClient("&throwOnAppendFailure=false");
  const result = await calm.appendToStream(stream, jump(1), when(7n));
  assert.equal(result.success, false);
  await calm.dispose();
  await refused(client.appendToStream(newStream(), jump(1), when(STREAM_EXISTS)), "wrong-expected-version");
}

export async function atTheSameTime(client) {
  const stream = newStream();
  const results = await Promise.all(Array.from({ length: 100 }, () => client.appendToStream(stream, jumps(0, 3))));
  const last = results.map(({ nextExpectedRevision }) => Number(nextExpectedRevision)).sort((a, b) => a - b);
  assert.deepEqual(last, Array.from({ length: 100 }, (_, index) => 3 * index + 2));
}

export async function streamMetadata(client) {
  const stream = await streamOf(client, 5);
  assert.equal((await client.getStreamMetadata(stream)).metadata, undefined);
  await client.setStreamMetadata(stream, { maxCount: 2, by: "Derpy" }, when(NO_STREAM));
  const { metadata } = await client.getStreamMetadata(stream);
  assert.deepEqual(metadata, { maxCount: 2, by: "Derpy" });
  assert.deepEqual(numbers(await all(client.readStream(stream))), [3, 4]);
  await refused(client.setStreamMetadata(stream, {}, when(7n)), "wrong-expected-version");
}

export async function deletion(client) {
  const stream = await streamOf(client, 2);
  await refused(client.deleteStream(stream, when(0n)), "wrong-expected-version");
  const { position } = await client.deleteStream(stream, when(1n));
  assert.ok(position.commit > 0n);
  await refused(all(client.readStream(stream)), "stream-not-found");
  const result = await client.appendToStream(stream, jump(2), when(NO_STREAM));
  assert.equal(result.nextExpectedRevision, 2n);
  assert.deepEqual(numbers(await all(client.readStream(stream))), [2]);
}

export async function tombstone(client) {
  const stream = await streamOf(client, 2);
  await refused(client.tombstoneStream(stream, when(0n)), "wrong-expected-version");
  await client.tombstoneStream(stream, when(ANY));
  for (const call of [
    () => all(client.readStream(stream)),
    () => client.appendToStream(stream, jump(1)),
    () => client.deleteStream(stream),
    () => client.tombstoneStream(stream),
  ]) {
    await refused(call, "stream-deleted");
  }
}

export async function severalStreams(client) {
  if (!HAS_V2) return;
  const [one, two] = [newStream(), await streamOf(client, 1)];
  const result = await client.multiStreamAppend([
    { streamName: one, events: jumps(0, 2), expectedState: NO_STREAM },
    { streamName: two, events: jumps(1, 2), expectedState: 0n },
  ]);
  assert.ok(result.position > 0n);
  assert.deepEqual(
    result.responses.map(({ streamName, revision }) => [streamName, revision]),
    [
      [one, 1n],
      [two, 1n],
    ],
  );
  const wrong = client.multiStreamAppend([
    { streamName: one, events: jumps(0, 2), expectedState: 1n },
    { streamName: two, events: jumps(1, 2), expectedState: 7n },
  ]);
  const error = await refused(wrong, "wrong-expected-version");
  assert.deepEqual([error.streamName, error.actualState], [two, 1n]);
  assert.deepEqual(numbers(await all(client.readStream(one))), [0, 1]);
}

export async function recordsWithChecks(client) {
  if (!HAS_V2) return;
  const [one, two] = [newStream(), await streamOf(client, 1)];
  const records = () => jumps(0, 2).map((record) => ({ streamName: one, record }));
  const check = (expectedState) => [{ type: db.STREAM_STATE, streamName: two, expectedState }];
  const result = await client.appendRecords(records(), check(0n));
  assert.deepEqual(
    result.responses.map(({ streamName, revision }) => [streamName, revision]),
    [[one, 1n]],
  );
  const error = await refused(client.appendRecords(records(), check(5n)), "append-consistency-violation");
  assert.deepEqual(error.violations, [{ checkIndex: 0, streamName: two, expectedState: 5n, actualState: 0n }]);
}
