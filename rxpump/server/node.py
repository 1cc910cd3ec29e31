"""The parts of one server that all its clients share."""

from __future__ import annotations

from collections.abc import Callable

from rxpump.server.access.access import Access
from rxpump.server.access.users import ANONYMOUS, User, Users
from rxpump.server.connection_memory import ConnectionMemory
from rxpump.server.groups.groups import Groups
from rxpump.server.membership import Membership, SingleNode
from rxpump.server.projections.projections import Projections
from rxpump.server.statistics import Statistics
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.transactions import Transactions


class Node:
    """The shared parts of one server, as the handlers of requests use them.

    Attributes:
        store: Store of the events.
        users: Users that can log in.
        strictness: How exactly the server imitates a real server.
        groups: Consumer groups.
        transactions: Open transactions of TCP clients.
        memory: Memory that TCP connections without a login use together.
        access: Permissions of users on streams.
        membership: Place of the server in its cluster.
        anonymous: User of requests without credentials.
        anonymous_caller: User of gRPC calls without credentials.
        statistics: Statistics of the server.
        projections: System projections; None if there are none.
    """

    def __init__(
        self,
        store: SqliteStore,
        users: Users,
        *,
        groups: Groups | None = None,
        strictness: Strictness = Strictness.LENIENT,
        membership: Membership | None = None,
        anonymous: User = ANONYMOUS,
        anonymous_caller: User | None = None,
        count_clients: Callable[[], int] = int,
        projections: Projections | None = None,
    ) -> None:
        self.store = store
        self.users = users
        self.strictness = strictness
        self.groups: Groups = Groups(store) if groups is None else groups
        self.transactions: Transactions = Transactions()
        self.memory: ConnectionMemory = ConnectionMemory()
        self.access: Access = Access(store)
        self.membership: Membership = SingleNode(store) if membership is None else membership
        self.anonymous: User = anonymous
        self.anonymous_caller: User = anonymous if anonymous_caller is None else anonymous_caller
        self.statistics: Statistics = Statistics(store, count_clients)
        self.projections: Projections | None = projections

    @property
    def is_insecure(self) -> bool:
        """Whether everyone may do everything, without credentials."""
        return self.anonymous.is_admin

    def restart_groups(self) -> None:
        """Drop all consumers, and read the groups again from the store, because the leader has changed.

        Only the leader runs groups. The next leader continues each group from its last checkpoint.
        """
        before, self.groups = self.groups, self.groups.anew()
        before.abandon()

    async def close(self) -> None:
        """Stop the groups, commit pending writes, and close the store."""
        self.groups.stop()
        await self.store.close()

    def __repr__(self) -> str:
        return f"<Node over {self.store!r}>"
