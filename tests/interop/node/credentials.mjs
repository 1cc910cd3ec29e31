// Credentials: those of the connection and those of a single call, right and wrong ones.

import assert from "node:assert/strict";
import { ADMIN, ANY, connected, es, jump, listener, newStream, OPS, refused, START, streamOf } from "./peer.mjs";

const WRONG = new es.UserCredentials("admin", "wrong");
const NOBODY = new es.UserCredentials("nobody", "changeit");

export async function defaultCredentialsApplyToEveryCall() {
  await connected({ defaultUserCredentials: ADMIN }, async (conn) => {
    const stream = `$${newStream()}`;
    await conn.appendToStream(stream, ANY, jump(1));
    assert.equal((await conn.readEvent(stream, 0)).status, es.eventReadStatus.Success);
    assert.ok((await conn.readAllEventsForward(es.positions.start, 10)).events.length > 0);
    const { events, appeared } = listener();
    await conn.subscribeToAll(false, appeared);
    await conn.appendToStream(stream, ANY, jump(2));
    assert.equal((await events.one()).originalStreamId, stream);
  });
}

export async function credentialsOfACallReplaceTheDefault() {
  await connected({ defaultUserCredentials: OPS }, async (conn) => {
    const stream = `$${newStream()}`;
    await refused(conn.appendToStream(stream, ANY, jump(1)), es.AccessDeniedError);
    await conn.appendToStream(stream, ANY, jump(1), ADMIN);
    await refused(conn.readEvent(stream, 0), es.AccessDeniedError);
    assert.equal((await conn.readEvent(stream, 0, false, ADMIN)).status, es.eventReadStatus.Success);
  });
}

export async function systemStreamsNeedAnAdmin(conn) {
  const stream = `$${newStream()}`;
  const write = await refused(conn.appendToStream(stream, ANY, jump(1)), es.AccessDeniedError);
  assert.deepEqual([write.action, write.stream], ["Write", stream]);
  await conn.appendToStream(stream, ANY, jump(1), ADMIN);
  for (const user of [undefined, OPS]) {
    await refused(conn.readEvent(stream, 0, false, user), es.AccessDeniedError);
    await refused(conn.readStreamEventsForward(stream, START, 1, false, user), es.AccessDeniedError);
    await refused(conn.readStreamEventsBackward(stream, START, 1, false, user), es.AccessDeniedError);
  }
  assert.equal((await conn.readStreamEventsForward(stream, START, 1, false, ADMIN)).events.length, 1);
}

export async function wrongCredentialsOfACallFailOnlyThatCall(conn) {
  const stream = await streamOf(conn, 3);
  for (const user of [WRONG, NOBODY]) {
    const calls = [
      conn.appendToStream(stream, ANY, jump(1), user),
      conn.readEvent(stream, 0, false, user),
      conn.readStreamEventsForward(stream, START, 1, false, user),
      conn.readStreamEventsBackward(stream, START, 1, false, user),
      conn.readAllEventsForward(es.positions.start, 1, false, user),
      conn.readAllEventsBackward(es.positions.end, 1, false, user),
      conn.subscribeToStream(stream, false, () => {}, undefined, user),
      conn.subscribeToAll(false, () => {}, undefined, user),
    ];
    await Promise.all(calls.map((call) => refused(call, Error, /Not Authenticated/)));
  }
  assert.equal((await conn.readStreamEventsForward(stream, START, 10)).events.length, 3);
}

export async function wrongDefaultCredentialsFailOtherCalls(conn) {
  const stream = await streamOf(conn, 3);
  await connected({ defaultUserCredentials: WRONG }, async (wrong) => {
    await refused(wrong.readEvent(stream, 0), Error, /Not Authenticated/);
    await refused(wrong.appendToStream(stream, ANY, jump(1)), Error, /Not Authenticated/);
    assert.equal((await wrong.readEvent(stream, 0, false, ADMIN)).status, es.eventReadStatus.Success);
  });
}
