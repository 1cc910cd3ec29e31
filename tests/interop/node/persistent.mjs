// createPersistentSubscription, update and delete; connecting, acknowledging, and the choice of the consumer.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  ADMIN,
  ANY,
  connected,
  es,
  heightOf,
  heights,
  jump,
  jumps,
  linkTo,
  listener,
  newStream,
  numbers,
  OPS,
  range,
  refused,
  streamOf,
  Received,
} from "./peer.mjs";

const { PersistentSubscriptionSettings: Settings, PersistentSubscriptionNakEventAction: Nak } = es;
const { RoundRobin, DispatchToSingle, Pinned } = es.SystemConsumerStrategies;

const settingsOf = (changes) => Object.assign(Settings.create(), { startFrom: 0 }, changes);

/** A group of consumers that begins at the start of the stream, with `changes` to a group's settings. */
async function groupOf(conn, stream, changes = {}) {
  const group = `judges-${randomUUID()}`;
  await conn.createPersistentSubscription(stream, group, settingsOf(changes), ADMIN);
  return group;
}

/** A consumer that acknowledges by hand: `subscription`, and what a listener has. */
async function consumer(conn, stream, group, inFlight = 10) {
  const heard = listener();
  heard.subscription = await conn.connectToPersistentSubscription(
    stream,
    group,
    heard.appeared,
    heard.ended,
    undefined,
    inFlight,
    false,
  );
  return heard;
}

/** What a group parks, as it is parked: links, resolved. */
async function parkedBy(conn, stream, group) {
  const { events, appeared } = listener();
  await conn.subscribeToStream(
    `$persistentsubscription-${stream}::${group}-parked`,
    true,
    appeared,
    undefined,
    ADMIN,
  );
  return events;
}

/** See that nothing more comes: what had been under way has come before the answer to a later request. */
async function nothingMoreFor(conn, ...consumers) {
  await conn.readEvent(newStream(), 0);
  for (const { events } of consumers) assert.equal(events.left, 0);
}

export async function createUpdateAndDelete(conn) {
  const [stream, group] = [newStream(), "judges"];
  const settings = new Settings(false, 0, true, 5000, 3, 100, 10, 50, 1000, 5, 500, 2, RoundRobin);
  assert.equal((await conn.createPersistentSubscription(stream, group, settings, ADMIN)).status, "success");
  await refused(conn.createPersistentSubscription(stream, group, settings, ADMIN), Error, /already exists/);
  assert.equal((await conn.updatePersistentSubscription(stream, group, Settings.create(), ADMIN)).status, "success");
  assert.equal((await conn.deletePersistentSubscription(stream, group, ADMIN)).status, "success");
  await refused(conn.deletePersistentSubscription(stream, group, ADMIN), Error, /does not exist/);
  await refused(conn.updatePersistentSubscription(stream, group, settings, ADMIN), Error, /does not exist/);
  assert.equal((await conn.createPersistentSubscription(stream, group, settings, ADMIN)).status, "success");
}

export async function invalidGroups(conn) {
  await refused(
    conn.createPersistentSubscription("$all", "judges", Settings.create(), ADMIN),
    Error,
    /Bad stream name/,
  );
  const settings = settingsOf({ namedConsumerStrategy: "TheLoudest" });
  await refused(conn.createPersistentSubscription(newStream(), "judges", settings, ADMIN), Error, /TheLoudest/);
}

export async function managingNeedsAnAdmin(conn) {
  const stream = newStream();
  const group = await groupOf(conn, stream);
  for (const user of [undefined, OPS]) {
    await refused(
      conn.createPersistentSubscription(stream, "others", Settings.create(), user),
      Error,
      /access denied/,
    );
    await refused(conn.updatePersistentSubscription(stream, group, Settings.create(), user), Error, /access denied/);
    await refused(conn.deletePersistentSubscription(stream, group, user), Error, /access denied/);
  }
  const wrong = new es.UserCredentials("admin", "wrong");
  await refused(conn.deletePersistentSubscription(stream, group, wrong), Error, /Not Authenticated/);
  await conn.deletePersistentSubscription(stream, group, ADMIN);
}

export async function connectingNeedsReadAccess(conn) {
  const stream = `$${newStream()}`;
  const group = await groupOf(conn, stream);
  const connecting = (group, user) => conn.connectToPersistentSubscription(stream, group, () => {}, undefined, user);
  await refused(connecting("others", ADMIN), Error, /not found/);
  await refused(connecting(group), Error, /do not have access/);
  await refused(connecting(group, new es.UserCredentials("admin", "wrong")), Error, /Not Authenticated/);
  (await connecting(group, ADMIN)).stop();
}

