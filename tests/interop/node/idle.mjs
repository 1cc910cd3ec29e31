// An idle connection replies to the heartbeats of the server, and stays open.

import assert from "node:assert/strict";
import { connected, es, Received } from "./peer.mjs";

const asked = new Received();
const debug = (_, __, said) => String(said).includes("package HeartbeatRequest") && asked.put(said);
const log = Object.assign(new es.NoopLogger(), { debug });
await connected({ log, verboseLogging: true, heartbeatInterval: 60_000 }, async (conn) => {
  conn.on("disconnected", () => assert.fail("it was cut"));
  await asked.take(2); // the server sends the second one only after a reply to the first one
  conn.removeAllListeners("disconnected");
});
console.log("asked, and asked again");
