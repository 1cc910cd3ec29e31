// Persistent subscriptions.

import assert from "node:assert/strict";
import { db, jump, newGroup, newStream, next, numbers, range, refused, START, streamOf, until } from "./peer.mjs";

const settings = (changes) => db.persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...changes });
const allSettings = (changes) => db.persistentSubscriptionToAllSettingsFromDefaults({ startFrom: START, ...changes });

async function groupOf(client, stream, changes = {}) {
  const group = newGroup();
  await client.createPersistentSubscriptionToStream(stream, group, settings(changes));
  return group;
}

export async function acknowledgedEvents(client) {
  const stream = await streamOf(client, 60);
  const group = await groupOf(client, stream);
  const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize: 5 });
  const events = [];
  for await (const event of subscription) {
    events.push(event);
    await subscription.ack(event);
    if (events.length === 60) await client.appendToStream(stream, jump(60));
    if (events.length === 61) break;
  }
  assert.deepEqual(numbers(events), range(0, 61));
  assert.ok(events.every(({ retryCount }) => retryCount === 0));
  await client.deletePersistentSubscriptionToStream(stream, group);
}

export async function refusedEvents(client) {
  const stream = await streamOf(client, 4);
  const group = await groupOf(client, stream);
  const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group);
  for (const action of [db.PARK, db.SKIP, db.RETRY]) {
    await subscription.nack(action, "no reason", await next(subscription));
  }
  const rest = [await next(subscription), await next(subscription)];
  await subscription.ack(...rest);
  const retried = rest.find(({ event }) => event.revision === 2n);
  assert.equal(retried.retryCount, 1);
  const parked = async () => {
    const { stats } = await client.getPersistentSubscriptionToStreamInfo(stream, group);
    return stats.parkedMessageCount === 1n;
  };
  await until(parked);
  await client.replayParkedMessagesToStream(stream, group, { stopAt: 10 });
  const replayed = await next(subscription);
  assert.equal(replayed.event.revision, 0n);
  await subscription.ack(replayed);
  await subscription.unsubscribe();
  await client.deletePersistentSubscriptionToStream(stream, group);
}

export async function descriptions(client) {
  const stream = await streamOf(client, 2);
  const first = await groupOf(client, stream, { maxRetryCount: 7, consumerStrategyName: db.PINNED });
  const second = await groupOf(client, stream, { extraStatistics: true, messageTimeout: 5000 });
  const info = await client.getPersistentSubscriptionToStreamInfo(stream, first);
  assert.deepEqual([info.eventSource, info.groupName, info.settings.maxRetryCount], [stream, first, 7]);
  assert.equal(info.settings.consumerStrategyName, "Pinned");
  const listed = await client.listPersistentSubscriptionsToStream(stream);
  assert.deepEqual(listed.map(({ groupName }) => groupName).sort(), [first, second].sort());
  const names = (await client.listAllPersistentSubscriptions()).map(({ groupName }) => groupName);
  assert.ok(names.includes(first) && names.includes(second));
  await client.updatePersistentSubscriptionToStream(stream, second, settings({ maxRetryCount: 9 }));
  const changed = await client.getPersistentSubscriptionToStreamInfo(stream, second);
  assert.equal(changed.settings.maxRetryCount, 9);
  for (const group of [first, second]) await client.deletePersistentSubscriptionToStream(stream, group);
}

export async function allStreams(client) {
  const [stream, group] = [await streamOf(client, 300), newGroup()];
  const filter = db.streamNameFilter({ prefixes: [stream] });
  await client.createPersistentSubscriptionToAll(group, allSettings(), { filter });
  const subscription = client.subscribeToPersistentSubscriptionToAll(group);
  for (const number of range(0, 300)) {
    const resolved = await next(subscription);
    assert.deepEqual([resolved.event.streamId, Number(resolved.event.revision)], [stream, number]);
    await subscription.ack(resolved);
  }
  await subscription.unsubscribe();
  await client.updatePersistentSubscriptionToAll(group, allSettings({ maxRetryCount: 3 }));
  const info = await client.getPersistentSubscriptionToAllInfo(group);
  assert.deepEqual([info.eventSource, info.settings.maxRetryCount], ["$all", 3]);
  assert.ok((await client.listPersistentSubscriptionsToAll()).some(({ groupName }) => groupName === group));
  await client.replayParkedMessagesToAll(group);
  await refused(client.createPersistentSubscriptionToAll(group, allSettings()), "persistent-subscription-exists");
  await client.deletePersistentSubscriptionToAll(group);
  await refused(client.getPersistentSubscriptionToAllInfo(group), "persistent-subscription-does-not-exist");
}

export async function groupsThatCannotBeUsed(client) {
  const stream = await streamOf(client, 1);
  const group = await groupOf(client, stream, { maxSubscriberCount: 1 });
  const again = client.createPersistentSubscriptionToStream(stream, group, settings());
  await refused(again, "persistent-subscription-exists");
  const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group);
  await next(subscription);
  const second = client.subscribeToPersistentSubscriptionToStream(stream, group);
  await refused(next(second), "maximum-subscribers-reached");
  await client.deletePersistentSubscriptionToStream(stream, group);
  await refused(next(subscription), "persistent-subscription-dropped");
  const missing = client.subscribeToPersistentSubscriptionToStream(newStream(), group);
  for (const call of [
    () => next(missing),
    () => client.getPersistentSubscriptionToStreamInfo(stream, group),
    () => client.deletePersistentSubscriptionToStream(stream, group),
    () => client.replayParkedMessagesToStream(stream, group),
    () => client.updatePersistentSubscriptionToStream(stream, group, settings()),
  ]) {
    await refused(call, "persistent-subscription-does-not-exist");
  }
}

export async function restartOfAllGroups(client) {
  const stream = await streamOf(client, 2);
  const group = await groupOf(client, stream);
  await client.restartPersistentSubscriptionSubsystem();
  await until(async () => (await client.getPersistentSubscriptionToStreamInfo(stream, group)).groupName === group);
  await client.deletePersistentSubscriptionToStream(stream, group);
}