export async function automaticAcknowledgement(conn) {
  const stream = await streamOf(conn, 25);
  const group = await groupOf(conn, stream);
  const { events, dropped, appeared, ended } = listener();
  const subscription = await conn.connectToPersistentSubscription(stream, group, appeared, ended);
  assert.deepEqual(heights(await events.take(25)), range(0, 25));
  await conn.appendToStream(stream, ANY, jumps(25, 50));
  assert.deepEqual(heights(await events.take(25)), range(25, 50));
  subscription.stop();
  assert.deepEqual(await dropped.one(), ["userInitiated", null]);

  const later = await consumer(conn, stream, group);
  await conn.appendToStream(stream, ANY, jump(50));
  assert.equal(heightOf(await later.events.one()), 50, "what was acknowledged does not come again");
}

export async function startFromTheEnd(conn) {
  const stream = await streamOf(conn, 25);
  const group = await groupOf(conn, stream, { startFrom: -1 });
  const { events } = await consumer(conn, stream, group);
  await conn.appendToStream(stream, ANY, jumps(25, 27));
  assert.deepEqual(numbers(await events.take(2)), [25, 26]);
}

export async function startFromANumber(conn) {
  const stream = await streamOf(conn, 25);
  const { events } = await consumer(conn, stream, await groupOf(conn, stream, { startFrom: 20 }));
  assert.deepEqual(numbers(await events.take(5)), range(20, 25));
}

export async function aGroupOfAStreamThatDoesNotExistYet(conn) {
  const stream = newStream();
  const { events } = await consumer(conn, stream, await groupOf(conn, stream));
  await conn.appendToStream(stream, ANY, jumps(0, 3));
  assert.deepEqual(numbers(await events.take(3)), range(0, 3));
}

export async function eventsInFlightAreLimited(conn) {
  const stream = await streamOf(conn, 10);
  const one = await consumer(conn, stream, await groupOf(conn, stream), 3);
  const first = await one.events.take(3);
  assert.deepEqual(heights(first), [0, 1, 2]);
  await nothingMoreFor(conn, one);
  one.subscription.acknowledge(first[1]);
  assert.equal(heightOf(await one.events.one()), 3);
  one.subscription.acknowledge([first[0], first[2]]);
  assert.deepEqual(heights(await one.events.take(2)), [4, 5]);
  await nothingMoreFor(conn, one);
}

export async function nackWithRetry(conn) {
  for (const action of [Nak.Retry, Nak.Unknown]) {
    const stream = await streamOf(conn, 3);
    const one = await consumer(conn, stream, await groupOf(conn, stream));
    const [, second] = await one.events.take(3);
    one.subscription.fail(second, action, "once more");
    const again = await one.events.one();
    assert.deepEqual([again.event.eventId, heightOf(again)], [second.event.eventId, 1]);
    one.subscription.acknowledge(again);
    await nothingMoreFor(conn, one);
  }
}

export async function nackWithSkip(conn) {
  for (const action of [Nak.Skip, Nak.Stop]) {
    const stream = await streamOf(conn, 3);
    const one = await consumer(conn, stream, await groupOf(conn, stream), 1);
    for (const height of range(0, 3)) {
      const event = await one.events.one();
      assert.equal(heightOf(event), height);
      one.subscription.fail(event, action, "not this one");
    }
    await nothingMoreFor(conn, one);
  }
}

