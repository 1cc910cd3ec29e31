// Check all features of a gRPC client for Node against the server at a URI.
//
//     node main.mjs DIRECTORY PACKAGE URI
//
// DIRECTORY is where the package is installed: @kurrent/kurrentdb-client, or its predecessor @eventstore/db-client. Each
// exported function of a topic checks one behavior that users of the clients rely on. Its argument is a client. The
// first failure ends the program with a stack trace.

import { newClient } from "./peer.mjs";
import * as groups from "./groups.mjs";
import * as management from "./management.mjs";
import * as reading from "./reading.mjs";
import * as subscribing from "./subscribing.mjs";
import * as writing from "./writing.mjs";

const TOPICS = { writing, reading, subscribing, groups, management };
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
    const client = newClient();
    try {
      await within(SECONDS, check(client));
    } catch (error) {
      console.log(`failed ${topic}.${name}\n${error.stack}`);
      process.exit(1);
    }
    await client.dispose();
    console.log(`ok ${topic}.${name}`);
    count += 1;
  }
}
console.log(`All ${count} passed`);
process.exit(0);
