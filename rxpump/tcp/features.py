"""Limits of the TCP protocol, and the capabilities that it lacks, each with the version that has it over gRPC.

The versions are those of docs/protocol/grpc.md, sections 2 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rxpump.model.record_size import MAX_RECORD_BYTES
from rxpump.tcp.wire.limits import (
    MAX_ACK_IDS,
    MAX_CREDENTIAL_BYTES,
    MAX_EVENT_BYTES,
    MAX_PAGE_EVENTS,
    MAX_TOKEN_BYTES,
)
from rxpump.transport import Capability, Lack, Limits

LIMITS: Final = Limits(
    page_events=MAX_PAGE_EVENTS,
    ack_ids=MAX_ACK_IDS,
    login_bytes=MAX_CREDENTIAL_BYTES,
    token_bytes=MAX_TOKEN_BYTES,
    event_bytes=MAX_EVENT_BYTES,
    record_bytes=MAX_RECORD_BYTES,
)

_OVER_GRPC: Final = {
    Capability.MULTI_STREAM_APPEND: "25.1",
    Capability.INDEXES: "25.1",
    Capability.GROUP_INFO: "21.10",
    Capability.REPLAY_SOME_PARKED: "21.10",
    Capability.TRUNCATE_PARKED: "26.2",
    Capability.RESTART_GROUPS: "21.10",
    Capability.STOP_SCAVENGE: "20.6",
    Capability.SERVER_INFO: "21.10",
    Capability.MEMBERS: "20.6",
    Capability.STATISTICS: "21.6",
    Capability.USERS: "20.6",
    Capability.PROJECTIONS: "20.6",
}

LACKS: Final[Mapping[Capability, Lack]] = {
    Capability.GROUPS_ON_ALL: Lack(
        "its messages must contain the name of a stream",
        "connect over gRPC to a server of version 21.6 or later, or use a group on a stream that a projection fills, "
        "such as $ce-orders or $et-OrderPlaced",
    ),
    **{
        capability: Lack(
            "the protocol has no message for it", f"connect over gRPC to a server of version {version} or later"
        )
        for capability, version in _OVER_GRPC.items()
    },
}
