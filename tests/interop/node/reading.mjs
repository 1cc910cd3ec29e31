// readEvent, readStreamEventsForward and Backward, readAllEventsForward and Backward, with links resolved or not.

import assert from "node:assert/strict";
import {
  ADMIN,
  ANY,
  END,
  es,
  heightOf,
  heights,
  jump,
  linkTo,
  newStream,
  numbers,
  range,
  refused,
  START,
  streamOf,
} from "./peer.mjs";

const { Success, NotFound, NoStream } = es.eventReadStatus;
const { StreamNotFound } = es.sliceReadStatus;

export async function oneEvent(conn) {
  const stream = await streamOf(conn, 5);
  const { status, event, eventNumber } = await conn.readEvent(stream, 3);
  assert.deepEqual([status, eventNumber.toNumber(), heightOf(event), event.isResolved], [Success, 3, 3, false]);
  assert.equal(heightOf((await conn.readEvent(stream, END)).event), 4);
}

export async function anEventThatDoesNotExist(conn) {
  const stream = await streamOf(conn, 5);
  const past = await conn.readEvent(stream, 5);
  assert.deepEqual([past.status, past.event], [NotFound, null]);
  const none = await conn.readEvent(newStream(), 0);
  assert.deepEqual([none.status, none.event], [NoStream, null]);
}

async function paged(read, from, pageSize) {
  const [events, pages] = [[], []];
  let slice = { nextEventNumber: from, isEndOfStream: false };
  while (!slice.isEndOfStream) {
    slice = await read(slice.nextEventNumber, pageSize);
    events.push(...slice.events);
    pages.push([slice.events.length, slice.nextEventNumber.toNumber(), slice.lastEventNumber.toNumber()]);
  }
  return [heights(events), pages];
}

export async function aStreamForwardInPages(conn) {
  const stream = await streamOf(conn, 25);
  const read = (from, count) => conn.readStreamEventsForward(stream, from, count);
  const [found, pages] = await paged(read, START, 10);
  assert.deepEqual(found, range(0, 25));
  assert.deepEqual(pages, [
    [10, 10, 24],
    [10, 20, 24],
    [5, 25, 24],
  ]);
}

export async function aStreamBackwardInPages(conn) {
  const stream = await streamOf(conn, 25);
  const read = (from, count) => conn.readStreamEventsBackward(stream, from, count);
  const [found, pages] = await paged(read, END, 10);
  assert.deepEqual(found, range(24, -1));
  assert.deepEqual(pages, [
    [10, 14, 24],
    [10, 4, 24],
    [5, -1, 24],
  ]);
}

export async function theLargestPage(conn) {
  const stream = await streamOf(conn, 4096);
  assert.deepEqual(numbers((await conn.readStreamEventsForward(stream, START, 4096)).events), range(0, 4096));
}

export async function pastTheEnd(conn) {
  const stream = await streamOf(conn, 5);
  const { events, nextEventNumber, isEndOfStream } = await conn.readStreamEventsForward(stream, 100, 10);
  assert.deepEqual([events, nextEventNumber.toNumber(), isEndOfStream], [[], 5, true]);
}

export async function aStreamThatDoesNotExist(conn) {
  for (const read of [conn.readStreamEventsForward, conn.readStreamEventsBackward]) {
    const slice = await read.call(conn, newStream(), START, 10);
    assert.deepEqual([slice.status, slice.events, slice.isEndOfStream], [StreamNotFound, [], true]);
    assert.deepEqual([slice.nextEventNumber.toNumber(), slice.lastEventNumber.toNumber()], [-1, -1]);
  }
}

export async function allEventsForward(conn) {
  const stream = await streamOf(conn, 30);
  const found = [];
  let slice = { nextPosition: es.positions.start };
  do {
    slice = await conn.readAllEventsForward(slice.nextPosition, 100, false, ADMIN);
    found.push(...slice.events);
  } while (!slice.isEndOfStream);
  const positions = found.map((resolved) => resolved.originalPosition);
  assert.ok(positions.every((position, index) => index === 0 || position.compareTo(positions[index - 1]) > 0));
  const ours = found.filter((resolved) => resolved.originalStreamId === stream);
  assert.deepEqual(heights(ours), range(0, 30));

  const again = await conn.readAllEventsForward(ours[7].originalPosition, 3, false, ADMIN);
  assert.deepEqual(heights(again.events), [7, 8, 9]);
  assert.ok((await conn.readAllEventsForward(es.positions.end, 10, false, ADMIN)).isEndOfStream);
}

export async function allEventsBackward(conn) {
  await streamOf(conn, 30);
  const newest = await conn.readAllEventsBackward(es.positions.end, 10, false, ADMIN);
  assert.deepEqual(heights(newest.events), range(29, 19));
  const older = await conn.readAllEventsBackward(newest.nextPosition, 10, false, ADMIN);
  assert.deepEqual(heights(older.events), range(19, 9));
  const before = await conn.readAllEventsBackward(older.events[2].originalPosition, 2, false, ADMIN);
  assert.deepEqual(heights(before.events), [16, 15]);
}

export async function readAllNeedsAnAdmin(conn) {
  const { action, stream } = await refused(conn.readAllEventsForward(es.positions.start, 10), es.AccessDeniedError);
  assert.deepEqual([action, stream], ["Read", "$all"]);
  await refused(conn.readAllEventsBackward(es.positions.end, 10), es.AccessDeniedError);
}

async function streamOfLinks(conn) {
  const [stream, links] = [await streamOf(conn, 5), newStream()];
  await conn.appendToStream(links, ANY, [linkTo(3, stream), linkTo(99, stream), jump(42)]);
  return [stream, links];
}

export async function linksResolved(conn) {
  const [stream, links] = await streamOfLinks(conn);
  const { events } = await conn.readStreamEventsForward(links, START, 10, true);
  const [good, broken, plain] = events;
  assert.deepEqual([good.isResolved, heightOf(good), good.event.eventStreamId], [true, 3, stream]);
  assert.deepEqual([good.originalStreamId, good.originalEventNumber.toNumber()], [links, 0]);
  assert.deepEqual([broken.isResolved, broken.event, broken.link.eventType], [false, null, "$>"]);
  assert.deepEqual([plain.isResolved, plain.link, heightOf(plain)], [false, null, 42]);
  assert.deepEqual(numbers((await conn.readStreamEventsBackward(links, END, 10, true)).events), [2, 1, 0]);
  assert.equal(heightOf((await conn.readEvent(links, 0, true)).event), 3);
  assert.equal((await conn.readEvent(links, 1, true)).event.event, null);
}

export async function linksNotResolved(conn) {
  const [stream, links] = await streamOfLinks(conn);
  const { event } = await conn.readEvent(links, 0);
  assert.deepEqual([event.event.eventType, event.event.data.toString(), event.link], ["$>", `3@${stream}`, null]);
  const slice = await conn.readStreamEventsForward(links, START, 10, false);
  assert.deepEqual(
    slice.events.map((resolved) => resolved.event.eventType),
    ["$>", "$>", "PonyJumped"],
  );
}

export async function allEventsWithLinksResolved(conn) {
  const [stream, links] = await streamOfLinks(conn);
  const { events } = await conn.readAllEventsBackward(es.positions.end, 3, true, ADMIN);
  const [plain, broken, good] = events;
  assert.deepEqual([heightOf(plain), broken.event, heightOf(good)], [42, null, 3]);
  assert.deepEqual([good.event.eventStreamId, good.originalStreamId], [stream, links]);
}
