// setStreamMetadataRaw and getStreamMetadataRaw: limits, access control, and custom metadata.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  ADMIN,
  ANY,
  EMPTY,
  END,
  es,
  jump,
  listener,
  newStream,
  numbers,
  OPS,
  range,
  refused,
  START,
  streamOf,
} from "./peer.mjs";

const {
  maxAge,
  maxCount,
  truncateBefore,
  cacheControl,
  acl,
  aclRead,
  aclWrite,
  aclDelete,
  aclMetaRead,
  aclMetaWrite,
} = es.systemMetadata;

export async function setAndGet(conn) {
  const stream = newStream();
  const metadata = {
    [maxAge]: 3600,
    [maxCount]: 10,
    [truncateBefore]: 1,
    [cacheControl]: 5,
    [acl]: { [aclRead]: ["$all"] },
    pony: "Derpy",
  };
  const { nextExpectedVersion } = await conn.setStreamMetadataRaw(stream, EMPTY, metadata);
  assert.equal(nextExpectedVersion.toNumber(), 0);
  const got = await conn.getStreamMetadataRaw(stream);
  assert.deepEqual([got.stream, got.isStreamDeleted, got.metastreamVersion.toNumber()], [stream, false, 0]);
  assert.deepEqual(got.streamMetadata, metadata);

  await conn.setStreamMetadataRaw(stream, 0, { pony: "Applejack" });
  await refused(conn.setStreamMetadataRaw(stream, 0, {}), es.WrongExpectedVersionError);
  const later = await conn.getStreamMetadataRaw(stream);
  assert.deepEqual([later.metastreamVersion.toNumber(), later.streamMetadata], [1, { pony: "Applejack" }]);
}

export async function unsetMetadata(conn) {
  for (const stream of [newStream(), await streamOf(conn, 3)]) {
    const { isStreamDeleted, metastreamVersion, streamMetadata } = await conn.getStreamMetadataRaw(stream);
    assert.deepEqual([isStreamDeleted, metastreamVersion.toNumber(), streamMetadata], [false, -1, null]);
  }
}

export async function limitByCount(conn) {
  const stream = await streamOf(conn, 10);
  await conn.setStreamMetadataRaw(stream, ANY, { [maxCount]: 3 });
  const all = await conn.readStreamEventsForward(stream, START, 100);
  assert.deepEqual([numbers(all.events), all.lastEventNumber.toNumber(), all.isEndOfStream], [[7, 8, 9], 9, true]);
  const first = await conn.readStreamEventsForward(stream, START, 4);
  assert.deepEqual([first.events, first.nextEventNumber.toNumber(), first.isEndOfStream], [[], 7, false]);
  assert.deepEqual(numbers((await conn.readStreamEventsBackward(stream, END, 100)).events), [9, 8, 7]);
  assert.equal((await conn.readEvent(stream, 6)).status, es.eventReadStatus.NotFound);

  const { events, live, appeared, wentLive } = listener();
  conn.subscribeToStreamFrom(stream, null, false, appeared, wentLive, undefined, undefined, 2);
  await live.one();
  assert.deepEqual(numbers(await events.take(3)), [7, 8, 9]);

  await conn.appendToStream(stream, ANY, jump(10));
  assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 100)).events), [8, 9, 10]);
  await conn.setStreamMetadataRaw(stream, ANY, {});
  assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 100)).events), range(0, 11));
}

export async function limitByNumber(conn) {
  const stream = await streamOf(conn, 10);
  await conn.setStreamMetadataRaw(stream, ANY, { [truncateBefore]: 8 });
  assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 100)).events), [8, 9]);
  await conn.setStreamMetadataRaw(stream, ANY, null); // empty data counts as no metadata
  assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 100)).events), range(0, 10));
}

