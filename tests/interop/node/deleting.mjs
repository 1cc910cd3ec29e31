// deleteStream, soft and hard: the remaining events, refusals, and later appends.

import assert from "node:assert/strict";
import {
  ADMIN,
  ANY,
  END,
  es,
  EXISTS,
  heights,
  jump,
  listener,
  newStream,
  NO_STREAM,
  numbers,
  refused,
  START,
  streamOf,
} from "./peer.mjs";

const { NoStream, StreamDeleted } = es.eventReadStatus;
const FOR_GOOD = true;

export async function softDelete(conn) {
  const stream = await streamOf(conn, 3);
  const { logPosition } = await conn.deleteStream(stream, 2);
  assert.ok(logPosition.compareTo(es.positions.start) > 0);
  const slice = await conn.readStreamEventsForward(stream, START, 10);
  assert.deepEqual([slice.status, slice.events], [es.sliceReadStatus.StreamNotFound, []]);
  assert.equal((await conn.readStreamEventsBackward(stream, END, 10)).status, es.sliceReadStatus.StreamNotFound);
  assert.equal((await conn.readEvent(stream, 0)).status, NoStream);
  await refused(conn.appendToStream(stream, EXISTS, jump(3)), es.StreamDeletedError);
}

export async function numbersContinueAfterASoftDelete(conn) {
  for (const version of [NO_STREAM, ANY, 2]) {
    const stream = await streamOf(conn, 3);
    await conn.deleteStream(stream, ANY, false);
    assert.equal((await conn.appendToStream(stream, version, [jump(7), jump(8)])).nextExpectedVersion.toNumber(), 4);
    const { events, lastEventNumber } = await conn.readStreamEventsForward(stream, START, 10);
    assert.deepEqual([numbers(events), heights(events), lastEventNumber.toNumber()], [[3, 4], [7, 8], 4]);
    assert.equal((await conn.readEvent(stream, 2)).status, es.eventReadStatus.NotFound);
    assert.deepEqual((await conn.getStreamMetadataRaw(stream)).streamMetadata, { $tb: 3 });
  }
}

export async function softDeleteTwiceThenHardDelete(conn) {
  const stream = await streamOf(conn, 3);
  await conn.deleteStream(stream, ANY);
  await conn.deleteStream(stream, 2);
  await conn.deleteStream(stream, ANY, FOR_GOOD);
  assert.equal((await conn.readEvent(stream, 0)).status, StreamDeleted);
}

export async function hardDelete(conn) {
  const [stream, { events, appeared }] = [await streamOf(conn, 3), listener()];
  await conn.subscribeToStream(stream, false, appeared);
  const { logPosition } = await conn.deleteStream(stream, 2, FOR_GOOD);
  assert.equal((await conn.readEvent(stream, 0)).status, StreamDeleted);
  for (const read of [conn.readStreamEventsForward, conn.readStreamEventsBackward]) {
    const { status, events } = await read.call(conn, stream, START, 10);
    assert.deepEqual([status, events], [es.sliceReadStatus.StreamDeleted, []]);
  }
  for (const version of [ANY, NO_STREAM, EXISTS, 2]) {
    const error = await refused(conn.appendToStream(stream, version, jump(3)), es.StreamDeletedError);
    assert.equal(error.stream, stream);
  }
  await refused(conn.deleteStream(stream, ANY), es.StreamDeletedError);
  await refused(conn.deleteStream(stream, ANY, FOR_GOOD), es.StreamDeletedError);
  assert.ok((await conn.getStreamMetadataRaw(stream)).isStreamDeleted);

  const { event, originalPosition } = await events.one();
  assert.deepEqual([event.eventType, event.eventNumber.toString()], ["$streamDeleted", "9223372036854775807"]);
  assert.equal(originalPosition.compareTo(logPosition), 0);
  const [last] = (await conn.readAllEventsBackward(es.positions.end, 1, false, ADMIN)).events;
  assert.deepEqual([last.originalStreamId, last.event.eventType], [stream, "$streamDeleted"]);
}

export async function wrongExpectedVersion(conn) {
  const stream = await streamOf(conn, 3);
  for (const version of [NO_STREAM, 1, 3]) {
    for (const hard of [false, FOR_GOOD]) {
      const error = await refused(conn.deleteStream(stream, version, hard), es.WrongExpectedVersionError);
      assert.deepEqual([error.action, error.stream, error.expectedVersion.toNumber()], ["Delete", stream, version]);
    }
  }
  assert.equal((await conn.readStreamEventsForward(stream, START, 10)).events.length, 3);
}

export async function expectedVersionStreamExists(conn) {
  const stream = await streamOf(conn, 3);
  await conn.deleteStream(stream, EXISTS);
  assert.equal((await conn.readStreamEventsForward(stream, START, 10)).status, es.sliceReadStatus.StreamNotFound);
}

export async function aStreamThatDoesNotExist(conn) {
  for (const version of [ANY, NO_STREAM]) {
    await conn.deleteStream(newStream(), version);
    await conn.deleteStream(newStream(), version, FOR_GOOD);
  }
}

export async function aStreamWithoutDeleteAccess(conn) {
  const stream = `$${newStream()}`;
  await conn.appendToStream(stream, ANY, jump(1), ADMIN);
  const { action } = await refused(conn.deleteStream(stream, ANY), es.AccessDeniedError);
  assert.equal(action, "Delete");
  await refused(conn.deleteStream(`$$${stream}`, ANY, false, ADMIN), es.AccessDeniedError);
  await conn.deleteStream(stream, ANY, FOR_GOOD, ADMIN);
  assert.equal((await conn.readEvent(stream, 0, false, ADMIN)).status, StreamDeleted);
}
