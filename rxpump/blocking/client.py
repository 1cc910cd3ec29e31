"""The client of programs without an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sized
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import reactivex

from rxpump.blocking.administration import BlockingIndexes, BlockingProjections, BlockingUsers
from rxpump.blocking.delegation import Delegate, blocking, delegating, iterating
from rxpump.blocking.iterating import BlockingIterator
from rxpump.blocking.running import last_value
from rxpump.blocking.thread_iterator import ThreadIterator, ThreadSource
from rxpump.blocking.transaction import BlockingTransaction
from rxpump.client import Client
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.credentials import Credentials, Token
from rxpump.model.events import Event
from rxpump.model.new_events import UNSET, NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.streams.call import for_blocking_method
from rxpump.transport import Capability

if TYPE_CHECKING:
    from rxpump.streams.observable import Item1, Item2, Item3, Item4, Item5, Item6, Item7, Item8, Item9, Item10, Op

T = TypeVar("T")


class BlockingClient(Delegate[Client]):
    """A client whose methods wait for their results. `rxpump.open` returns one.

    It has the methods of `Client`, with the same arguments, errors and deadlines. A method that returns one reply
    returns it. A method that returns a stream of events returns a plain iterator. Every thread may use it.

    The asynchronous client and the operators of pipelines run in the event loop of a separate thread.
    `with` closes both at the end of the block, as `close` does.

    Example:
        with rxpump.open("tcp://localhost:1113") as store:
            store.publish_event("orders", "Placed", {"price": 5})
            for event in store.iter("orders"):
                print(event.json())
    """

    @property
    def client(self) -> Client:
        """The asynchronous client, whose Observables `iterate` and `run` accept."""
        return self._asynchronous

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now."""
        return self._asynchronous.is_connected

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Optional features that the protocol of the connection has; see `Client.capabilities`."""
        return self._asynchronous.capabilities

    # Pipelines ----------------------------------------------------------------------------------------

    if TYPE_CHECKING:
        # One signature instead of an overload for each number of operators; see `Observable.pipe`.
        # fmt: off
        def pipeline(
            self, stream: str, op1: Op[Event, Item1] = ..., op2: Op[Item1, Item2] = ..., op3: Op[Item2, Item3] = ...,
            op4: Op[Item3, Item4] = ..., op5: Op[Item4, Item5] = ..., op6: Op[Item5, Item6] = ...,
            op7: Op[Item6, Item7] = ..., op8: Op[Item7, Item8] = ..., op9: Op[Item8, Item9] = ...,
            op10: Op[Item9, Item10] = ..., /, *, timeout: float | None = ...,
        ) -> BlockingIterator[Item10]:
            """Iterate over the results of operators over the events of a stream, from the first event on.

            The stream is subscribed to, as by `Client.stream`: the iterator waits for new events, unless an operator
            such as `ops.until_caught_up()` or `rx.take(10)` ends it. Up to 10 operators of rxpump and reactivex are
            applied from left to right. They run in the thread of the event loop.

            After `timeout` seconds without a result it raises TimeoutError, and its next call waits again.

            Raises:
                InvalidArgument: The timeout is not positive, or the name is not that of one stream.

            Example:
                for price in store.pipeline("orders", ops.json(), rx.map(lambda order: order["price"])):
                    print(price)
            """
            ...
        # fmt: on
    else:

        def pipeline(self, stream, /, *operators, timeout=None):  # noqa: D102 - the docstring is above
            return self.iterate(self._asynchronous.stream(stream).pipe(*operators), timeout=timeout)

    def iterate(self, source: reactivex.Observable[T], *, timeout: float | None = None) -> BlockingIterator[T]:
        """Iterate over any Observable of `client`.

        Args:
            source: The Observable.
            timeout: Seconds to wait for each value before TimeoutError is raised; the next call waits again.

        Raises:
            InvalidArgument: The source is no Observable, or the timeout is not positive.

        Example:
            for event in store.iterate(rx.merge(store.client.iter("orders"), store.client.iter("invoices"))):
                print(event)
        """
        if not isinstance(source, reactivex.Observable):
            raise InvalidArgument("source", source, "an Observable, such as store.client.iter(stream).pipe(...)")
        self._thread.check()
        return BlockingIterator(self._thread, source, checks.timeout(timeout))

    def run(self, pipeline: reactivex.Observable[T]) -> T | None:
        """Run an Observable of `client` to its end.

        Args:
            pipeline: The Observable.

        Returns:
            Its last value; None if there was none.

        Raises:
            Exception: The error of the Observable.

        Example:
            store.run(store.client.iter("orders").pipe(ops.json(), rx.count()))
        """
        return self._thread.call(partial(last_value, pipeline))

    # Reads --------------------------------------------------------------------------------------------

    @blocking(Client.ping)
    def ping(self) -> None:
        """Return the seconds that the server takes to reply; see `Client.ping`."""

    @blocking(Client.get_event)
    def get_event(self) -> None:
        """Read one event; see `Client.get_event`."""

    @blocking(Client.get)
    def get(self) -> None:
        """Read one page of a stream; see `Client.get`."""

    @blocking(Client.get_all)
    def get_all(self) -> None:
        """Read one page of `$all`; see `Client.get_all`."""

    @iterating(Client.iter)
    def iter(self) -> None:
        """Iterate over the events of a stream up to its end; see `Client.iter`."""

    @iterating(Client.iter_all)
    def iter_all(self) -> None:
        """Iterate over the events of all streams up to the end; see `Client.iter_all`."""

    # Subscriptions ------------------------------------------------------------------------------------

    @iterating(Client.stream)
    def stream(self) -> None:
        """Iterate over the events of a stream, then over each new one as it is written; see `Client.stream`."""

    @iterating(Client.stream_all)
    def stream_all(self) -> None:
        """Iterate over the events of all streams, then over new ones; see `Client.stream_all`."""

    @iterating(Client.live)
    def live(self) -> None:
        """Iterate over the events of a stream that are written from now on; see `Client.live`."""

    @iterating(Client.subscribe_to)
    def subscribe_to(self) -> None:
        """Iterate over a subscription, like `stream`, under the name of photon-pump; see `Client.subscribe_to`."""

    @iterating(Client.relay)
    def relay(self) -> None:
        """Run a relay, and iterate over the results of its writes; see `Client.relay`."""

    # Writes -------------------------------------------------------------------------------------------

    @blocking(Client.publish_event)
    def publish_event(self) -> None:
        """Append one event to a stream; see `Client.publish_event`."""

    @overload
    def publish(
        self,
        stream: str,
        events: list[NewEvent] | tuple[NewEvent, ...],
        *,
        expected_version: int = ...,
        timeout: float | None = ...,
    ) -> WriteResult: ...
    @overload
    def publish(
        self,
        stream: str,
        events: Any,
        *,
        expected_version: int = ...,
        batch_size: int = ...,
        timeout: float | None = ...,
    ) -> WriteResult | None: ...

    def publish(
        self,
        stream: str,
        events: Any,
        *,
        expected_version: int = ExpectedVersion.ANY,
        batch_size: int = UNSET,
        timeout: float | None = UNSET,
    ) -> WriteResult | None:
        """Append events to a stream, in order; see `Client.publish`.

        An iterator is read in the calling thread, and only as fast as its events are written.

        Args:
            stream: Name of the stream. It is created if it does not exist.
            events: NewEvents, or Events to copy. A collection with a length is one atomic write. An iterator or
                Observable is written in batches.
            expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion.
            batch_size: Largest number of events of a batch, for an iterator or Observable. Default: 500.
            timeout: Seconds until the write of a list, or of one batch, fails. None: no deadline.

        Returns:
            The result of the last write; None if an iterator had no events.

        Raises:
            InvalidArgument: An item is not an event, or `batch_size` is given for a list.
            WrongExpectedVersion: The stream is at another version. Nothing of the batch was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream.
            ClientClosed: Another thread drained or closed the client before the iterator was read to its end.
            Exception: The error of the iterator. The events before it were written.

        Example:
            store.publish("orders", (NewEvent("Placed", row) for row in csv.DictReader(file)))
        """
        options = {"expected_version": expected_version, "batch_size": batch_size, "timeout": timeout}
        write: Callable[[Any], Awaitable[WriteResult | None]] = partial(self._asynchronous.publish, stream, **options)
        self._thread.check()
        if not isinstance(events, Iterable) or isinstance(events, (Sized, reactivex.Observable)):
            result = for_blocking_method(write, events)
            return self._thread.call(lambda: result)
        values: ThreadIterator[Any] = ThreadIterator(self._thread.loop)
        source = ThreadSource(self._asynchronous._runtime, values)
        return self._thread.call(partial(write, source), lambda: values.put_all(events), at_end=values.close)

    @blocking(Client.publish_many)
    def publish_many(self) -> None:
        """Append events to several streams as one atomic write; see `Client.publish_many`."""

    @blocking(Client.link_to)
    def link_to(self) -> None:
        """Append a link to an event; see `Client.link_to`."""

    @delegating(Client.transaction, BlockingTransaction, "BlockingTransaction")
    def transaction(self) -> None:
        """Return a transaction, which `with` starts and commits; see `Client.transaction`."""

    @delegating(Client.continue_transaction, BlockingTransaction, "BlockingTransaction")
    def continue_transaction(self) -> None:
        """Return a transaction that was started elsewhere; see `Client.continue_transaction`."""

    # Consumer groups ----------------------------------------------------------------------------------

    @blocking(Client.create_subscription)
    def create_subscription(self) -> None:
        """Create a consumer group; see `Client.create_subscription`."""

    @blocking(Client.update_subscription)
    def update_subscription(self) -> None:
        """Replace all settings of a consumer group; see `Client.update_subscription`."""

    @blocking(Client.delete_subscription)
    def delete_subscription(self) -> None:
        """Delete a consumer group; see `Client.delete_subscription`."""

    @blocking(Client.truncate_parked)
    def truncate_parked(self) -> None:
        """Remove parked events of a consumer group; see `Client.truncate_parked`."""

    @blocking(Client.subscription_details)
    def subscription_details(self) -> None:
        """Read the state of a consumer group; see `Client.subscription_details`."""

    @blocking(Client.list_subscriptions)
    def list_subscriptions(self) -> None:
        """Read the states of consumer groups; see `Client.list_subscriptions`."""

    @blocking(Client.restart_subscriptions)
    def restart_subscriptions(self) -> None:
        """Stop and start all consumer groups; see `Client.restart_subscriptions`."""

    @blocking(Client.replay_parked)
    def replay_parked(self) -> None:
        """Deliver the parked events of a consumer group again; see `Client.replay_parked`."""

    @iterating(Client.connect_subscription)
    def connect_subscription(self) -> None:
        """Iterate over the deliveries of a consumer group; see `Client.connect_subscription`.

        Every thread may acknowledge a delivery.
        """

    # Administration -----------------------------------------------------------------------------------

    @blocking(Client.delete_stream)
    def delete_stream(self) -> None:
        """Delete a stream; see `Client.delete_stream`."""

    @blocking(Client.get_metadata)
    def get_metadata(self) -> None:
        """Read the metadata of a stream; see `Client.get_metadata`."""

    @blocking(Client.set_metadata)
    def set_metadata(self) -> None:
        """Replace the metadata of a stream; see `Client.set_metadata`."""

    @blocking(Client.get_system_settings)
    def get_system_settings(self) -> None:
        """Read the default access control lists; see `Client.get_system_settings`."""

    @blocking(Client.set_system_settings)
    def set_system_settings(self) -> None:
        """Replace the default access control lists; see `Client.set_system_settings`."""

    @blocking(Client.scavenge)
    def scavenge(self) -> None:
        """Remove events that can no longer be read from the files of the node; see `Client.scavenge`."""

    @blocking(Client.stop_scavenge)
    def stop_scavenge(self) -> None:
        """Stop a scavenge on the connected node; see `Client.stop_scavenge`."""

    @blocking(Client.server_info)
    def server_info(self) -> None:
        """Read the version and the features of the connected node; see `Client.server_info`."""

    @blocking(Client.members)
    def members(self) -> None:
        """Read the members of the cluster; see `Client.members`."""

    @blocking(Client.statistics)
    def statistics(self) -> None:
        """Read the statistics of the connected node; see `Client.statistics`."""

    @property
    def users(self) -> BlockingUsers:
        """Methods that manage users."""
        return BlockingUsers(self._asynchronous.users, self._thread)

    @property
    def projections(self) -> BlockingProjections:
        """Methods that manage projections."""
        return BlockingProjections(self._asynchronous.projections, self._thread)

    @property
    def indexes(self) -> BlockingIndexes:
        """Methods that read secondary indexes and manage them."""
        return BlockingIndexes(self._asynchronous.indexes, self._thread)

    @iterating(Client.metrics)
    def metrics(self) -> None:
        """Iterate over snapshots of the bytes, requests and subscriptions of the client; see `Client.metrics`."""

    # Users and closing ------------------------------------------------------------------------------------------

    def as_user(self, user: str | Credentials | Token, password: str | None = None) -> BlockingClient:
        """Return a client for another user, which shares the connection and cannot close it; see `Client.as_user`."""
        return BlockingClient(self._asynchronous.as_user(user, password), self._thread)

    def drain(self, timeout: float = 5.0) -> bool:
        """End subscriptions and reads, and wait until all work in progress is finished; see `Client.drain`."""
        return self._thread.call(partial(self._asynchronous.drain, timeout))

    def close(self) -> None:
        """Disconnect, and end the thread. Everything in progress fails with ClientClosed.

        A closed client cannot be used again. A second `close` does nothing.

        Raises:
            NotOwner: `as_user` returned this client, so its connection belongs to another client.
        """
        if not self._thread.is_stopped:
            self._thread.call(self._asynchronous.close)
            self._thread.stop()

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.drain()
        finally:
            self.close()
