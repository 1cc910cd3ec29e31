"""Operators for events, one in each file.

Operators that Rx has already (map, filter, scan, share, ...) come from reactivex:

    from reactivex import operators as rx
    from rxpump import operators as ops
"""

from rxpump.operators._ack_each import ack_each
from rxpump.operators._batch import batch
from rxpump.operators._commit_checkpoint import commit_checkpoint
from rxpump.operators._decode import Undecodable, decode
from rxpump.operators._distinct_by_id import distinct_by_id
from rxpump.operators._exhaust_map_async import exhaust_map_async
from rxpump.operators._flat_map_async import flat_map_async
from rxpump.operators._in_stream import in_stream
from rxpump.operators._json import json
from rxpump.operators._link_into import link_into
from rxpump.operators._map_async import map_async
from rxpump.operators._nack_on_error import nack_on_error
from rxpump.operators._of_type import of_type
from rxpump.operators._on_backpressure_buffer import OverflowStrategy, on_backpressure_buffer
from rxpump.operators._on_backpressure_drop import on_backpressure_drop
from rxpump.operators._on_backpressure_latest import on_backpressure_latest
from rxpump.operators._partition_by import partition_by
from rxpump.operators._publish_to import publish_to
from rxpump.operators._rate_limit import rate_limit
from rxpump.operators._retry_with_backoff import retry_with_backoff
from rxpump.operators._to_event import to_event
from rxpump.operators._until_caught_up import until_caught_up
from rxpump.operators._where import Where, where
from rxpump.operators._with_signals import with_signals
from rxpump.operators._without_system_events import without_system_events

__all__ = [
    "OverflowStrategy",
    "Undecodable",
    "Where",
    "ack_each",
    "batch",
    "commit_checkpoint",
    "decode",
    "distinct_by_id",
    "exhaust_map_async",
    "flat_map_async",
    "in_stream",
    "json",
    "link_into",
    "map_async",
    "nack_on_error",
    "of_type",
    "on_backpressure_buffer",
    "on_backpressure_drop",
    "on_backpressure_latest",
    "partition_by",
    "publish_to",
    "rate_limit",
    "retry_with_backoff",
    "to_event",
    "until_caught_up",
    "where",
    "with_signals",
    "without_system_events",
]
