// A connection that says nothing of its own accord: the server asks it for heartbeats, and goes on when it gives them.

import assert from "node:assert/strict";
import { connected, es, Told } from "./peer.mjs";

const asked = new Told();
const debug = (_, __, said) => String(said).includes("package HeartbeatRequest") && asked.put(said);
const log = Object.assign(new es.NoopLogger(), { debug });
await connected({ log, verboseLogging: true, heartbeatInterval: 60_000 }, async (conn) => {
  conn.on("disconnected", () => assert.fail("it was cut"));
  await asked.take(2); // the second is asked for only when the first was given
  conn.removeAllListeners("disconnected");
});
console.log("asked, and asked again");
