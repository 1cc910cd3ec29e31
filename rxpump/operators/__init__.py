"""Operators for events, one a file; what Rx has already (map, filter, scan, share, ...) stays reactivex's.

from reactivex import operators as rx
from rxpump import operators as ops
"""

from rxpump.operators.ack_each import ack_each
from rxpump.operators.batch import batch
from rxpump.operators.commit_checkpoint import commit_checkpoint
from rxpump.operators.decode import Undecodable, decode
from rxpump.operators.distinct_by_id import distinct_by_id
from rxpump.operators.exhaust_map_async import exhaust_map_async
from rxpump.operators.flat_map_async import flat_map_async
from rxpump.operators.in_stream import in_stream
from rxpump.operators.json import json
from rxpump.operators.link_into import link_into
from rxpump.operators.map_async import map_async
from rxpump.operators.nack_on_error import nack_on_error
from rxpump.operators.of_type import of_type
from rxpump.operators.on_backpressure_buffer import OverflowStrategy, on_backpressure_buffer
from rxpump.operators.on_backpressure_drop import on_backpressure_drop
from rxpump.operators.on_backpressure_latest import on_backpressure_latest
from rxpump.operators.partition_by import partition_by
from rxpump.operators.publish_to import publish_to
from rxpump.operators.rate_limit import rate_limit
from rxpump.operators.retry_with_backoff import retry_with_backoff
from rxpump.operators.to_event import to_event
from rxpump.operators.until_caught_up import until_caught_up
from rxpump.operators.where import Where, where
from rxpump.operators.with_signals import with_signals
from rxpump.operators.without_system_events import without_system_events

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
