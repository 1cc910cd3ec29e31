"""Members and gossip documents for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rxpump.discovery.member import Endpoint, Member, NodeState

RECORDED = Path(__file__).parent / "data"


def member(number: int, state: NodeState, *, is_alive: bool = True, age: float = 0, epoch: int = 1) -> Member:
    """Return a node whose ports end in `number`; its description is `age` seconds old."""
    return Member(
        state,
        is_alive,
        external_tcp=Endpoint("10.0.0.1", 1110 + number),
        external_http=Endpoint("10.0.0.1", 2110 + number),
        internal_tcp=Endpoint("10.0.0.1", 1210 + number),
        internal_http=Endpoint("10.0.0.1", 2210 + number),
        instance_id=str(number),
        time_stamp=datetime(2026, 11, 1, tzinfo=UTC) - timedelta(seconds=age),
        epoch=epoch,
    )


def document(version: int, word: str = "Follower", **changes: Any) -> dict[str, Any]:
    """Return a gossip document with one member, in the form of this server version."""
    one = {
        "instanceId": "d27e174e-9691-4bcc-a649-74977c01c074",
        "timeStamp": "2026-11-23T06:04:52.8367954Z",
        "state": word,
        "isAlive": True,
        "internalTcpIp": "10.0.0.1",
        "internalTcpPort": 1112,
        "internalSecureTcpPort": 0,
        "externalTcpIp": "10.0.0.1",
        "externalTcpPort": 1113,
        "externalSecureTcpPort": 1115,
        "lastCommitPosition": 2017,
        "writerCheckpoint": 2158,
        "chaserCheckpoint": 2158,
        "epochPosition": 1831,
        "epochNumber": 1,
        "epochId": "3c9eacff-0173-4518-b33f-95c7df4839e3",
        "nodePriority": 0,
    }
    if version < 20:
        one |= {"internalHttpIp": "10.0.0.1", "internalHttpPort": 2112}
        one |= {"externalHttpIp": "10.0.0.1", "externalHttpPort": 2113}
    else:
        one |= {"httpEndPointIp": "10.0.0.1", "httpEndPointPort": 2113, "isReadOnlyReplica": False}
        one |= {"esVersion": f"{version}.10.6.0"} if version > 20 else {}
    return {"members": [one | changes], "serverIp": "10.0.0.1", "serverPort": 2113}


def encoded(value: object) -> bytes:
    """Return a document as bytes."""
    return json.dumps(value).encode()
