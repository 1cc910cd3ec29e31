// Shared code of the contestants that run in Node: the data of events, and the measurement of a job.
"use strict";

const BATCH = 500;
const EVENT_TYPE = "FlightDeparted";

const data = (number) => ({
  carrier: "UA",
  flight: number,
  origin: "EWR",
  dest: "IAH",
  time_hour: "2013-01-01T10:00:00Z",
  delay: number % 10 === 0 ? 90 : 2,
  distance: 1400,
});

const seconds = () => Number(process.hrtime.bigint()) / 1e9;

function latencies(took) {
  const ordered = took.slice().sort((a, b) => a - b);
  const last = ordered.length - 1;
  return { seen: ordered.length, p50: ordered[Math.round(last * 0.5)], p99: ordered[Math.round(last * 0.99)] };
}

/** Run the job of the command line once as a warm-up and once measured, and print its figures as JSON. */
async function run(connect, operations) {
  const job = { page: BATCH, ...JSON.parse(process.argv[2]) };
  const client = await connect(job);
  const operation = operations[job.operation];
  if (job.warm_up) await operation(client, { ...job, events: job.warm_up, stream: job.warm_up_stream });
  const cpuBefore = process.cpuUsage();
  const started = seconds();
  const figures = await operation(client, job);
  const took = seconds() - started;
  const cpu = process.cpuUsage(cpuBefore);
  console.log(JSON.stringify({ seconds: took, cpu: (cpu.user + cpu.system) / 1e6, ...figures }));
  process.exit(0);
}

function measured(connect, operations) {
  run(connect, operations).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { BATCH, EVENT_TYPE, data, latencies, measured, seconds };
