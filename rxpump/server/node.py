"""What all clients of one server share: its store, its consumer groups, its users, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable

from rxpump.server.access.access import Access, Permission
from rxpump.server.access.users import User, Users
from rxpump.server.groups.groups import Groups
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.connection_memory import ConnectionMemory
from rxpump.server.tcp.transactions import Transactions


class Node:
    """One server, as its handlers see it."""

    def __init__(
        self,
        store: SqliteStore,
        users: Users,
        *,
        groups: Groups | None = None,
        strictness: Strictness = Strictness.LENIENT,
    ) -> None:
        self.store = store
        self.users = users
        self.strictness = strictness
        self.groups: Groups = Groups(store) if groups is None else groups
        self.transactions: Transactions = Transactions()
        self.memory: ConnectionMemory = ConnectionMemory()
        self._access = Access(store)

    def may(self, user: User, permission: Permission, stream: str) -> bool:
        """Tell whether `user` has `permission` on `stream`."""
        return self._access.may(user, permission, stream)

    def may_follow(self, user: User, link_streams: Iterable[str]) -> bool:
        """Tell whether `user` may read every stream that links lead into; one without a name is no stream."""
        return all(self.may(user, Permission.READ, name) for name in link_streams if name)

    async def close(self) -> None:
        """Commit what waits, and close the store."""
        self.groups.stop()
        await self.store.close()

    def __repr__(self) -> str:
        return f"<Node over {self.store!r}>"
