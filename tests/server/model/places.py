"""The mapping between a server's positions and the model's, and the comparison of replies.

A server can choose its positions freely if later records have higher positions, and if each position of the model
always corresponds to the same position of the server.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

from tests.server.model.log import MAX64

POSITIONS = {
    "commit_position", "prepare_position", "next_commit_position", "next_prepare_position", "last_commit_position",
}  # fmt: skip
NUMBERS = {"event_number", "first_event_number", "last_event_number", "next_event_number"}
OLD_MAX = 2**31 - 1


class Places:
    """The known positions and transaction ids of a server."""

    def __init__(self) -> None:
        self.known: list[int] = []
        self.records: set[int] = set()
        self._servers: dict[int, int] = {}
        self._transactions: dict[int, int] = {}

    def has_position(self, position: tuple[int, int]) -> bool:
        """Return whether the server has returned both halves of a position, so that a request can use it."""
        return all(half <= 0 or half in self._servers for half in position)

    def server_of(self, position: int) -> int:
        return position if position <= 0 else self._servers[position]

    def transaction_of(self, transaction_id: int) -> int:
        return self._transactions.get(transaction_id, transaction_id)

    def same(self, models: int, servers: int) -> int:
        """Record or compare the server's number for a position of the model. 0 and negative ones must be equal."""
        if models <= 0:
            return models
        if models not in self._servers:
            at = bisect_left(self.known, models)
            if at > 0:
                self._check_order(self.known[at - 1], self._servers[self.known[at - 1]], servers)
            if at < len(self.known):
                self._check_order(models, servers, self._servers[self.known[at]])
            insort(self.known, models)
            self._servers[models] = servers
        return self._servers[models]

    def _check_order(self, earlier: int, servers: int, servers_of_later: int) -> None:
        assert servers < servers_of_later or (servers == servers_of_later and earlier not in self.records), (
            f"positions out of order: {servers} and then {servers_of_later}"
        )

    def expected(self, models: Any, servers: Any, *, client_version: int = 1) -> Any:
        """Return the model's message with the server's positions and generated ids."""
        expected = type(models)()
        expected.CopyFrom(models)
        self._copy_values(expected, servers, client_version)
        return expected

    def _copy_values(self, models: Any, servers: Any, client_version: int) -> None:
        for field, value in models.ListFields():
            other = getattr(servers, field.name)
            if field.message_type is not None:
                for one, another in (
                    [(value, other)] if hasattr(value, "ListFields") else zip(value, other, strict=False)
                ):
                    self._copy_values(one, another, client_version)
            elif field.name in POSITIONS:
                setattr(models, field.name, self.same(value, other))
            elif field.name == "event_id" and not value:
                assert len(other) == 16
                models.event_id = other
            elif field.name == "transaction_id" and value > 0:
                models.transaction_id = self._transactions.setdefault(value, other)
            elif field.name in NUMBERS and value == MAX64 and client_version == 0:
                setattr(models, field.name, OLD_MAX)
