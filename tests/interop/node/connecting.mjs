// createConnection: settings, events of a connection, and reconnecting.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ANY,
  connected,
  es,
  heights,
  HOST,
  jump,
  jumps,
  listener,
  newStream,
  numbers,
  PORT,
  range,
  refused,
  START,
  streamOf,
} from "./peer.mjs";

export async function byUrlAndByName() {
  const conn = es.createConnection({}, `tcp://${HOST}:${PORT}`, "ponies");
  assert.equal(conn.connectionName, "ponies");
  const isConnected = once(conn, "connected");
  await conn.connect();
  const [{ host, port }] = await isConnected;
  assert.deepEqual([host, port], [HOST, PORT]);
  await refused(conn.connect(), Error, /already active/);

  const isClosed = once(conn, "closed");
  conn.close();
  assert.match((await isClosed)[0], /requested by client/);
  await refused(conn.readEvent("ponies", 0), Error, /is closed/);
}

export async function requestsBeforeTheConnection() {
  const conn = es.EventStoreConnection.create({}, { host: HOST, port: PORT });
  const stream = newStream();
  const [, write] = await Promise.all([conn.connect(), conn.appendToStream(stream, ANY, jump(1))]);
  assert.equal(write.nextExpectedVersion.toNumber(), 0);
  conn.close();
}

export async function requireMasterIsFalse() {
  await connected({ requireMaster: false }, async (conn) => {
    const stream = await streamOf(conn, 3);
    assert.equal((await conn.readStreamEventsForward(stream, START, 10)).events.length, 3);
  });
}

export async function fewRequestsInFlight() {
  await connected({ maxConcurrentItems: 2, maxQueueSize: 50 }, async (conn) => {
    const stream = newStream();
    await Promise.all(range(0, 300).map((number) => conn.appendToStream(stream, ANY, jump(number))));
    assert.equal((await conn.readStreamEventsForward(stream, START, 1000)).events.length, 300);
  });
}

export async function heartbeats() {
  await connected({ heartbeatInterval: 100, heartbeatTimeout: 1000 }, async (conn) => {
    const [heard] = await once(conn, "heartbeatInfo");
    assert.ok(heard.responseReceivedAt >= heard.requestSentAt);
    assert.equal(heard.remoteEndPoint.port, PORT);
  });
}

export async function verboseLogging() {
  const path = join(await mkdtemp(join(tmpdir(), "node-eventstore-client-")), "log");
  await connected({ log: new es.FileLogger(path, false), verboseLogging: true }, (conn) => streamOf(conn, 1));
  assert.match(await readFile(path, "utf8"), /AppendToStreamOperation/);
}

/** Stands between the client and the server; `cut` ends all connections through it. */
async function proxy(work) {
  const sockets = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(PORT, HOST);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from.on("error", () => {}).on("close", () => to.destroy()));
      from.pipe(to);
    }
  });
  const cut = () => sockets.forEach((socket) => socket.destroy());
  await once(server.listen(0, HOST), "listening");
  try {
    await work(server.address().port, cut);
  } finally {
    cut();
    server.close();
  }
}

export async function reconnectsAfterACut() {
  await proxy((port, cut) =>
    connected(
      { reconnectionDelay: 0 },
      async (conn) => {
        const stream = await streamOf(conn, 3);
        const [{ events, live, appeared, wentLive }, volatile] = [listener(), listener()];
        conn.subscribeToStreamFrom(stream, null, false, appeared, wentLive);
        await live.one();
        await conn.subscribeToStream(stream, false, volatile.appeared, volatile.ended);

        const signs = ["disconnected", "reconnecting", "connected"].map((sign) => once(conn, sign));
        cut();
        const meanwhile = connected({}, (other) => other.appendToStream(stream, ANY, jumps(3, 10)));
        await Promise.all([...signs, meanwhile]);
        assert.equal((await volatile.dropped.one())[0], "connectionClosed");

        const write = conn.appendToStream(stream, ANY, jump(10));
        assert.equal((await write).nextExpectedVersion.toNumber(), 10);
        assert.deepEqual(
          heights(await events.take(11)),
          range(0, 11),
          "the catch-up subscription goes on where it was",
        );
      },
      { host: HOST, port },
    ),
  );
}

export async function requestsAreRetriedAfterACut() {
  await proxy((port, cut) =>
    connected(
      { reconnectionDelay: 0, operationTimeout: 100, operationTimeoutCheckPeriod: 100 },
      async (conn) => {
        const stream = newStream();
        const writes = range(0, 100).map((number) => conn.appendToStream(stream, number - 1, jump(number)));
        await writes[0];
        cut();
        await Promise.all(writes);
        const { events } = await conn.readStreamEventsForward(stream, START, 1000);
        assert.deepEqual(numbers(events), range(0, 100), "and is done once");
      },
      { host: HOST, port },
    ),
  );
}
