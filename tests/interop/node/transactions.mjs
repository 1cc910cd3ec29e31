// startTransaction, continueTransaction, and the methods write, commit and rollback of a transaction.

import assert from "node:assert/strict";
import {
  ADMIN,
  ANY,
  connected,
  es,
  heights,
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

export async function invisibleBeforeTheCommit(conn) {
  const stream = newStream();
  const transaction = await conn.startTransaction(stream, NO_STREAM);
  await transaction.write(jump(0));
  await transaction.write([jump(1), jump(2)]);
  assert.equal((await conn.readEvent(stream, 0)).status, es.eventReadStatus.NoStream);

  const { nextExpectedVersion, logPosition } = await transaction.commit();
  assert.equal(nextExpectedVersion.toNumber(), 2);
  assert.ok(logPosition.commitPosition.gte(transaction.transactionId));
  const slice = await conn.readStreamEventsForward(stream, START, 10);
  assert.deepEqual([heights(slice.events), numbers(slice.events)], [range(0, 3), range(0, 3)]);
}

export async function continuedOnAnotherConnection(conn) {
  const stream = await streamOf(conn, 3);
  const { transactionId } = await conn.startTransaction(stream, 2);
  await connected({}, async (other) => {
    const transaction = other.continueTransaction(transactionId);
    await transaction.write(jumps(3, 5));
    assert.equal((await transaction.commit()).nextExpectedVersion.toNumber(), 4);
  });
  assert.deepEqual(heights((await conn.readStreamEventsForward(stream, START, 10)).events), range(0, 5));
}

export async function rollback(conn) {
  const stream = await streamOf(conn, 3);
  const transaction = await conn.startTransaction(stream, ANY);
  await transaction.write(jump(3));
  transaction.rollback();
  assert.throws(() => transaction.commit(), /rolledback/);
  assert.throws(() => transaction.write(jump(4)), /rolledback/);
  assert.equal((await conn.readEvent(stream, 3)).status, es.eventReadStatus.NotFound);
}

export async function theVersionIsCheckedAtTheCommit(conn) {
  const stream = await streamOf(conn, 3);
  const [late, early] = [await conn.startTransaction(stream, 2), await conn.startTransaction(stream, 2)];
  await late.write(jump(100));
  await early.write(jump(3));
  await early.commit();
  const error = await refused(late.commit(), es.WrongExpectedVersionError);
  assert.equal(error.transactionId.compare(late.transactionId), 0);
  assert.throws(() => late.commit(), /already committed/);
  assert.deepEqual(heights((await conn.readStreamEventsForward(stream, START, 10)).events), range(0, 4));
}

export async function otherAppendsDuringATransaction(conn) {
  const [stream, another] = [newStream(), newStream()];
  const first = await conn.startTransaction(stream, ANY);
  const second = await conn.startTransaction(another, ANY);
  await first.write(jump(1));
  await second.write(jump(10));
  await conn.appendToStream(stream, ANY, jump(0));
  await first.write(jump(2));
  assert.equal((await second.commit()).nextExpectedVersion.toNumber(), 0);
  assert.equal((await first.commit()).nextExpectedVersion.toNumber(), 2);
  assert.deepEqual(heights((await conn.readStreamEventsForward(stream, START, 10)).events), [0, 1, 2]);
  const newest = (await conn.readAllEventsBackward(es.positions.end, 4, false, ADMIN)).events;
  assert.deepEqual(heights(newest), [2, 1, 10, 0], "everything has them where they were committed");
  assert.ok(
    newest.every(({ originalPosition: { commitPosition, preparePosition } }) => commitPosition.gte(preparePosition)),
  );
}

export async function aTransactionWithoutEvents(conn) {
  const stream = await streamOf(conn, 3);
  const transaction = await conn.startTransaction(stream, ANY);
  assert.equal((await transaction.commit()).nextExpectedVersion.toNumber(), 2);
}

export async function aDeletedStream(conn) {
  const stream = await streamOf(conn, 3);
  await conn.deleteStream(stream, ANY, true);
  const transaction = await conn.startTransaction(stream, ANY);
  await transaction.write(jump(1));
  await refused(transaction.commit(), es.StreamDeletedError);
}

export async function aStreamWithoutWriteAccess(conn) {
  const stream = `$${newStream()}`;
  await refused(conn.startTransaction(stream, ANY), es.AccessDeniedError);
  const guarded = await streamOf(conn, 1);
  await conn.setStreamMetadataRaw(guarded, ANY, { $acl: { $w: "$admins" } });
  await refused(conn.startTransaction(guarded, ANY), es.AccessDeniedError);
  const { transactionId } = await conn.startTransaction(stream, ANY, ADMIN);
  await conn.continueTransaction(transactionId).write(jump(1));
  await refused(conn.continueTransaction(transactionId).commit(), es.AccessDeniedError);
  await conn.continueTransaction(transactionId, ADMIN).commit();
  assert.equal((await conn.readEvent(stream, 0, false, ADMIN)).status, es.eventReadStatus.Success);
}
