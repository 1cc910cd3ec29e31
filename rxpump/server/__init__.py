"""An Event Store server of our own, for tests, development and one-box deployments.

async with EmbeddedServer(SqliteStore.open("events.db")) as server:
    print(server.uri)
"""

from rxpump.server.embedded_server import EmbeddedServer
from rxpump.server.errors import (
    BadCertificate,
    CannotListen,
    NotAStore,
    StoreError,
    StoreInUse,
    StoreNotFound,
    StoreTooNew,
)
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.tls import load_certificate
from rxpump.server.users import DEFAULT_ACCOUNTS, Account

__all__ = [
    "DEFAULT_ACCOUNTS",
    "Account",
    "BadCertificate",
    "CannotListen",
    "EmbeddedServer",
    "NotAStore",
    "SqliteStore",
    "StoreError",
    "StoreInUse",
    "StoreNotFound",
    "StoreTooNew",
    "Strictness",
    "load_certificate",
]
