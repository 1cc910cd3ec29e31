// subscribeToStreamFrom and subscribeToAllFrom deliver existing events, then new ones, each exactly once.

import assert from "node:assert/strict";
import {
  ADMIN,
  ANY,
  connected,
  es,
  heights,
  jump,
  jumps,
  linkTo,
  listener,
  newStream,
  numbers,
  range,
  streamOf,
} from "./peer.mjs";

export async function aStreamFromItsStart(conn) {
  const [stream, { events, live, dropped, appeared, wentLive, ended }] = [await streamOf(conn, 25), listener()];
  const subscription = conn.subscribeToStreamFrom(stream, null, false, appeared, wentLive, ended);
  assert.equal(await live.one(), 25, "all that there is comes before it is live");
  await conn.appendToStream(stream, ANY, jumps(25, 30));
  assert.deepEqual(heights(await events.take(30)), range(0, 30));
  subscription.stop();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);
  await conn.appendToStream(stream, ANY, jump(30));
  assert.equal(events.left, 0);
}

export async function aStreamFromACheckpointInSmallPages(conn) {
  const [stream, { events, live, appeared, wentLive }] = [await streamOf(conn, 25), listener()];
  conn.subscribeToStreamFrom(stream, 9, false, appeared, wentLive, undefined, undefined, 4);
  assert.equal(await live.one(), 15);
  await conn.appendToStream(stream, ANY, jump(25));
  assert.deepEqual(numbers(await events.take(16)), range(10, 26));
}

export async function aStreamThatDoesNotExistYet(conn) {
  const [stream, { events, live, appeared, wentLive }] = [newStream(), listener()];
  conn.subscribeToStreamFrom(stream, null, false, appeared, wentLive);
  assert.equal(await live.one(), 0);
  await conn.appendToStream(stream, ANY, jumps(0, 3));
  assert.deepEqual(numbers(await events.take(3)), [0, 1, 2]);
}

export async function eachEventOnceDuringAppends(conn) {
  const [stream, { events, appeared }] = [await streamOf(conn, 100), listener()];
  await connected({}, async (writer) => {
    const writing = range(0, 200).map((batch) => writer.appendToStream(stream, ANY, jumps(batch * 5, batch * 5 + 5)));
    conn.subscribeToStreamFrom(stream, null, false, appeared, undefined, undefined, undefined, 64);
    await Promise.all(writing);
  });
  assert.deepEqual(numbers(await events.take(1100)), range(0, 1100));
}

export async function aSlowHandlerDelaysTheNextEvent(conn) {
  const [stream, { events, dropped, ended }] = [await streamOf(conn, 5), listener()];
  let [running, writing] = [0, null];
  const slow = async (_, event) => {
    assert.equal(++running, 1);
    await new Promise(setImmediate);
    running -= 1;
    events.put(event);
    if (events.left === 7) throw new Error("enough");
  };
  const goOn = () => (writing = conn.appendToStream(stream, ANY, jumps(5, 9)));
  conn.subscribeToStreamFrom(stream, null, false, slow, goOn, ended);
  const [reason, error] = await dropped.one();
  await writing;
  assert.deepEqual([reason, error.message], ["eventHandlerException", "enough"]);
}

export async function linksResolved(conn) {
  const [stream, links, { events, live, appeared, wentLive }] = [await streamOf(conn, 9), newStream(), listener()];
  await conn.appendToStream(links, ANY, [linkTo(3, stream), linkTo(1, stream)]);
  conn.subscribeToStreamFrom(links, null, true, appeared, wentLive);
  await live.one();
  await conn.appendToStream(links, ANY, linkTo(7, stream));
  const found = await events.take(3);
  assert.deepEqual(
    [heights(found), numbers(found)],
    [
      [3, 1, 7],
      [0, 1, 2],
    ],
  );
}

export async function allEventsFromTheStart(conn) {
  const [stream, { events, live, dropped, appeared, wentLive, ended }] = [await streamOf(conn, 50), listener()];
  const ours = (subscription, event) => event.originalStreamId === stream && appeared(subscription, event);
  const subscription = conn.subscribeToAllFrom(null, false, ours, wentLive, ended, ADMIN);
  assert.equal(await live.one(), 50);
  await conn.appendToStream(stream, ANY, jumps(50, 60));
  assert.deepEqual(heights(await events.take(60)), range(0, 60));
  subscription.stop();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);
}

export async function allEventsFromAPosition(conn) {
  const [stream, { events, live, appeared, wentLive }] = [newStream(), listener()];
  const { logPosition } = await conn.appendToStream(stream, ANY, jumps(0, 5));
  await conn.appendToStream(stream, ANY, jumps(5, 25));
  conn.subscribeToAllFrom(logPosition, false, appeared, wentLive, undefined, ADMIN, 6);
  assert.equal(await live.one(), 20);
  await conn.appendToStream(stream, ANY, jump(25));
  assert.deepEqual(heights(await events.take(21)), range(5, 26));
}

export async function aStreamWithoutReadAccess(conn) {
  const [all, stream] = [listener(), listener()];
  conn.subscribeToAllFrom(null, false, all.appeared, all.wentLive, all.ended);
  conn.subscribeToStreamFrom("$users", null, false, stream.appeared, stream.wentLive, stream.ended);
  for (const { dropped } of [all, stream]) {
    const [reason, error] = await dropped.one();
    assert.equal(reason, "catchUpError");
    assert.ok(error instanceof es.AccessDeniedError);
  }
}
