"""Instrument a client: spans for appends and deliveries, and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, TracerProvider
from opentelemetry.util.types import AttributeValue

from rxpump.blocking import BlockingClient
from rxpump.client import Client
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.metrics import RequestKind
from rxpump.model.new_events import NewEvent
from rxpump.otel import names
from rxpump.otel.gauges import Gauges
from rxpump.otel.measuring import durations
from rxpump.otel.propagation import EventInTrace, extract, in_trace, inject
from rxpump.otel.spans import parent_of, trace_of_arrival
from rxpump.telemetry import Events, Instrumentation, SubscriptionProbe

_OPERATIONS: Final = {
    RequestKind.APPEND: (names.APPEND, "send"),
    RequestKind.READ: (names.READ, "receive"),
    RequestKind.SUBSCRIBE: (names.SUBSCRIBE, "receive"),
}
"""Name and type of the operation for each kind of request that moves events."""


def instrument(
    client: Client | BlockingClient,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    interval: float = 10.0,
) -> None:
    """Record spans and measurements of a client with OpenTelemetry, until the client is closed permanently.

    Call it once, before or after the client is connected. It applies to all clients that share the connection
    (`as_user`). Without an SDK of OpenTelemetry, nothing is recorded.

    Args:
        client: The client.
        tracer_provider: Provider of the tracer. None: the global one.
        meter_provider: Provider of the meter. None: the global one.
        interval: Seconds between two snapshots of `client.metrics()`, from which the gauges are read.

    Raises:
        InvalidArgument: `client` is no client, or is instrumented already.

    Example:
        client = rxpump.connect("tcp://localhost:1113")
        rxpump.otel.instrument(client)
    """
    asynchronous = client.client if isinstance(client, BlockingClient) else client
    if not isinstance(asynchronous, Client):
        raise InvalidArgument("client", client, "a Client or a BlockingClient")
    telemetry = asynchronous._transport.telemetry
    if telemetry.instrumentation is not None:
        raise InvalidArgument("client", client, "a client that is not instrumented")
    seconds = checks.seconds("interval", interval)
    telemetry.instrumentation = instrumentation = OpenTelemetry(
        asynchronous, tracer_provider, meter_provider, seconds
    )
    if asynchronous.is_connected:
        if isinstance(client, BlockingClient):
            client._thread.call(instrumentation.watch)
        else:
            instrumentation.note_connected()


class OpenTelemetry(Instrumentation):
    """The spans and measurements of one client.

    Args:
        client: The client.
        tracer_provider: Provider of the tracer, or None.
        meter_provider: Provider of the meter, or None.
        interval: Seconds between two snapshots.
    """

    def __init__(
        self,
        client: Client,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        interval: float,
    ) -> None:
        self._telemetry = client._transport.telemetry
        self._limits = client._transport.limits
        self._name = client.name
        self._tracer = trace.get_tracer(names.SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(names.SCOPE, meter_provider=meter_provider)
        self._durations = durations(meter, names.OPERATION_DURATION, "Duration of a request")
        self._processing = durations(meter, names.PROCESS_DURATION, "Duration of the processing of an event")
        self._sent = meter.create_counter(names.SENT_MESSAGES, "{message}", "Events that were written")
        self._consumed = meter.create_counter(names.CONSUMED_MESSAGES, "{message}", "Events that were delivered")
        self._gauges = Gauges.of(meter_provider).follow(client, interval)

    # Writes ---------------------------------------------------------------------------------------

    def buffering(self, event: NewEvent) -> NewEvent:
        """Return an event with the context of the trace to which it belongs."""
        context = trace_of_arrival()
        return event if context is None else in_trace(event, context)

    @contextmanager
    def appending(self, events: Events, login: str | None, *, is_buffered: bool) -> Iterator[Events]:
        """Append events in a span. The context of the span is added to events that belong to no other trace.

        If all buffered events belong to one span, that span is the parent of the new one. If they belong to several
        spans, the new one has links to these.
        """
        every = [event for of_stream in events.values() for event in of_stream]
        origins = _distinct(map(_origin, every))
        in_traces = [event for event in every if isinstance(event, EventInTrace)]
        is_child = is_buffered and len(origins) == 1 and len(in_traces) == len(every)
        links = [] if is_child else [Link(origin) for origin in origins]
        operation = names.APPEND if len(events) == 1 else names.MULTI_APPEND
        with self._tracer.start_as_current_span(
            operation,
            parent_of(origins[0]) if is_child else None,
            SpanKind.PRODUCER if is_child or not in_traces else SpanKind.CLIENT,
            self._attributes_of_append(operation, login, events, every),
            links,
        ) as span:
            own, error_type = span.get_span_context(), None
            try:
                yield {
                    stream: [self._with_context(event, own, stream, is_child=is_child) for event in of_stream]
                    for stream, of_stream in events.items()
                }
            except Exception as error:
                error_type = type(error).__qualname__
                span.set_attribute(names.ERROR_TYPE, error_type)
                raise
            finally:
                self._sent.add(len(every), self._measured(operation, error_type))

    def _with_context(self, event: NewEvent, own: SpanContext, stream: str, *, is_child: bool) -> NewEvent:
        context = own if is_child or not isinstance(event, EventInTrace) else event.context
        return inject(event, context, stream, self._limits)

    def _attributes_of_append(
        self, operation: str, login: str | None, events: Events, every: Sequence[NewEvent]
    ) -> dict[str, AttributeValue]:
        attributes = self._attributes(operation, "send", login)
        if len(events) == 1:
            (stream,) = events
            attributes |= {names.DB_STREAM: stream, names.DESTINATION_NAME: stream}
        if len(every) == 1:
            attributes[names.MESSAGE_ID] = str(every[0].id)
        else:
            attributes[names.BATCH_MESSAGE_COUNT] = len(every)
        return attributes

    # Deliveries -----------------------------------------------------------------------------------

    def delivering(self, on_next: Callable[[Any], object], probe: SubscriptionProbe) -> Callable[[Any], object]:
        """Return a function that delivers an event in a span, if it has the context of one, and counts it."""
        attributes = self._attributes(names.SUBSCRIBE, "process", probe.login) | {
            names.DESTINATION_NAME: probe.stream,
            names.DB_SUBSCRIPTION_ID: str(probe.id),
        }
        measured = self._measured(names.SUBSCRIBE, None) | {names.DESTINATION_NAME: probe.stream}
        if probe.group is not None:
            attributes[names.CONSUMER_GROUP_NAME] = measured[names.CONSUMER_GROUP_NAME] = probe.group

        def deliver(item: Any) -> None:
            if not isinstance(item, Event):
                on_next(item)
                return
            self._consumed.add(1, measured)
            began = perf_counter()
            origin = extract(item.metadata)
            try:
                if origin is None:
                    on_next(item)
                else:
                    self._deliver_in_span(on_next, item, origin, attributes)
            except Exception as error:
                failed = {**measured, names.ERROR_TYPE: type(error).__qualname__}
                self._processing.record(perf_counter() - began, failed)
                raise
            self._processing.record(perf_counter() - began, measured)

        return deliver

    def _deliver_in_span(
        self,
        on_next: Callable[[Any], object],
        event: Event,
        origin: SpanContext,
        attributes: Mapping[str, AttributeValue],
    ) -> None:
        id = str(event.id)
        of_event = {
            names.DB_STREAM: event.stream,
            names.DB_EVENT_ID: id,
            names.DB_EVENT_TYPE: event.type,
            names.MESSAGE_ID: id,
        }
        with self._tracer.start_as_current_span(
            names.SUBSCRIBE, parent_of(origin), SpanKind.CONSUMER, {**attributes, **of_event}
        ) as span:
            try:
                on_next(event)
            except Exception as error:
                span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
                raise

    # Measurements ---------------------------------------------------------------------------------

    def note_request(self, kind: RequestKind, seconds: float, error: BaseException | None) -> None:
        """Record the duration of a request that moves events."""
        operation = _OPERATIONS.get(kind)
        if operation is not None:
            name, type_of_operation = operation
            measured = self._measured(name, None if error is None else type(error).__qualname__)
            self._durations.record(seconds, measured | {names.OPERATION_TYPE: type_of_operation})

    def note_connected(self) -> None:
        """Begin to read the gauges."""
        self._gauges.begin()

    async def watch(self) -> None:
        """Begin to read the gauges in the running event loop."""
        self.note_connected()

    def _measured(self, operation: str, error_type: str | None) -> dict[str, AttributeValue]:
        """Return the attributes of a measurement. Streams are left out, because there can be very many."""
        error: dict[str, AttributeValue] = {} if error_type is None else {names.ERROR_TYPE: error_type}
        return {names.MESSAGING_SYSTEM: names.SYSTEM, names.OPERATION_NAME: operation, **self._server, **error}

    def _attributes(self, operation: str, type_of_operation: str, login: str | None) -> dict[str, AttributeValue]:
        """Return the attributes that all spans have."""
        user: dict[str, AttributeValue] = {} if login is None else {names.DB_USER: login}
        return {
            **user,
            names.DB_SYSTEM: names.SYSTEM,
            names.DB_OPERATION: operation,
            names.MESSAGING_SYSTEM: names.SYSTEM,
            names.OPERATION_NAME: operation,
            names.OPERATION_TYPE: type_of_operation,
            names.CLIENT_ID: self._name,
            **self._server,
        }

    @property
    def _server(self) -> Mapping[str, AttributeValue]:
        """Host and port of the node of the current or last connection."""
        address = urlsplit(self._telemetry.address or "")
        if address.hostname is None or address.port is None:
            return {}
        return {names.SERVER_ADDRESS: address.hostname, names.SERVER_PORT: address.port}

    def __repr__(self) -> str:
        return f"<OpenTelemetry of {self._name}>"


def _distinct(contexts: Iterable[SpanContext | None]) -> list[SpanContext]:
    """Return the contexts without None and without repetitions."""
    return list({(each.trace_id, each.span_id): each for each in contexts if each is not None}.values())


def _origin(event: NewEvent) -> SpanContext | None:
    """Return the context of the span to which an event belongs: that of its arrival, or that in its metadata."""
    return event.context if isinstance(event, EventInTrace) else extract(event.metadata)
