"""Everything that can go wrong, as one tree.

    RxPumpError
    ├── InvalidArgument             bad input, refused before anything was sent (also a ValueError)
    │   └── InvalidUri
    ├── NotSupported                the protocol of the connection, or the server, cannot do it
    ├── NotConnected                a verb was used before connect() or after close()
    ├── WrongEventLoop              a verb was used in another event loop or thread than connect()
    ├── ConnectionFailed            no connection could be made
    │   ├── ReconnectFailed         the reconnect policy gave up
    │   └── CertificateRefused      the server could not prove who it is
    ├── ConnectionClosed            the connection ended with the request unanswered
    │   └── ClientClosed            because the client was closed
    ├── ConnectionLostRepeatedly    several connections were lost with the same request
    ├── OperationTimedOut           a request was not answered within its deadline
    ├── ProtocolError               bytes that are not the protocol
    │   ├── MalformedFrame
    │   ├── FrameTooLarge
    │   ├── MalformedReply
    │   └── UnexpectedReply
    ├── BufferOverflow              a source without demand outran a bounded buffer
    ├── NotJson                     an event's data was asked for as JSON and is not
    ├── NotDecodable                an event was asked for as a model that it does not fit
    ├── WorkCancelled               an operator's work was cancelled, and not by its pipeline
    ├── DeliveryExpired             an event of a persistent subscription was acknowledged too late
    └── ServerError                 the server said no
        ├── BadRequest
        ├── ServerFailed            the server could not do it; its disk is full, say
        ├── NotAuthenticated
        ├── AccessDenied
        ├── StreamNotFound
        ├── StreamDeleted
        ├── EventNotFound
        ├── ReadFailed
        ├── SubscriptionDropped
        ├── StreamRolledBack        the server has less of a stream than a subscription has seen
        ├── WrongExpectedVersion
        │   └── ConsistencyCheckFailed  in an append to several streams
        ├── AppendTooLarge
        │   └── EventTooLarge
        ├── InvalidTransaction
        ├── PersistentSubscriptionError
        │   ├── PersistentSubscriptionExists
        │   ├── PersistentSubscriptionNotFound
        │   ├── PersistentSubscriptionDeleted
        │   ├── PersistentSubscriptionFailed
        │   └── SubscriberLimitReached
        ├── ScavengeFailed
        │   ├── ScavengeInProgress
        │   └── ScavengeNotFound
        ├── UserNotFound
        ├── UserConflict
        ├── ProjectionError
        │   ├── ProjectionNotFound
        │   ├── ProjectionExists
        │   └── ProjectionFailed
        ├── IndexNotFound
        ├── IndexExists
        ├── OutcomeUnknown          the write may or may not have happened
        │   ├── PrepareTimeout
        │   ├── CommitTimeout
        │   └── ForwardTimeout
        └── NotHandled              this node, now: wait, or go elsewhere
            ├── NotReady
            ├── TooBusy
            ├── NotLeader
            ├── IsReadOnly
            └── IndexesNotReady

Each error carries what it is about as attributes, and `retryable`: whether the very same request
may succeed later with nothing changed by the caller.
"""

from rxpump.errors.administration import (
    IndexesNotReady,
    IndexExists,
    IndexNotFound,
    ProjectionError,
    ProjectionExists,
    ProjectionFailed,
    ProjectionNotFound,
    ScavengeNotFound,
    UserConflict,
    UserNotFound,
)
from rxpump.errors.appends import AppendTooLarge, ConsistencyCheckFailed, EventTooLarge
from rxpump.errors.connection import (
    CertificateRefused,
    ClientClosed,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLostRepeatedly,
    FrameTooLarge,
    MalformedFrame,
    MalformedReply,
    NotConnected,
    OperationTimedOut,
    ProtocolError,
    ReconnectFailed,
    UnexpectedReply,
    WrongEventLoop,
)
from rxpump.errors.persistent import (
    DeliveryExpired,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionError,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    SubscriberLimitReached,
)
from rxpump.errors.pipeline import BufferOverflow, NotDecodable, NotJson, WorkCancelled
from rxpump.errors.root import InvalidArgument, InvalidUri, RxPumpError
from rxpump.errors.server import (
    AccessDenied,
    BadRequest,
    IsReadOnly,
    NotAuthenticated,
    NotHandled,
    NotLeader,
    NotReady,
    ScavengeFailed,
    ScavengeInProgress,
    ServerError,
    ServerFailed,
    TooBusy,
)
from rxpump.errors.streams import (
    CommitTimeout,
    EventNotFound,
    ForwardTimeout,
    InvalidTransaction,
    OutcomeUnknown,
    PrepareTimeout,
    ReadFailed,
    StreamDeleted,
    StreamNotFound,
    StreamRolledBack,
    SubscriptionDropped,
    WrongExpectedVersion,
)
from rxpump.errors.unsupported import NotSupported

__all__ = [
    "AccessDenied",
    "AppendTooLarge",
    "BadRequest",
    "BufferOverflow",
    "CertificateRefused",
    "ClientClosed",
    "CommitTimeout",
    "ConnectionClosed",
    "ConnectionFailed",
    "ConnectionLostRepeatedly",
    "ConsistencyCheckFailed",
    "DeliveryExpired",
    "EventNotFound",
    "EventTooLarge",
    "ForwardTimeout",
    "FrameTooLarge",
    "IndexExists",
    "IndexNotFound",
    "IndexesNotReady",
    "InvalidArgument",
    "InvalidTransaction",
    "InvalidUri",
    "IsReadOnly",
    "MalformedFrame",
    "MalformedReply",
    "NotAuthenticated",
    "NotConnected",
    "NotDecodable",
    "NotHandled",
    "NotJson",
    "NotLeader",
    "NotReady",
    "NotSupported",
    "OperationTimedOut",
    "OutcomeUnknown",
    "PersistentSubscriptionDeleted",
    "PersistentSubscriptionError",
    "PersistentSubscriptionExists",
    "PersistentSubscriptionFailed",
    "PersistentSubscriptionNotFound",
    "PrepareTimeout",
    "ProjectionError",
    "ProjectionExists",
    "ProjectionFailed",
    "ProjectionNotFound",
    "ProtocolError",
    "ReadFailed",
    "ReconnectFailed",
    "RxPumpError",
    "ScavengeFailed",
    "ScavengeInProgress",
    "ScavengeNotFound",
    "ServerError",
    "ServerFailed",
    "StreamDeleted",
    "StreamNotFound",
    "StreamRolledBack",
    "SubscriberLimitReached",
    "SubscriptionDropped",
    "TooBusy",
    "UnexpectedReply",
    "UserConflict",
    "UserNotFound",
    "WorkCancelled",
    "WrongEventLoop",
    "WrongExpectedVersion",
]
