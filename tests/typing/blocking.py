"""Blocking calls have the types of the asynchronous ones. mypy and pyright check this file; it is not executed."""

from typing import Any, assert_type

from reactivex import operators as rx

import rxpump
from rxpump import operators as ops


def calls_return_the_reply(store: rxpump.BlockingClient) -> None:
    assert_type(store.get_event("ponies", 3, timeout=1), rxpump.Event)
    assert_type(store.get("ponies", max_count=3), rxpump.StreamPage)
    assert_type(store.publish_event("ponies", "PonyJumped", {"Height": 1}), rxpump.WriteResult)
    assert_type(store.publish("ponies", [rxpump.NewEvent("PonyJumped")]), rxpump.WriteResult)
    assert_type(store.publish("ponies", iter([rxpump.NewEvent("PonyJumped")])), rxpump.WriteResult | None)
    assert_type(store.ping(), float)
    assert_type(store.drain(timeout=3), bool)


def streams_are_plain_iterators(store: rxpump.BlockingClient) -> None:
    assert_type(store.iter("ponies"), rxpump.BlockingIterator[rxpump.Event])
    assert_type(store.stream("ponies", 3), rxpump.BlockingIterator[rxpump.Event])
    assert_type(next(store.connect_subscription("group", "ponies")), rxpump.Delivery)
    assert_type([event.number for event in store.iter_all()], list[int])


def pipelines_have_the_type_of_their_last_operator(store: rxpump.BlockingClient) -> None:
    assert_type(store.pipeline("ponies", ops.of_type("PonyJumped")), rxpump.BlockingIterator[rxpump.Event])
    numbers = store.pipeline("ponies", rx.map(lambda event: event.number), timeout=1)
    assert_type(numbers, rxpump.BlockingIterator[int])
    counts = store.iterate(store.client.iter("ponies").pipe(rx.map(lambda event: event.type), rx.count()))
    assert_type(counts, rxpump.BlockingIterator[int])


def an_observable_runs_to_its_last_value(store: rxpump.BlockingClient, client: rxpump.Client) -> None:
    assert_type(rxpump.run(client.iter("ponies")), rxpump.Event | None)
    assert_type(store.run(store.client.iter("ponies").pipe(rx.count())), int | None)


def transactions_are_context_managers(store: rxpump.BlockingClient) -> None:
    with store.transaction("ponies", expected_version=3) as transaction:
        assert_type(transaction, rxpump.BlockingTransaction)
        transaction.write([rxpump.NewEvent("PonyJumped")])
    assert_type(transaction.result, rxpump.WriteResult | None)


def wrong_arguments_are_found(store: rxpump.BlockingClient) -> None:
    store.get_event(3)  # type: ignore[arg-type]
    store.iter("ponies", unknown=True)  # type: ignore[call-arg]
    del store


def the_decoded_type_is_not_known(store: rxpump.BlockingClient) -> None:
    assert_type(store.pipeline("ponies", ops.json()), rxpump.BlockingIterator[Any])
