// appendToStream: every expected version, batches, and a repeated append.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  ANY,
  EMPTY,
  EXISTS,
  es,
  jump,
  jumps,
  newStream,
  NO_STREAM,
  numbers,
  range,
  refused,
  START,
  streamOf,
} from "./peer.mjs";

export async function oneJsonEventWithMetadata(conn) {
  const [stream, id] = [newStream(), randomUUID()];
  const written = es.createJsonEventData(id, { pony: "Ðerpy ☂" }, { judge: "Applejack" }, "PonyJumped");
  const { nextExpectedVersion, logPosition } = await conn.appendToStream(stream, NO_STREAM, written);
  assert.equal(nextExpectedVersion.toNumber(), 0);
  assert.ok(logPosition.compareTo(es.positions.start) > 0);

  const { event } = await conn.readEvent(stream, 0);
  const { eventStreamId, eventId, eventNumber, eventType, isJson, data, metadata, created } = event.event;
  assert.deepEqual(
    [eventStreamId, eventId, eventNumber.toNumber(), eventType, isJson],
    [stream, id, 0, "PonyJumped", true],
  );
  assert.deepEqual([JSON.parse(data), JSON.parse(metadata)], [{ pony: "Ðerpy ☂" }, { judge: "Applejack" }]);
  assert.ok(Math.abs(Date.now() - created) < 60_000);
}

export async function aJsonEventWithTheNameOfItsClass(conn) {
  class PonySlept {}
  const stream = newStream();
  await conn.appendToStream(stream, ANY, es.createJsonEventData(randomUUID(), new PonySlept()));
  const { event } = await conn.readEvent(stream, 0);
  assert.deepEqual(
    [event.event.eventType, event.event.data.toString(), event.event.metadata.length],
    ["PonySlept", "{}", 0],
  );
}

export async function binaryEvents(conn) {
  const stream = newStream();
  const everyByte = Buffer.from(range(0, 256));
  const events = [
    es.createEventData(randomUUID(), "bytes", false, everyByte, everyByte),
    es.createEventData(randomUUID(), "nothing", false),
    es.createEventData(randomUUID(), "big", false, Buffer.alloc(1 << 20, 7)),
  ];
  await conn.appendToStream(stream, ANY, events);
  const slice = await conn.readStreamEventsForward(stream, START, 10);
  const [bytes, nothing, big] = slice.events.map((resolved) => resolved.event);
  assert.deepEqual([bytes.isJson, bytes.data, bytes.metadata], [false, everyByte, everyByte]);
  assert.deepEqual([nothing.data.length, nothing.metadata.length], [0, 0]);
  assert.ok(big.data.equals(Buffer.alloc(1 << 20, 7)));
}

export async function aBatch(conn) {
  const [stream, events] = [newStream(), jumps(0, 100)];
  const result = await conn.appendToStream(stream, NO_STREAM, events);
  assert.equal(result.nextExpectedVersion.toNumber(), 99);
  const slice = await conn.readStreamEventsForward(stream, START, 100);
  assert.deepEqual(
    slice.events.map((resolved) => resolved.event.eventId),
    events.map((event) => event.eventId),
  );
}

export async function noEvents(conn) {
  const stream = newStream();
  assert.equal((await conn.appendToStream(stream, ANY, [])).nextExpectedVersion.toNumber(), -1);
  assert.equal((await conn.readEvent(stream, 0)).status, es.eventReadStatus.NoStream);
}

export async function rightExpectedVersions(conn) {
  const stream = newStream();
  const next = [];
  for (const version of [EMPTY, 0, ANY, EXISTS, 3]) {
    next.push((await conn.appendToStream(stream, version, jump(1))).nextExpectedVersion);
  }
  await conn.appendToStream(stream, next.at(-1), jump(1)); // a Long, the type of numbers in results
  assert.deepEqual(next.map(Number), [0, 1, 2, 3, 4]);
}

export async function wrongExpectedVersions(conn) {
  const [three, none] = [await streamOf(conn, 3), newStream()];
  for (const [stream, version] of [
    [three, NO_STREAM],
    [three, 0],
    [three, 3],
    [none, 0],
    [none, EXISTS],
  ]) {
    const error = await refused(conn.appendToStream(stream, version, jump(1)), es.WrongExpectedVersionError);
    assert.deepEqual([error.action, error.stream, error.expectedVersion.toNumber()], ["Append", stream, version]);
  }
  assert.equal((await conn.readEvent(none, 0)).status, es.eventReadStatus.NoStream);
}

export async function aRepeatedAppend(conn) {
  const events = jumps(0, 3);
  for (const version of [NO_STREAM, ANY]) {
    const stream = newStream();
    for (const _ of range(0, 3)) {
      assert.equal((await conn.appendToStream(stream, version, events)).nextExpectedVersion.toNumber(), 2);
    }
    assert.equal((await conn.appendToStream(stream, 0, events.slice(1))).nextExpectedVersion.toNumber(), 2);
    await refused(conn.appendToStream(stream, version, [...events, jump(4)]), es.WrongExpectedVersionError);
    assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 10)).events), [0, 1, 2]);
  }
}

export async function appendsInFlightKeepTheirOrder(conn) {
  const stream = newStream();
  await Promise.all(range(0, 500).map((number) => conn.appendToStream(stream, number - 1, jump(number))));
  const slice = await conn.readStreamEventsForward(stream, 490, 100);
  assert.deepEqual([numbers(slice.events), slice.isEndOfStream], [range(490, 500), true]);
}

export async function anInvalidExpectedVersion(conn) {
  await refused(conn.appendToStream(newStream(), -3, jump(1)), Error, /Bad request/);
  await conn.appendToStream(newStream(), ANY, jump(1));
}
