"""Counters of a client, which its transport and its subscriptions update, and which `client.metrics()` reads.

Counting costs nearly nothing, so it is always on: a counter changes for each request, for each batch of events, and
for each chunk of bytes of a socket, but never for an event.
"""

from rxpump.telemetry.instrumentation import Events, Instrumentation
from rxpump.telemetry.probe import Distance, SubscriptionProbe
from rxpump.telemetry.recorder import Telemetry

__all__ = ["Distance", "Events", "Instrumentation", "SubscriptionProbe", "Telemetry"]
