"""Histograms of durations."""

from __future__ import annotations

from opentelemetry.metrics import Histogram, Meter

from rxpump.otel import names


def durations(meter: Meter, name: str, description: str) -> Histogram:
    """Return a histogram of durations in seconds. The default buckets of an SDK are for milliseconds."""
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=names.DURATION_BUCKETS)