export async function eachRightIsSeparate(conn) {
  const asks = {
    [aclRead]: (stream) => conn.readEvent(stream, 0),
    [aclWrite]: (stream) => conn.appendToStream(stream, ANY, jump(1)),
    [aclMetaRead]: (stream) => conn.getStreamMetadataRaw(stream),
    [aclDelete]: (stream) => conn.deleteStream(stream, ANY),
    [aclMetaWrite]: (stream) => conn.setStreamMetadataRaw(stream, ANY, {}),
  };
  for (const taken of Object.keys(asks)) {
    const stream = await streamOf(conn, 1);
    await conn.setStreamMetadataRaw(stream, ANY, { [acl]: { [taken]: "$admins" } });
    await refused(asks[taken](stream), es.AccessDeniedError);
    for (const [right, ask] of Object.entries(asks)) if (right !== taken) await ask(stream);
  }
}

export async function rightsOfUsersAndGroups(conn) {
  const stream = await streamOf(conn, 1);
  await conn.setStreamMetadataRaw(stream, ANY, {
    [acl]: { [aclRead]: ["ops"], [aclWrite]: ["$ops"], [aclMetaWrite]: [] },
  });
  await refused(conn.readStreamEventsForward(stream, START, 1), es.AccessDeniedError);
  await refused(
    conn.subscribeToStream(stream, false, () => {}),
    Error,
    /access denied/,
  );
  await refused(conn.setStreamMetadataRaw(stream, ANY, {}, OPS), es.AccessDeniedError);
  await conn.appendToStream(stream, ANY, jump(1), OPS);
  const { events, appeared } = listener();
  await conn.subscribeToStream(stream, false, appeared, undefined, OPS);
  await conn.appendToStream(stream, ANY, jump(2), ADMIN);
  assert.equal((await events.one()).originalEventNumber.toNumber(), 2);
  assert.equal((await conn.readStreamEventsForward(stream, START, 10, false, OPS)).events.length, 3);
  await conn.setStreamMetadataRaw(stream, ANY, {}, ADMIN);
  assert.equal((await conn.readStreamEventsForward(stream, START, 10)).events.length, 3);
}

export async function aLinkToAnUnreadableStream(conn) {
  const [stream, links] = [await streamOf(conn, 1), newStream()];
  await conn.setStreamMetadataRaw(stream, ANY, { [acl]: { [aclRead]: "$admins" } });
  await conn.appendToStream(links, ANY, es.createEventData(randomUUID(), "$>", false, Buffer.from(`0@${stream}`)));
  await refused(conn.readStreamEventsForward(links, START, 1, true), es.AccessDeniedError);
  await refused(conn.readEvent(links, 0, true), es.AccessDeniedError);
  assert.equal(
    (await conn.readStreamEventsForward(links, START, 1, true, ADMIN)).events[0].event.eventStreamId,
    stream,
  );
}

export async function readAllForOtherUsers(conn) {
  await conn.setStreamMetadataRaw("$all", ANY, { [acl]: { [aclRead]: "$all" } }, ADMIN);
  try {
    assert.ok((await conn.readAllEventsForward(es.positions.start, 10)).events.length > 0);
  } finally {
    await conn.setStreamMetadataRaw("$all", ANY, {}, ADMIN);
  }
  await refused(conn.readAllEventsForward(es.positions.start, 10), es.AccessDeniedError);
}

export async function defaultRightsOfAllStreams(conn) {
  const { userStreamAcl, systemStreamAcl } = es.systemMetadata;
  const stream = await streamOf(conn, 1);
  const settings = (content) =>
    conn.appendToStream("$settings", ANY, es.createJsonEventData(randomUUID(), content, null, "$settings"), ADMIN);
  await settings({ [userStreamAcl]: { [aclRead]: "$ops" }, [systemStreamAcl]: { [aclWrite]: "$all" } });
  try {
    await refused(conn.readEvent(stream, 0), es.AccessDeniedError);
    assert.equal((await conn.readEvent(stream, 0, false, OPS)).status, es.eventReadStatus.Success);
    await conn.appendToStream(`$${newStream()}`, ANY, jump(1));
  } finally {
    await settings({});
  }
  assert.equal((await conn.readEvent(stream, 0)).status, es.eventReadStatus.Success);
}
