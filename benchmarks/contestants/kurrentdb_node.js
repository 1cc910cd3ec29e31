// Run operations with @kurrent/kurrentdb-client, as its documentation shows them.
"use strict";

const { KurrentDBClient, jsonEvent, START, FORWARDS } = require("@kurrent/kurrentdb-client");
const { EVENT_TYPE, data, latencies, measured, seconds } = require("./node_job.js");

const WRITES_IN_FLIGHT = 128;

// The sum keeps the compiler from removing the accesses.
let touched = 0;
function touch({ event }) {
  touched += event.type.length + Number(event.revision) + Object.keys(event.data).length;
}

const append = (client, job, number) => client.appendToStream(job.stream, jsonEvent({ type: EVENT_TYPE, data: data(number) }));

const operations = {
  async iter(client, job) {
    let seen = 0;
    for await (const resolved of client.readStream(job.stream, { direction: FORWARDS, fromRevision: START, resolveLinkTos: true })) {
      touch(resolved);
      seen += 1;
    }
    return { seen };
  },

  async follow(client, job) {
    let seen = 0;
    const subscription = client.subscribeToStream(job.stream, { fromRevision: START, resolveLinkTos: true });
    for await (const resolved of subscription) {
      touch(resolved);
      seen += 1;
      if (seen === job.events) break;
    }
    return { seen };
  },

  async publish(client, job) {
    let number = 0;
    async function work() {
      while (number < job.events) {
        number += 1;
        await append(client, job, number);
      }
    }
    await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, work));
    return { seen: job.events };
  },

  async write_singles(client, job) {
    const took = [];
    for (let number = 0; number < job.events; number += 1) {
      const started = seconds();
      await append(client, job, number);
      took.push(seconds() - started);
    }
    return latencies(took);
  },
};

measured(async (job) => KurrentDBClient.connectionString(job.uri), operations);
