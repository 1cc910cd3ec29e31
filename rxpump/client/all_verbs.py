"""All families of verbs together, in the name of the connection's user or of somebody else.

Credentials come with the client that verbs are asked of, and not with each verb: so they are said in one place, and
everything that takes a client (an operator, a checkpoint store, a relay) takes it in anybody's name.
"""

from __future__ import annotations

from rxpump.client.admin import Managing
from rxpump.client.persistent import Consuming
from rxpump.client.reads import Reading
from rxpump.client.subscriptions import Following
from rxpump.client.transactions import Transactions
from rxpump.client.writes import Writing
from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials, Token


class AllVerbs(Writing, Reading, Following, Consuming, Transactions, Managing):
    """Every verb there is, over one connection, in somebody's name."""

    def as_user(self, user: str | Credentials | Token, password: str | None = None) -> AllVerbs:
        """Give the same verbs in somebody else's name: `as_user("ops", "changeit")`, or Credentials, or a Token.

        Only the name on the requests differs (also on those that are sent again after a lost connection, and
        on what a subscription asks for): connection, draining and closing stay the client's own. It costs
        nothing, so make one where it is needed. What is refused for its credentials is a NotAuthenticated that names
        the login.
        """
        who = Credentials(user, "" if password is None else password) if isinstance(user, str) else user
        if not isinstance(who, (Credentials, Token)) or (who is user and password is not None):
            raise InvalidArgument("user", user, "a login with its password, Credentials, or a Token, by itself")
        return AsUser(self, who)


class AsUser(AllVerbs):
    """The verbs of a client in another user's name; it has no life of its own, and is neither entered nor closed."""

    def __init__(self, verbs: AllVerbs, who: Credentials | Token) -> None:
        self._settings = verbs._settings
        self._runtime = verbs._runtime
        self._transport = verbs._transport.as_user(who)
        self._calls = verbs._calls.as_user(who)
        self._who = who

    def __repr__(self) -> str:
        return f"<verbs of {self._settings.name} in the name of {self._who.login}>"
