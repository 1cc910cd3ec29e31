"""OpenTelemetry: spans and measurements of a client, and the trace context in the metadata of events.

It needs the extra `otel` (the package opentelemetry-api). Nothing is recorded until `instrument` is called.

    rxpump.otel.instrument(client)

Spans and attributes have the names that the clients of KurrentDB use (`streams.append`, `db.kurrentdb.stream`), and
those of the semantic conventions for messaging. The trace context is stored as theirs is, in the keys `$traceId` and
`$spanId` of the metadata. So a trace continues from a client in another language to this one, and back.
"""

try:
    from rxpump.otel.instrumenting import instrument
    from rxpump.otel.process_span import processing
except ModuleNotFoundError as _error:
    if _error.name is None or not _error.name.startswith("opentelemetry"):
        raise
    message = "rxpump.otel needs the package opentelemetry-api: pip install 'rxpump[otel]'"
    raise ModuleNotFoundError(message, name=_error.name) from _error

__all__ = ["instrument", "processing"]
