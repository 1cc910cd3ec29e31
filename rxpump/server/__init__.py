"""An Event Store server of our own, for tests, development and one-box deployments.

async with EmbeddedServer(SqliteStore.open("events.db")) as server:
    print(server.uri)
"""

from rxpump.server.access.users import DEFAULT_ACCOUNTS, Account
from rxpump.server.embedded_server import EmbeddedServer
from rxpump.server.errors import (
    BadCertificate,
    CannotListen,
    DamagedRecord,
    DamagedStore,
    NotAStore,
    StoreError,
    StoreInUse,
    StoreNotFound,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StoreUnreadable,
)
from rxpump.server.http.gossip import GossipWords
from rxpump.server.membership import Epoch, Membership, NodeAddresses, NodeDescription
from rxpump.server.store.check import LostEvents, Report, check
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.tls import load_certificate

__all__ = [
    "DEFAULT_ACCOUNTS",
    "Account",
    "BadCertificate",
    "CannotListen",
    "DamagedRecord",
    "DamagedStore",
    "EmbeddedServer",
    "Epoch",
    "GossipWords",
    "LostEvents",
    "Membership",
    "NodeAddresses",
    "NodeDescription",
    "NotAStore",
    "Report",
    "SqliteStore",
    "StoreError",
    "StoreInUse",
    "StoreNotFound",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreTooOld",
    "StoreUnreadable",
    "Strictness",
    "check",
    "load_certificate",
]
