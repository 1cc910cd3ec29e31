"""Result codes and reasons of the protocol's messages (docs/protocol/tcp.md, section 3).

Messages contain them as integers (see proto/eventstore.proto), so that an unknown code of a newer server can be read.
"""

from enum import IntEnum

SERVER_FAILED = "The server failed: "
"""First words of the text of a BadRequest with which the embedded server reports a failure of its own."""


class OperationResult(IntEnum):
    """Result of a write."""

    SUCCESS = 0
    PREPARE_TIMEOUT = 1
    COMMIT_TIMEOUT = 2
    FORWARD_TIMEOUT = 3
    WRONG_EXPECTED_VERSION = 4
    STREAM_DELETED = 5
    INVALID_TRANSACTION = 6
    ACCESS_DENIED = 7


class ReadEventResult(IntEnum):
    """Result of the read of one event."""

    SUCCESS = 0
    NOT_FOUND = 1
    NO_STREAM = 2
    STREAM_DELETED = 3
    ERROR = 4
    ACCESS_DENIED = 5


class ReadStreamResult(IntEnum):
    """Result of the read of a page of a stream."""

    SUCCESS = 0
    NO_STREAM = 1
    STREAM_DELETED = 2
    NOT_MODIFIED = 3
    ERROR = 4
    ACCESS_DENIED = 5


class ReadAllResult(IntEnum):
    """Result of the read of a page of $all."""

    SUCCESS = 0
    NOT_MODIFIED = 1
    ERROR = 2
    ACCESS_DENIED = 3


class FilterContext(IntEnum):
    """Part of an event that a filter of the server compares."""

    STREAM = 0
    EVENT_TYPE = 1


class FilterType(IntEnum):
    """Kind of the comparison of a filter of the server."""

    REGEX = 0
    PREFIX = 1


class NotHandledReason(IntEnum):
    """Reason why a node does not serve a request."""

    NOT_READY = 0
    TOO_BUSY = 1
    NOT_LEADER = 2
    IS_READ_ONLY = 3


class SubscriptionDropReason(IntEnum):
    """Reason why a subscription ended or was refused."""

    UNSUBSCRIBED = 0
    ACCESS_DENIED = 1
    NOT_FOUND = 2
    PERSISTENT_SUBSCRIPTION_DELETED = 3
    SUBSCRIBER_MAX_COUNT_REACHED = 4


class CreatePersistentSubscriptionResult(IntEnum):
    """Result of the creation of a consumer group."""

    SUCCESS = 0
    ALREADY_EXISTS = 1
    FAIL = 2
    ACCESS_DENIED = 3


class ChangePersistentSubscriptionResult(IntEnum):
    """Result of the update or deletion of a consumer group."""

    SUCCESS = 0
    DOES_NOT_EXIST = 1
    FAIL = 2
    ACCESS_DENIED = 3


class NakAction(IntEnum):
    """Action for an event that a consumer could not handle (docs/protocol/tcp.md, section 4.18)."""

    UNKNOWN = 0
    PARK = 1
    RETRY = 2
    SKIP = 3
    STOP = 4


class ScavengeResult(IntEnum):
    """Result of a scavenge that has completed, from servers of version 4."""

    SUCCESS = 0
    IN_PROGRESS = 1
    FAILED = 2


class ScavengeResponse(IntEnum):
    """Result of the start of a scavenge, from servers of version 5 and later."""

    STARTED = 0
    IN_PROGRESS = 1
    UNAUTHORIZED = 2


JSON_CONTENT = 1
"""Value of `data_content_type` for JSON; other values mean binary data."""
