"""Result codes and reasons of the protocol's messages (protocol page, section 3).

They travel as plain integers (see proto/eventstore.proto), so that a code from a newer server is seen
as the unknown number it is.
"""

from enum import IntEnum


class OperationResult(IntEnum):
    """How a write ended."""

    SUCCESS = 0
    PREPARE_TIMEOUT = 1
    COMMIT_TIMEOUT = 2
    FORWARD_TIMEOUT = 3
    WRONG_EXPECTED_VERSION = 4
    STREAM_DELETED = 5
    INVALID_TRANSACTION = 6
    ACCESS_DENIED = 7


class ReadEventResult(IntEnum):
    """How the read of one event ended."""

    SUCCESS = 0
    NOT_FOUND = 1
    NO_STREAM = 2
    STREAM_DELETED = 3
    ERROR = 4
    ACCESS_DENIED = 5


class ReadStreamResult(IntEnum):
    """How the read of a page of a stream ended."""

    SUCCESS = 0
    NO_STREAM = 1
    STREAM_DELETED = 2
    NOT_MODIFIED = 3
    ERROR = 4
    ACCESS_DENIED = 5


class ReadAllResult(IntEnum):
    """How the read of a page of $all ended."""

    SUCCESS = 0
    NOT_MODIFIED = 1
    ERROR = 2
    ACCESS_DENIED = 3


class NotHandledReason(IntEnum):
    """Why a node did not take a request."""

    NOT_READY = 0
    TOO_BUSY = 1
    NOT_LEADER = 2
    IS_READ_ONLY = 3


class SubscriptionDropReason(IntEnum):
    """Why a subscription ended, or was never confirmed."""

    UNSUBSCRIBED = 0
    ACCESS_DENIED = 1
    NOT_FOUND = 2
    PERSISTENT_SUBSCRIPTION_DELETED = 3
    SUBSCRIBER_MAX_COUNT_REACHED = 4


JSON_CONTENT = 1
"""`data_content_type` of JSON; anything else is binary."""

LINK_EVENT_TYPE = "$>"
"""Type of an event whose data, `number@stream`, points at another event."""
