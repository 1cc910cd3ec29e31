"""Methods that manage users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.new_events import UNSET
from rxpump.model.users import UserDetails
from rxpump.streams.single import Single
from rxpump.transport import Transport


class Users:
    """Management of the users of a server. `Client.users` returns it.

    Only members of `$admins` may manage users; any user may read their details. Each method has the argument
    `timeout`: seconds until the call fails, None for no deadline; the default is that of the settings. Each raises
    NotSupported at the call if the protocol cannot manage users, and UserNotFound if there is no user of the login.

    Args:
        runtime: Background tasks of the client.
        within: Function that returns the transport for a call with a timeout.
    """

    def __init__(self, runtime: BackgroundTasks, within: Callable[[float | None], Transport]) -> None:
        self._runtime = runtime
        self._within = within

    def create(
        self,
        login: str,
        password: str,
        *,
        full_name: str = "",
        groups: Iterable[str] = (),
        timeout: float | None = UNSET,
    ) -> Single[None]:
        """Create a user.

        Args:
            login: Login of the user.
            password: Password of the user.
            full_name: Name for people. Default: the login.
            groups: Names of groups, such as "$admins" or "$ops".
            timeout: See the class.

        Raises:
            UserConflict: There is a user of this login.

        Example:
            `await client.users.create("ouro", "secret", groups=["$ops"])`
        """
        requests = self._within(timeout).users
        login, password = checks.text("login", login), _password("password", password)
        name, names = full_name or login, _groups(groups)
        return Single(self._runtime, "users.create", lambda: requests.create(login, password, name, names))

    def update(
        self, login: str, *, full_name: str = "", groups: Iterable[str] = (), timeout: float | None = UNSET
    ) -> Single[None]:
        """Replace the full name and the groups of a user. Arguments as in `create`.

        Example:
            `await client.users.update("ouro", full_name="Ouro", groups=["$admins"])`
        """
        requests, login, names = self._within(timeout).users, checks.text("login", login), _groups(groups)
        return Single(self._runtime, "users.update", lambda: requests.update(login, full_name or login, names))

    def delete(self, login: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Delete a user.

        Example:
            `await client.users.delete("ouro")`
        """
        requests, login = self._within(timeout).users, checks.text("login", login)
        return Single(self._runtime, "users.delete", lambda: requests.delete(login))

    def enable(self, login: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Let a disabled user log in again.

        Example:
            `await client.users.enable("ouro")`
        """
        requests, login = self._within(timeout).users, checks.text("login", login)
        return Single(self._runtime, "users.enable", lambda: requests.enable(login))

    def disable(self, login: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Refuse the logins of a user. A node can accept one for up to a second longer.

        Example:
            `await client.users.disable("ouro")`
        """
        requests, login = self._within(timeout).users, checks.text("login", login)
        return Single(self._runtime, "users.disable", lambda: requests.disable(login))

    def change_password(self, login: str, current: str, new: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Replace the password of a user. Any user who has the current password may do this.

        Args:
            login: Login of the user.
            current: Current password.
            new: New password. For up to a second, a node can still refuse it.
            timeout: See the class.

        Raises:
            AccessDenied: The current password is another.

        Example:
            `await client.users.change_password("ouro", "secret", "better secret")`
        """
        requests, login = self._within(timeout).users, checks.text("login", login)
        old, replacement = _password("current", current), _password("new", new)
        return Single(
            self._runtime, "users.change_password", lambda: requests.change_password(login, old, replacement)
        )

    def reset_password(self, login: str, new: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Replace the password of a user without the current one.

        Example:
            `await client.users.reset_password("ouro", "better secret")`
        """
        requests, login, password = self._within(timeout).users, checks.text("login", login), _password("new", new)
        return Single(self._runtime, "users.reset_password", lambda: requests.reset_password(login, password))

    def details(self, login: str, *, timeout: float | None = UNSET) -> Single[UserDetails]:
        """Read the name, the groups and the state of a user.

        Example:
            `(await client.users.details("ouro")).groups`
        """
        requests, login = self._within(timeout).users, checks.text("login", login)
        return Single(self._runtime, "users.details", lambda: requests.read(login))

    def list(self, *, timeout: float | None = UNSET) -> Single[Sequence[UserDetails]]:
        """Read the details of all users.

        Example:
            `logins = [user.login for user in await client.users.list()]`
        """
        requests = self._within(timeout).users
        return Single(self._runtime, "users.list", requests.read_all)


def _password(argument: str, value: object) -> str:
    """Return a password that is not empty; an error does not contain it."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument(argument, "(not shown)", "a non-empty string")
    return value


def _groups(groups: object) -> tuple[str, ...]:
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        raise InvalidArgument("groups", groups, "names of groups in a list")
    return tuple(checks.text("groups", each) for each in groups)
