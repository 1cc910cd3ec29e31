// TLS. The certificate of the server is for localhost; NODE_EXTRA_CA_CERTS names the file of its authority.

import assert from "node:assert/strict";
import { once } from "node:events";
import { ADMIN, connected, es, HOST, heights, PORT, range, START, streamOf } from "./peer.mjs";

async function works(conn) {
  const stream = await streamOf(conn, 3000);
  assert.deepEqual(heights((await conn.readStreamEventsForward(stream, START, 4000)).events), range(0, 3000));
}

const settings = { useSslConnection: true, defaultUserCredentials: ADMIN };
await connected({ ...settings, targetHost: "localhost", validateServer: true }, works);
await connected({ ...settings, targetHost: "elsewhere", validateServer: false }, works);

const elsewhere = { ...settings, targetHost: "elsewhere", validateServer: true, maxReconnections: 0 };
const conn = es.createConnection(elsewhere, { host: HOST, port: PORT });
const failed = once(conn, "closed");
conn.on("error", () => {});
await conn.connect();
await failed;
console.log("proved, not asked, refused");
