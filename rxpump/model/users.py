"""Users of a server, as it describes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class UserDetails:
    """A user of the server.

    Attributes:
        login: Login of the user.
        full_name: Name for people.
        groups: Names of the groups of the user, such as "$admins".
        is_disabled: Whether the server refuses the logins of the user.
        updated: When the user was last changed, in UTC; None if it is unknown.
    """

    login: str
    full_name: str
    groups: tuple[str, ...]
    is_disabled: bool
    updated: datetime | None = None
