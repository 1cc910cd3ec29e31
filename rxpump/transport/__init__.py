"""The transport interface, which streams and the client use to access a server over any protocol.

A transport is one shared connection to one event store. Its methods use events, numbers and positions, but no frames,
messages or result codes. It returns only requested events, so its buffers are bounded, and it is tested without Rx.
The layer above, `rxpump.streams`, is shared by all transports. It resumes dropped subscriptions, removes duplicates,
runs the watchdog, emits signals, and pauses sources. The transport itself connects and reconnects, finds the leader,
and handles pages, frames and flow control.

The methods have these guarantees:

- `append` and `delete_stream` return when the write is durable. `appender` returns an `Appender`, whose appends are
  executed in the order in which they were begun, even if several are in flight.
- `read_stream` and `read_all` return asynchronous generators of batches, up to the end of the stream at
  the time of the last page. The transport decides about pages and read-ahead. `read_stream_page` and `read_all_page`
  return one page; fields that a protocol does not have are None.
- `follow_stream` and `follow_all` return a `Subscription`: one attempt to deliver all existing events after a place,
  then new events. It never resumes: `next` raises the error that ended it, and the caller makes the next attempt.
- `find_stream_end` and `find_all_end` return the place of the last event on the server. The watchdog calls them.
- `connect_group` returns a `GroupSession`, which receives deliveries and sends acknowledgements and refusals.
- A feature that only some protocols have is a `Capability`. `Transport.require` raises NotSupported for a capability
  that the transport lacks; the client calls it before anything is sent. `Transport.limits` are the limits of the
  protocol. The client checks those of events and pages at the call; `as_user` checks those of credentials.
- `users`, `projections` and `indexes` are parts of a transport that only some protocols have. They belong to the view
  (`as_user`, `with_timeout`) that they come from, so their requests have its credentials and its deadline.

Every method that sends a request raises OperationTimedOut, NotConnected, ConnectionClosed, ConnectionFailed,
NotAuthenticated and AccessDenied as `rxpump.errors` describes them. Requests that a server refuses for now (NotReady,
TooBusy, NotLeader, a timeout inside the cluster) are repeated by the transport until their deadline.
"""

from rxpump.model.limits import Limits
from rxpump.transport.administration import IndexRequests, ProjectionRequests, UserRequests
from rxpump.transport.capabilities import Capability, Lack
from rxpump.transport.interface import Transport
from rxpump.transport.sessions import Appender, Confirmed, GroupSession, ServerEnd, Subscription

__all__ = [
    "Appender",
    "Capability",
    "Confirmed",
    "GroupSession",
    "IndexRequests",
    "Lack",
    "Limits",
    "ProjectionRequests",
    "ServerEnd",
    "Subscription",
    "Transport",
    "UserRequests",
]
