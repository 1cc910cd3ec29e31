"""A client that is instrumented, and its spans and measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from rxpump import otel
from rxpump.client import Client
from rxpump.testing import MockTransport, mock_client


class Recorder:
    """Providers that keep spans and measurements in memory."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def instrument(self, client: Client, interval: float = 10.0) -> Client:
        otel.instrument(client, tracer_provider=self.tracers, meter_provider=self.meters, interval=interval)
        return client

    def spans(self, name: str = "") -> list[ReadableSpan]:
        """Return the spans that have ended, in the order in which they began; those with this name."""
        found = [span for span in self._exporter.get_finished_spans() if name in ("", span.name)]
        return sorted(found, key=lambda span: span.start_time or 0)

    def points(self, name: str) -> list[tuple[dict[str, object], float]]:
        """Return the attributes and the value (of a histogram: the count) of each point of an instrument."""
        data = self._reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), _value(point))
            for of_resource in ([] if data is None else data.resource_metrics)
            for of_scope in of_resource.scope_metrics
            for metric in of_scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    @contextmanager
    def span(self, name: str) -> Iterator[ReadableSpan]:
        with self.tracers.get_tracer("test").start_as_current_span(name) as span:
            assert isinstance(span, ReadableSpan)
            yield span


def _value(point: Any) -> float:
    value: float = point.count if isinstance(point, HistogramDataPoint) else point.value
    return value


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def transport() -> MockTransport:
    return MockTransport()


@pytest.fixture
async def client(recorder: Recorder, transport: MockTransport) -> AsyncIterator[Client]:
    async with recorder.instrument(mock_client(transport)) as connected:
        yield connected
