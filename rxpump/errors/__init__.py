"""Every error that rxpump raises, as one tree.

    RxPumpError
    ├── InvalidArgument             a bad argument; nothing was sent (also a ValueError)
    │   └── InvalidUri
    ├── NotSupported                the protocol of the connection, or the server, cannot do it
    ├── NotConnected                a call before connect() or after close()
    ├── WrongEventLoop              a call from another event loop or thread than connect()
    ├── NotOwner                    connect() or close() of a client that as_user() returned
    ├── ConnectionFailed            no node could be connected to
    │   ├── DiscoveryFailed         no node of a cluster can be used now
    │   ├── ReconnectFailed         the reconnect policy gave up
    │   │   └── NoNodeReady         no node handled a request
    │   └── CertificateRefused      the certificate of the server is not trusted
    ├── ConnectionClosed            the connection was lost before the reply arrived
    │   ├── CallInterrupted         a call ended without a result on an open connection
    │   ├── ClientClosed            the client was closed before the reply arrived
    │   └── RequestInterrupted      a request that is not repeated may have been executed
    ├── ConnectionLostRepeatedly    several connections were lost during the same request
    ├── OperationTimedOut           no reply arrived before the deadline
    ├── ProtocolError               the peer sent bytes that break the protocol
    │   ├── MalformedFrame
    │   ├── FrameTooLarge
    │   ├── MalformedReply
    │   └── UnexpectedReply
    ├── BufferOverflow              a bounded buffer is full and its source cannot be paused
    ├── NotJson                     the data or metadata of an event are not JSON
    ├── NotDecodable                an event does not fit the model
    ├── WorkCancelled               a task of an operator was cancelled from outside its pipeline
    ├── DeliveryExpired             a delivery can no longer be acknowledged
    └── ServerError                 the server refused the request
        ├── BadRequest
        ├── ServerFailed            the server had a fault of its own, such as a full disk
        ├── NotAuthenticated
        ├── AccessDenied
        ├── StreamNotFound
        ├── StreamDeleted
        ├── EventNotFound
        ├── ReadFailed
        │   └── InvalidPosition     a read of $all began at no position of the log
        ├── SubscriptionDropped
        ├── StreamRolledBack        the server lost events that a subscription has delivered
        │   └── LogTruncated        another event, or none, is at the place of a subscription
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
        ├── OutcomeUnknown          the events may or may not have been written
        │   └── ServerTimeout       a stage of the write took too long in the cluster
        │       ├── PrepareTimeout
        │       ├── CommitTimeout
        │       └── ForwardTimeout
        └── NotHandled              this node does not serve the request now
            ├── NotReady
            ├── TooBusy
            ├── NotLeader
            ├── IsReadOnly
            └── IndexesNotReady

Each error has attributes that identify what failed, and `retryable`: whether the same request can succeed later
although the caller changes nothing.
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
    CallInterrupted,
    CertificateRefused,
    ClientClosed,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLostRepeatedly,
    DiscoveryFailed,
    FrameTooLarge,
    MalformedFrame,
    MalformedReply,
    NoNodeReady,
    NotConnected,
    NotOwner,
    OperationTimedOut,
    ProtocolError,
    ReconnectFailed,
    RequestInterrupted,
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
    InvalidPosition,
    InvalidTransaction,
    LogTruncated,
    OutcomeUnknown,
    PrepareTimeout,
    ReadFailed,
    ServerTimeout,
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
    "CallInterrupted",
    "CertificateRefused",
    "ClientClosed",
    "CommitTimeout",
    "ConnectionClosed",
    "ConnectionFailed",
    "ConnectionLostRepeatedly",
    "ConsistencyCheckFailed",
    "DeliveryExpired",
    "DiscoveryFailed",
    "EventNotFound",
    "EventTooLarge",
    "ForwardTimeout",
    "FrameTooLarge",
    "IndexExists",
    "IndexNotFound",
    "IndexesNotReady",
    "InvalidArgument",
    "InvalidPosition",
    "InvalidTransaction",
    "InvalidUri",
    "IsReadOnly",
    "LogTruncated",
    "MalformedFrame",
    "MalformedReply",
    "NoNodeReady",
    "NotAuthenticated",
    "NotConnected",
    "NotDecodable",
    "NotHandled",
    "NotJson",
    "NotLeader",
    "NotOwner",
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
    "RequestInterrupted",
    "RxPumpError",
    "ScavengeFailed",
    "ScavengeInProgress",
    "ScavengeNotFound",
    "ServerError",
    "ServerFailed",
    "ServerTimeout",
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
