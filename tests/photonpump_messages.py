"""The public names of `photonpump.messages` in photon-pump 0.9.5.2.

`tests/interop/test_messages.py` compares this list with the installed package.
"""

from __future__ import annotations

SHARED = frozenset(
    {
        "AllStreamSlice", "Beginning", "Credential", "DISPATCH_TO_SINGLE", "End", "Event", "EventRecord",
        "ExpectedVersion", "JsonDict", "NewEvent", "NewEventData", "PINNED", "Position", "ROUND_ROBIN",
        "StreamDirection", "StreamSlice",
    }
)  # fmt: skip
"""Names that `rxpump.messages` has, too."""

PROTOCOL = frozenset(
    {
        "ContentType", "HEADER_LENGTH", "Header", "InboundMessage", "NotHandledReason", "OperationFlags",
        "OperationResult", "OutboundMessage", "ReadAllResult", "ReadEventResult", "ReadStreamResult", "SIZE_UINT_32",
        "SubscriptionCreatedResponse", "SubscriptionDropReason", "SubscriptionResult", "TcpCommand", "dump",
        "make_enum", "parse_header", "print_header", "sizeof_fmt",
    }
)  # fmt: skip
"""Names of frames, commands and result codes. rxpump has none of them, because it raises errors instead."""

ENUMS = {
    "ExpectedVersion": {"Any": -2, "StreamMustNotExist": -1, "StreamMustBeEmpty": 0, "StreamMustExist": -4},
    "StreamDirection": {"Forward": 0, "Backward": 1},
}
"""Members of the shared enums, with their values."""

NOT_SHARED = {"StreamMustBeEmpty"}
"""Names whose value in photon-pump is wrong: 0 means that event 0 must be the last one of the stream."""
