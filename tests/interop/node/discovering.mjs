// Discovery of the server over HTTP by gossip seeds and by a name, and other requests over HTTP.

import assert from "node:assert/strict";
import { once } from "node:events";
import { ADMIN, connected, es, HOST, HTTP_PORT, PORT, refused, streamOf } from "./peer.mjs";

const QUICK = { discoverDelay: 50, gossipTimeout: 5000 };
const seed = (port) => new es.GossipSeed({ host: HOST, port });

async function works(conn) {
  const stream = await streamOf(conn, 3);
  assert.equal((await conn.readStreamEventsForward(stream, 0, 10)).events.length, 3);
}

export async function gossipSeeds() {
  await connected(QUICK, works, [seed(HTTP_PORT)]);
}

export async function gossipSeedsWithADeadOne() {
  await connected(QUICK, works, [seed(1), seed(HTTP_PORT), seed(1)]);
}

export async function theNameOfACluster() {
  await connected(QUICK, works, `discover://${HOST}:${HTTP_PORT}`);
}

export async function theConnectedEventHasTheAddress() {
  const conn = es.createConnection(QUICK, [seed(HTTP_PORT)]);
  const isConnected = once(conn, "connected");
  await conn.connect();
  const [{ host, port }] = await isConnected;
  assert.deepEqual([host, port], [HOST, PORT]);
  conn.close();
}

export async function projectionsAreRefused() {
  const projections = new es.ProjectionsManager(new es.NoopLogger(), `http://${HOST}:${HTTP_PORT}`, 5000);
  const error = await refused(projections.listAll(ADMIN), es.ProjectionCommandFailedError, /404/);
  assert.equal(error.httpStatusCode, 404);
}
