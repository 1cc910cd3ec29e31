"""Management of users, projections and secondary indexes in blocking calls."""

from __future__ import annotations

from rxpump.blocking.delegation import Delegate, blocking, iterating
from rxpump.client.indexes import Indexes
from rxpump.client.projections import Projections
from rxpump.client.users import Users


class BlockingUsers(Delegate[Users]):
    """Management of the users of a server. `BlockingClient.users` returns it."""

    @blocking(Users.create)
    def create(self) -> None:
        """Create a user; see `Users.create`."""

    @blocking(Users.update)
    def update(self) -> None:
        """Replace the full name and the groups of a user; see `Users.update`."""

    @blocking(Users.delete)
    def delete(self) -> None:
        """Delete a user; see `Users.delete`."""

    @blocking(Users.enable)
    def enable(self) -> None:
        """Let a disabled user log in again; see `Users.enable`."""

    @blocking(Users.disable)
    def disable(self) -> None:
        """Refuse the logins of a user; see `Users.disable`."""

    @blocking(Users.change_password)
    def change_password(self) -> None:
        """Replace the password of a user; see `Users.change_password`."""

    @blocking(Users.reset_password)
    def reset_password(self) -> None:
        """Replace the password of a user without the current one; see `Users.reset_password`."""

    @blocking(Users.details)
    def details(self) -> None:
        """Read the name, the groups and the state of a user; see `Users.details`."""

    @blocking(Users.list)
    def list(self) -> None:
        """Read the details of all users; see `Users.list`."""


class BlockingProjections(Delegate[Projections]):
    """Management of the projections of a server. `BlockingClient.projections` returns it."""

    @blocking(Projections.create)
    def create(self) -> None:
        """Create a projection, which starts at once; see `Projections.create`."""

    @blocking(Projections.create_one_time)
    def create_one_time(self) -> None:
        """Create a projection that ends with the newest event; see `Projections.create_one_time`."""

    @blocking(Projections.update)
    def update(self) -> None:
        """Replace the text of a projection; see `Projections.update`."""

    @blocking(Projections.delete)
    def delete(self) -> None:
        """Delete a projection, which must be disabled; see `Projections.delete`."""

    @blocking(Projections.enable)
    def enable(self) -> None:
        """Start a projection, which continues from its last checkpoint; see `Projections.enable`."""

    @blocking(Projections.disable)
    def disable(self) -> None:
        """Stop a projection after it has written a checkpoint; see `Projections.disable`."""

    @blocking(Projections.abort)
    def abort(self) -> None:
        """Stop a projection at once, without a checkpoint; see `Projections.abort`."""

    @blocking(Projections.reset)
    def reset(self) -> None:
        """Let a projection begin again with the first event; see `Projections.reset`."""

    @blocking(Projections.state)
    def state(self) -> None:
        """Return the state of a projection as JSON values; see `Projections.state`."""

    @blocking(Projections.result)
    def result(self) -> None:
        """Return the result of a projection as JSON values; see `Projections.result`."""

    @blocking(Projections.statistics)
    def statistics(self) -> None:
        """Read the state and the statistics of a projection; see `Projections.statistics`."""

    @blocking(Projections.list)
    def list(self) -> None:
        """Read the statistics of all projections, or of those of one mode; see `Projections.list`."""

    @blocking(Projections.restart_subsystem)
    def restart_subsystem(self) -> None:
        """Stop and start the part of the server that runs projections; see `Projections.restart_subsystem`."""


class BlockingIndexes(Delegate[Indexes]):
    """Management of the secondary indexes of a server. `BlockingClient.indexes` returns it."""

    @iterating(Indexes.iter)
    def iter(self) -> None:
        """Read the events of an index up to its end (backward: up to its first event); see `Indexes.iter`."""

    @iterating(Indexes.stream)
    def stream(self) -> None:
        """Subscribe to the events of an index; see `Indexes.stream`."""

    @blocking(Indexes.create)
    def create(self) -> None:
        """Create an index; see `Indexes.create`."""

    @blocking(Indexes.start)
    def start(self) -> None:
        """Start building an index that was stopped; see `Indexes.start`."""

    @blocking(Indexes.stop)
    def stop(self) -> None:
        """Stop building an index; see `Indexes.stop`."""

    @blocking(Indexes.delete)
    def delete(self) -> None:
        """Delete an index; see `Indexes.delete`."""

    @blocking(Indexes.details)
    def details(self) -> None:
        """Read the description and the state of an index that a user created; see `Indexes.details`."""

    @blocking(Indexes.list)
    def list(self) -> None:
        """Read the descriptions of all indexes that users created; see `Indexes.list`."""
