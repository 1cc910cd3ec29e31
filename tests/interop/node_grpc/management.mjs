// Projections, credentials, discovery.

import assert from "node:assert/strict";
import { all, HAS_V2, IS_SECURE, newClient, refused, streamOf, until } from "./peer.mjs";

const NAME = "$by_category";

const becomes = (client, status) =>
  until(async () => (await client.getProjectionStatus(NAME)).projectionStatus === status);

export async function projections(client) {
  const details = await client.getProjectionStatus(NAME);
  assert.deepEqual([details.name, details.projectionStatus, details.progress > 0], [NAME, "Running", true]);
  assert.ok((await client.listProjections()).some(({ name }) => name === "$streams"));
  await client.disableProjection(NAME);
  await becomes(client, "Stopped");
  await client.enableProjection(NAME);
  await becomes(client, "Running");
  if (client.abortProjection) {
    await client.abortProjection(NAME);
    await becomes(client, "Aborted");
    await client.enableProjection(NAME);
  }
  await client.resetProjection(NAME);
  assert.deepEqual(await client.getProjectionState(NAME), {});
  assert.deepEqual(await client.getProjectionResult(NAME), {});
  await client.restartSubsystem();
  await becomes(client, "Running");
}

export async function projectionsThatAreNotServed(client) {
  await refused(client.getProjectionStatus("nope"), HAS_V2 ? "not-found" : "unknown", "not-found");
  for (const call of [
    () => client.createProjection("mine", "fromAll()"),
    () => client.updateProjection(NAME, "fromAll()"),
  ]) {
    await assert.rejects(call, /only the system projections/);
  }
  await assert.rejects(client.deleteProjection(NAME), /must be stopped before it is deleted/);
}

export async function credentials(client) {
  if (!IS_SECURE) return;
  const stream = await streamOf(client, 1);
  const wrong = { credentials: { username: "admin", password: "wrong" } };
  await assert.rejects(client.getStreamMetadata(stream, wrong));
  await assert.rejects(client.appendToStream(stream, [], wrong));
  const right = { credentials: { username: "ops", password: "changeit" } };
  assert.equal((await all(client.readStream(stream, right))).length, 1);
  await client.setStreamMetadata(stream, { acl: { readRoles: ["$admins"] } });
  await refused(all(client.readStream(stream, right)), "access-denied");
}

export async function options() {
  const options = "keepAliveInterval=10000&keepAliveTimeout=5000&nodePreference=leader&maxDiscoverAttempts=3";
  const client = newClient(`&${options}`);
  const stream = await streamOf(client, 3);
  assert.equal((await all(client.readStream(stream, { requiresLeader: true }))).length, 3);
  await client.dispose();
}
