// Run operations with node-eventstore-client, as its documentation shows them. job.py describes jobs and figures.
//
//     NODE_PATH=.../node_modules node node_client.js '{"operation": "iter", "port": 1113, ...}'
"use strict";

const crypto = require("crypto");
const esc = require("node-eventstore-client");

const { BATCH, EVENT_TYPE, data, latencies, measured, seconds } = require("./node_job.js");

const WRITES_IN_FLIGHT = 128;
const LIVE_PAUSE_MS = 5;

const isLate = (flight) => flight.delay > 60;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function newEvents(from, to) {
  const events = [];
  for (let number = from; number < to; number += 1) {
    events.push(esc.createJsonEventData(crypto.randomUUID(), data(number), null, EVENT_TYPE));
  }
  return events;
}

/** Access type, number and data of an event. The sum keeps the compiler from removing the accesses. */
let touched = 0;
function touch({ event }) {
  touched += event.eventType.length + Number(event.eventNumber) + event.data.length;
}

async function readAll(client, job, use) {
  let next = 0;
  for (;;) {
    const page = await client.readStreamEventsForward(job.stream, next, job.page, true);
    page.events.forEach(use);
    next = page.nextEventNumber;
    if (page.isEndOfStream) return;
  }
}

const operations = {
  async iter(client, job) {
    let seen = 0;
    await readAll(client, job, (resolved) => { touch(resolved); seen += 1; });
    return { seen };
  },

  async iter_json(client, job) {
    let seen = 0;
    await readAll(client, job, (resolved) => { if (isLate(JSON.parse(resolved.event.data))) seen += 1; });
    return { seen };
  },

  async iter_all(client, job) {
    let seen = 0;
    let position = new esc.Position(0, 0);
    while (seen < job.events) {
      const page = await client.readAllEventsForward(position, job.page, true);
      page.events.forEach((resolved) => { touch(resolved); seen += 1; });
      position = page.nextPosition;
    }
    return { seen: Math.min(seen, job.events) };
  },

  async write_batches(client, job) {
    for (let start = 0; start < job.events; start += BATCH) {
      await client.appendToStream(job.stream, -2, newEvents(start, Math.min(start + BATCH, job.events)));
    }
    return { seen: job.events };
  },

  async publish(client, job) {
    let number = 0;
    async function work() {
      while (number < job.events) {
        number += 1;
        await client.appendToStream(job.stream, -2, newEvents(number, number + 1));
      }
    }
    await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, work));
    return { seen: job.events };
  },

  async write_singles(client, job) {
    const took = [];
    for (let number = 0; number < job.events; number += 1) {
      const started = seconds();
      await client.appendToStream(job.stream, -2, newEvents(number, number + 1));
      took.push(seconds() - started);
    }
    return latencies(took);
  },

  async live_latency(client, job) {
    let arrived = () => {};
    await client.subscribeToStream(job.stream, true, () => arrived());
    const took = [];
    let due = seconds();
    for (let number = 0; number < job.events; number += 1) {
      due += LIVE_PAUSE_MS / 1000;
      await sleep(Math.max(0, (due - seconds()) * 1000));
      const arrival = new Promise((resolve) => { arrived = resolve; });
      const started = seconds();
      const writing = client.appendToStream(job.stream, -2, newEvents(number, number + 1));
      await arrival;
      took.push(seconds() - started);
      await writing;
    }
    return latencies(took);
  },
};
operations.async_for = operations.iter;

async function connect(job) {
  const settings = { log: { debug() {}, info() {}, error() {} } };
  if (job.login) settings.defaultUserCredentials = new esc.UserCredentials(job.login, job.password || "");
  const client = esc.createConnection(settings, { host: job.host, port: job.port });
  const connected = new Promise((resolve) => client.once("connected", resolve));
  await client.connect();
  await connected;
  return client;
}

measured(connect, operations);
