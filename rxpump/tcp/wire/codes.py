"""Result codes and reasons of the protocol's messages (docs/protocol/tcp.md, section 3).

They travel as plain integers (see proto/eventstore.proto), so that a code from a newer server is seen
as the unknown number it is.
"""

from enum import IntEnum

SERVER_FAILED = "The server failed: "
"""How the embedded server begins the text of a BadRequest that is its own failure, as a full disk."""


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


class FilterContext(IntEnum):
    """What of an event a server-side filter looks at."""

    STREAM = 0
    EVENT_TYPE = 1


class FilterType(IntEnum):
    """How it looks."""

    REGEX = 0
    PREFIX = 1


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


class CreatePersistentSubscriptionResult(IntEnum):
    """How the making of a consumer group ended."""

    SUCCESS = 0
    ALREADY_EXISTS = 1
    FAIL = 2
    ACCESS_DENIED = 3


class ChangePersistentSubscriptionResult(IntEnum):
    """How the update or the deletion of a consumer group ended."""

    SUCCESS = 0
    DOES_NOT_EXIST = 1
    FAIL = 2
    ACCESS_DENIED = 3


class NakAction(IntEnum):
    """What is to become of an event that a consumer could not handle (docs/protocol/tcp.md, section 4.18)."""

    UNKNOWN = 0
    PARK = 1
    RETRY = 2
    SKIP = 3
    STOP = 4


class ScavengeResult(IntEnum):
    """How a scavenge ended, as v4 tells when it has."""

    SUCCESS = 0
    IN_PROGRESS = 1
    FAILED = 2


class ScavengeResponse(IntEnum):
    """How a scavenge began, as v5 and later tell at once."""

    STARTED = 0
    IN_PROGRESS = 1
    UNAUTHORIZED = 2


JSON_CONTENT = 1
"""`data_content_type` of JSON; anything else is binary."""
