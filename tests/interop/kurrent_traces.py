"""Write or read an event with kurrentdbclient, which records a span for it, and print the span.

    kurrent_traces.py write|read URI STREAM

The program runs in an environment without rxpump. It prints the name of the span and, in hexadecimal, the id of its
trace, its own id and that of its parent (0 if there is none).
"""

import importlib
import os
import sys
from typing import Any

MODE, URI, STREAM = sys.argv[1:]

library: Any = importlib.import_module("kurrentdbclient")
instrumentation: Any = importlib.import_module("kurrentdbclient.instrumentation.opentelemetry")
trace: Any = importlib.import_module("opentelemetry.sdk.trace")
export: Any = importlib.import_module("opentelemetry.sdk.trace.export")
memory: Any = importlib.import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")

spans = memory.InMemorySpanExporter()
provider = trace.TracerProvider()
provider.add_span_processor(export.SimpleSpanProcessor(spans))
instrumentation.KurrentDBClientInstrumentor().instrument(tracer_provider=provider)

client = library.KurrentDBClient(URI)
if MODE == "write":
    event = library.NewEvent(type="Placed", data=b'{"n":1}', metadata=b'{"user":"ops"}')
    client.append_to_stream(STREAM, current_version=library.StreamState.ANY, events=event)
else:
    next(client.subscribe_to_stream(STREAM))
for span in spans.get_finished_spans():
    parent = 0 if span.parent is None else span.parent.span_id
    print(f"{span.name} {span.context.trace_id:032x} {span.context.span_id:016x} {parent:016x}", flush=True)
os._exit(0)  # Closing the client waits for a thread of grpcio that sometimes does not end.
