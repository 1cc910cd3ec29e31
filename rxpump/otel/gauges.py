"""Gauges and counters that are read from snapshots of `client.metrics()`.

An SDK calls the functions of a gauge in a thread of its own. So they read the last snapshot, which does not change.
The instruments belong to a meter provider and not to a client, because a provider ignores the functions of a second
gauge with the same name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.util.types import AttributeValue

from rxpump.client import Client
from rxpump.model.metrics import Metrics, SubscriptionMetrics
from rxpump.model.status import Connected
from rxpump.otel import names

Attributes = dict[str, AttributeValue]


class ClientSnapshots:
    """The last snapshot of one client.

    Attributes:
        attributes: Attributes of all measurements of the client.
        last: The last snapshot; None before the client is connected, and after it is closed.
    """

    def __init__(self, client: Client, interval: float) -> None:
        self.attributes: Attributes = {names.MESSAGING_SYSTEM: names.SYSTEM, names.CLIENT_ID: client.name}
        self.last: Metrics | None = None
        self._client = client
        self._interval = interval
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Subscribe to snapshots in the running event loop, unless that was done."""
        running = asyncio.get_running_loop()
        if self._loop is not running:
            self._loop = running
            self._client.metrics(self._interval).subscribe(self._note, lambda _: self._end(), self._end)

    def _note(self, snapshot: Metrics) -> None:
        self.last = snapshot

    def _end(self) -> None:
        self._loop = None
        self.last = None


class Gauges:
    """The instruments of one meter provider, and the clients that they show."""

    def __init__(self, meter_provider: MeterProvider | None) -> None:
        self._clients: list[ref[ClientSnapshots]] = []
        meter = metrics.get_meter(names.SCOPE, meter_provider=meter_provider)
        meter.create_observable_up_down_counter(
            "rxpump.client.requests.in_flight", [self._in_flight], "{request}", "Requests that are not answered"
        )
        meter.create_observable_counter(
            "rxpump.client.reconnects", [self._reconnects], "{connection}", "Connections that replaced a lost one"
        )
        meter.create_observable_counter(
            "rxpump.client.network.io", [self._bytes], "By", "Bytes received and sent on all connections"
        )
        meter.create_observable_gauge(
            "rxpump.client.connected", [self._connected], "1", "1 if there is a connection, else 0"
        )
        for gauge in _OF_SUBSCRIPTIONS:
            meter.create_observable_gauge(
                f"rxpump.subscription.{gauge.name}", [self._reader(gauge.read)], gauge.unit, gauge.description
            )

    @staticmethod
    def of(meter_provider: MeterProvider | None) -> Gauges:
        """Return the gauges of a provider; None is the global one."""
        provider = metrics.get_meter_provider() if meter_provider is None else meter_provider
        gauges = _of_providers.get(provider)
        if gauges is None:
            gauges = _of_providers[provider] = Gauges(meter_provider)
        return gauges

    def follow(self, client: Client, interval: float) -> ClientSnapshots:
        """Show a client. The caller keeps the result for as long as the client is to be shown."""
        snapshots = ClientSnapshots(client, interval)
        self._clients = [each for each in self._clients if each() is not None] + [ref(snapshots)]
        return snapshots

    def _snapshots(self) -> Iterator[tuple[Metrics, Attributes]]:
        for each in self._clients:
            client = each()
            if client is not None and (last := client.last) is not None:
                yield last, client.attributes

    def _in_flight(self, options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(now.in_flight, attributes) for now, attributes in self._snapshots()]

    def _reconnects(self, options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(now.reconnects, attributes) for now, attributes in self._snapshots()]

    def _connected(self, options: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(int(isinstance(now.status, Connected)), attributes) for now, attributes in self._snapshots()
        ]

    def _bytes(self, options: CallbackOptions) -> Iterable[Observation]:
        for now, attributes in self._snapshots():
            yield Observation(now.bytes_received, {**attributes, names.IO_DIRECTION: "receive"})
            yield Observation(now.bytes_sent, {**attributes, names.IO_DIRECTION: "transmit"})

    def _reader(
        self, read: Callable[[SubscriptionMetrics], float | None]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        """Return the function of a gauge with a value for each subscription for which the value is known."""

        def observe(options: CallbackOptions) -> Iterable[Observation]:
            for now, attributes in self._snapshots():
                for each in now.subscriptions:
                    if (value := read(each)) is not None:
                        yield Observation(value, {**attributes, **_attributes_of(each)})

        return observe


_of_providers: WeakKeyDictionary[MeterProvider, Gauges] = WeakKeyDictionary()


class _Gauge(NamedTuple):
    """A gauge of subscriptions."""

    name: str
    unit: str
    description: str
    read: Callable[[SubscriptionMetrics], float | None]


_OF_SUBSCRIPTIONS = (
    _Gauge("buffered", "{event}", "Events that have arrived and are not delivered", lambda each: each.buffered),
    _Gauge("paused", "1", "1 if a consumer pauses the subscription, else 0", lambda each: int(each.is_paused)),
    _Gauge("live", "1", "1 if the subscription is live, else 0", lambda each: int(each.is_live)),
    _Gauge("events_behind", "{event}", "Events to the end of the stream", lambda each: each.events_behind),
    _Gauge("bytes_behind", "By", "Bytes of the log to its end", lambda each: each.bytes_behind),
    _Gauge("seconds_behind", "s", "Seconds to the last event of the stream", lambda each: each.seconds_behind),
    _Gauge("unacknowledged", "{event}", "Deliveries that are not settled", lambda each: each.unacknowledged),
)


def _attributes_of(subscription: SubscriptionMetrics) -> Attributes:
    attributes: Attributes = {
        names.DESTINATION_NAME: subscription.stream,
        names.DB_SUBSCRIPTION_ID: str(subscription.id),
    }
    if subscription.group is not None:
        attributes[names.CONSUMER_GROUP_NAME] = subscription.group
    return attributes
