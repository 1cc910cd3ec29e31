"""Methods that read secondary indexes and manage them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.client.base import READ_BATCH
from rxpump.client.starting_points import first_position, position_before
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.indexes import IndexDetails, IndexField
from rxpump.model.new_events import UNSET
from rxpump.model.positions import START, Edge, Position, StreamDirection
from rxpump.model.system_names import INDEX_PREFIX
from rxpump.settings import Settings
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import FollowedIndex
from rxpump.streams.reading import AllReading
from rxpump.streams.single import Single
from rxpump.transport import Transport


class Indexes:
    """Secondary indexes of a server. `Client.indexes` returns it.

    A server of version 25.1 or later has an index of all events (`$idx-all`), of each category (`$idx-ce-<category>`)
    and of each type (`$idx-et-<type>`). From version 26.0 on, users can create others (`$idx-user-<name>`). Each
    method raises NotSupported at the call if the protocol has no indexes, and IndexNotFound if there is no index of
    the name. In the argument `timeout`, None is no deadline, and the default is that of the settings.

    Args:
        runtime: Background tasks of the client.
        settings: Settings of the client.
        transport: Transport for subscriptions.
        within: Function that returns the transport for a call with a timeout.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        settings: Settings,
        transport: Transport,
        within: Callable[[float | None], Transport],
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._transport = transport
        self._within = within

    def iter(
        self,
        index: str,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_position: Position | Edge | None = None,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
        timeout: float | None = UNSET,
    ) -> AllReading:
        """Read the events of an index up to its end (backward: up to its first event).

        Args:
            index: Name of the index, with its prefix `$idx-`.
            direction: Order of the events.
            from_position: Position at which the read starts, as in `Client.iter_all`.
            batch_size: Largest number of events of a batch.
            resolve_links: Whether to return the targets of links.
            timeout: Seconds until the request fails.

        Returns:
            An Observable of the events, which have a position and complete at the end.

        Raises:
            AccessDenied: The user may not read `$all`.

        Example:
            async for event in client.indexes.iter("$idx-ce-orders"):
                print(event.stream, event.number)
        """
        requests, index = self._within(timeout).indexes, _index(index)
        start, links = first_position(from_position, direction), checks.flag("resolve_links", resolve_links)
        size = checks.page_size(batch_size, argument="batch_size", most=self._transport.limits.page_events)
        return AllReading(
            self._runtime,
            f"iter {index}",
            lambda start: requests.read(index, start, direction, batch_size=size, resolve_links=links),
            start,
        )

    def stream(
        self,
        index: str,
        from_position: Position | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> CatchUp:
        """Subscribe to the events of an index after `from_position`, then to each new event as it is written.

        Each event is delivered exactly once, in order, also after lost connections.

        Args:
            index: Name of the index, with its prefix `$idx-`.
            from_position: Position after which to start, or START or END, as in `Client.stream_all`.
            batch_size: Largest number of events of a batch, while existing events are read.
            resolve_links: Whether to deliver the targets of links.

        Returns:
            An Observable of the events. It fails only with an error after which a retry cannot succeed.

        Raises:
            AccessDenied: The user may not read `$all`.

        Example:
            client.indexes.stream("$idx-et-OrderPlaced").subscribe(print)
        """
        requests, index = self._transport.indexes, _index(index)
        size = checks.page_size(batch_size, argument="batch_size", most=self._transport.limits.page_events)
        links = checks.flag("resolve_links", resolve_links)
        followed = FollowedIndex(self._transport, requests, index, size, resolve_links=links)
        return CatchUp(self._runtime, f"stream {index}", self._settings, followed, position_before(from_position))

    def create(
        self,
        name: str,
        *,
        selected: str = "",
        fields: Iterable[IndexField] = (),
        is_started: bool = True,
        timeout: float | None = UNSET,
    ) -> Single[None]:
        """Create an index.

        Args:
            name: Name of the index, without the prefix `$idx-user-`.
            selected: Text of a JavaScript function that returns whether an event belongs to the index. Empty: all do.
            fields: Fields by which the events can be looked up.
            is_started: Whether the server starts to build the index.
            timeout: Seconds until the call fails.

        Raises:
            IndexExists: There is another index of this name.

        Example:
            country = IndexField("country", "rec => rec.value.country", IndexFieldType.STRING)
            await client.indexes.create("by-country", fields=[country])
        """
        requests, name = self._within(timeout).indexes, checks.text("name", name)
        started, chosen = checks.flag("is_started", is_started), tuple(fields)
        if not all(isinstance(each, IndexField) for each in chosen):
            raise InvalidArgument("fields", chosen, "IndexFields in a list")
        return Single(
            self._runtime,
            "indexes.create",
            lambda: requests.create(name, selected, chosen, is_started=started),
        )

    def start(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Start building an index that was stopped.

        Example:
            `await client.indexes.start("by-country")`
        """
        requests, name = self._within(timeout).indexes, checks.text("name", name)
        return Single(self._runtime, "indexes.start", lambda: requests.start(name))

    def stop(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Stop building an index.

        Example:
            `await client.indexes.stop("by-country")`
        """
        requests, name = self._within(timeout).indexes, checks.text("name", name)
        return Single(self._runtime, "indexes.stop", lambda: requests.stop(name))

    def delete(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Delete an index. Its events stay.

        Example:
            `await client.indexes.delete("by-country")`
        """
        requests, name = self._within(timeout).indexes, checks.text("name", name)
        return Single(self._runtime, "indexes.delete", lambda: requests.delete(name))

    def details(self, name: str, *, timeout: float | None = UNSET) -> Single[IndexDetails]:
        """Read the description and the state of an index that a user created.

        Example:
            `(await client.indexes.details("by-country")).state`
        """
        requests, name = self._within(timeout).indexes, checks.text("name", name)
        return Single(self._runtime, "indexes.details", lambda: requests.details(name))

    def list(self, *, timeout: float | None = UNSET) -> Single[Sequence[IndexDetails]]:
        """Read the descriptions of all indexes that users created.

        Example:
            `names = [index.name for index in await client.indexes.list()]`
        """
        requests = self._within(timeout).indexes
        return Single(self._runtime, "indexes.list", requests.all_details)


def _index(value: object) -> str:
    name = checks.text("index", value)
    if not name.startswith(INDEX_PREFIX):
        raise InvalidArgument("index", name, "the name of an index with its prefix, such as $idx-ce-orders")
    return name