export async function nackWithPark(conn) {
  const stream = await streamOf(conn, 3);
  const group = await groupOf(conn, stream);
  const parked = await parkedBy(conn, stream, group);
  const one = await consumer(conn, stream, group);
  const [first, second] = await one.events.take(3);
  one.subscription.fail([first, second], Nak.Park, "too high");
  const links = await parked.take(2);
  assert.deepEqual(new Set(heights(links)), new Set([0, 1]));
  for (const { link } of links) assert.match(JSON.parse(link.metadata).reason, /explicitly NAK'ed[^]*too high/);
  await nothingMoreFor(conn, one);
}

export async function parkedAfterTheLastRetry(conn) {
  const stream = await streamOf(conn, 1);
  const group = await groupOf(conn, stream, { maxRetryCount: 2 });
  const parked = await parkedBy(conn, stream, group);
  const one = await consumer(conn, stream, group);
  for (const _ of range(0, 3)) one.subscription.fail(await one.events.one(), Nak.Retry, "once more");
  const { link } = await parked.one();
  assert.match(JSON.parse(link.metadata).reason, /Reached retry count of 2/);
  await nothingMoreFor(conn, one);
}

export async function retriedAfterATimeout(conn) {
  const stream = await streamOf(conn, 1);
  const one = await consumer(conn, stream, await groupOf(conn, stream, { messageTimeout: 100 }));
  const [first, again] = await one.events.take(2);
  assert.equal(again.event.eventId, first.event.eventId);
  one.subscription.acknowledge(again);
}

async function twoConsumers(conn, strategy) {
  const stream = newStream();
  const group = await groupOf(conn, stream, { namedConsumerStrategy: strategy, resolveLinkTos: true });
  return [stream, await consumer(conn, stream, group, 50), await consumer(conn, stream, group, 50)];
}

export async function strategyRoundRobin(conn) {
  const [stream, one, other] = await twoConsumers(conn, RoundRobin);
  await conn.appendToStream(stream, ANY, jumps(0, 10));
  const found = [heights(await one.events.take(5)), heights(await other.events.take(5))];
  assert.deepEqual(
    found.flat().toSorted((a, b) => a - b),
    range(0, 10),
  );
  await nothingMoreFor(conn, one, other);
}

export async function strategyDispatchToSingle(conn) {
  const [stream, one, other] = await twoConsumers(conn, DispatchToSingle);
  await conn.appendToStream(stream, ANY, jumps(0, 60));
  const found = await Promise.race([one.events.take(50), other.events.take(50)]);
  assert.deepEqual(heights(found), range(0, 50));
}

export async function strategyPinned(conn) {
  const [links, one, other] = await twoConsumers(conn, Pinned);
  const streams = await Promise.all(range(0, 8).map(() => streamOf(conn, 3)));
  const toAll = range(0, 3).flatMap((number) => streams.map((stream) => linkTo(number, stream)));
  const both = new Received();
  one.events.put = (event) => both.put(["one", event]);
  other.events.put = (event) => both.put(["other", event]);
  await conn.appendToStream(links, ANY, toAll);
  const found = await both.take(24);
  for (const stream of streams) {
    const ofThis = found.filter(([, event]) => event.event.eventStreamId === stream);
    assert.equal(new Set(ofThis.map(([who]) => who)).size, 1);
    assert.deepEqual(heights(ofThis.map(([, event]) => event)), [0, 1, 2]);
  }
}

export async function unacknowledgedEventsGoToAnotherConsumer(conn) {
  const stream = await streamOf(conn, 3);
  const group = await groupOf(conn, stream);
  await connected({}, async (closing) => (await consumer(closing, stream, group)).events.take(3));
  const stopping = await consumer(conn, stream, group);
  assert.deepEqual(heights(await stopping.events.take(3)), [0, 1, 2]);
  stopping.subscription.stop();
  const staying = await consumer(conn, stream, group);
  assert.deepEqual(heights(await staying.events.take(3)), [0, 1, 2]);
}

export async function closingTheConnectionDropsIt(conn) {
  const stream = await streamOf(conn, 1);
  const group = await groupOf(conn, stream);
  const { dropped } = await connected({}, (closing) => consumer(closing, stream, group));
  assert.equal((await dropped.one())[0], "connectionClosed");
}

export async function anErrorOfAHandlerDropsIt(conn) {
  const stream = await streamOf(conn, 1);
  const [group, { dropped, ended }] = [await groupOf(conn, stream), listener()];
  const failing = () => Promise.reject(new Error("enough"));
  await conn.connectToPersistentSubscription(stream, group, failing, ended);
  const [reason, error] = await dropped.one();
  assert.deepEqual([reason, error.message], ["eventHandlerException", "enough"]);
  assert.equal(heightOf(await (await consumer(conn, stream, group)).events.one()), 0);
}

export async function theNumberOfConsumersIsLimited(conn) {
  const stream = newStream();
  const group = await groupOf(conn, stream, { maxSubscriberCount: 1 });
  const { subscription, dropped } = await consumer(conn, stream, group);
  await refused(consumer(conn, stream, group), Error, /Maximum subscribers reached/);
  subscription.stop();
  await dropped.one();
  await consumer(conn, stream, group);
}

export async function anUpdateOrADeleteDropsItsConsumers(conn) {
  const stream = newStream();
  const group = await groupOf(conn, stream);
  const before = await consumer(conn, stream, group);
  await conn.updatePersistentSubscription(stream, group, settingsOf({ resolveLinkTos: true }), ADMIN);
  assert.deepEqual(await before.dropped.one(), ["userInitiated", null]);

  const after = await consumer(conn, stream, group);
  await conn.appendToStream(stream, ANY, jump(7));
  after.subscription.acknowledge(await after.events.one());
  await conn.deletePersistentSubscription(stream, group, ADMIN);
  assert.deepEqual(await after.dropped.one(), ["userInitiated", null]);
  await refused(consumer(conn, stream, group), Error, /not found/);
}

export async function linksResolved(conn) {
  const [stream, links] = [await streamOf(conn, 5), newStream()];
  await conn.appendToStream(links, ANY, [linkTo(3, stream), linkTo(99, stream), linkTo(1, stream)]);
  const one = await consumer(conn, links, await groupOf(conn, links, { resolveLinkTos: true }), 1);
  const good = await one.events.one();
  assert.deepEqual([heightOf(good), good.originalStreamId], [3, links]);
  one.subscription.acknowledge(good); // the id is that of the link
  const broken = await one.events.one();
  assert.deepEqual([broken.event, broken.originalEventNumber.toNumber()], [null, 1]);
  one.subscription.acknowledge(broken);
  assert.equal(heightOf(await one.events.one()), 1);
}
