// Check all features of node-eventstore-client against the server at HOST PORT and HTTP_PORT.
//
//     NODE_EVENTSTORE_CLIENT=directory node main.mjs HOST PORT HTTP_PORT
//
// Each exported function of a topic checks one behavior that users of the client rely on. Its argument is a connection
// without credentials. The first failure ends the program with a stack trace.

import * as catchingUp from "./catching_up.mjs";
import * as connecting from "./connecting.mjs";
import * as credentials from "./credentials.mjs";
import * as deleting from "./deleting.mjs";
import * as discovering from "./discovering.mjs";
import * as metadata from "./metadata.mjs";
import { connected } from "./peer.mjs";
import * as persistent from "./persistent.mjs";
import * as reading from "./reading.mjs";
import * as subscribing from "./subscribing.mjs";
import * as transactions from "./transactions.mjs";
import * as writing from "./writing.mjs";

const TOPICS = {
  writing,
  reading,
  deleting,
  metadata,
  transactions,
  subscribing,
  catchingUp,
  persistent,
  credentials,
  connecting,
  discovering,
};
const SECONDS = 20;

function within(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let count = 0;
for (const [topic, checks] of Object.entries(TOPICS)) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await connected({}, (conn) => within(SECONDS, check(conn)));
    } catch (error) {
      console.log(`failed ${topic}.${name}\n${error.stack}`);
      process.exit(1);
    }
    console.log(`ok ${topic}.${name}`);
    count += 1;
  }
}
console.log(`All ${count} passed`);
