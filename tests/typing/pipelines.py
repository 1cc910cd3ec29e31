"""The types of pipelines. mypy and pyright check this file; it is not executed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import CheckpointStore


def height_of(jump: dict[str, int]) -> int:
    return jump["Height"]


def meters(height: int) -> float:
    return height * 0.3048


async def look_up(height: int) -> str:
    return f"{height} m"


async def requests(client: rxpump.Client) -> None:
    assert_type(await client.publish_event("ponies", "PonySlept"), rxpump.WriteResult)
    assert_type(await client.publish("ponies", [rxpump.NewEvent("PonySlept")]), rxpump.WriteResult)
    assert_type(await client.get_event("ponies"), rxpump.Event)
    page = await client.get("ponies")
    assert_type(page, rxpump.StreamPage)
    assert_type([event.number for event in page], list[int])
    assert_type(await client.get_all(), rxpump.AllPage)
    assert_type(await client.get_metadata("ponies"), rxpump.MetadataResult)
    assert_type(await client.ping(), float)


async def administration(client: rxpump.Client) -> None:
    written = await client.publish_many({"ponies": [rxpump.NewEvent("PonySlept")]}, expected_versions={"ponies": 3})
    assert_type(written, Mapping[str, rxpump.WriteResult])
    assert_type(await client.subscription_details("judges", "ponies"), rxpump.GroupDetails)
    assert_type(await client.list_subscriptions(), Sequence[rxpump.GroupDetails])
    assert_type(await client.users.details("ouro"), rxpump.UserDetails)
    assert_type(await client.projections.list(), Sequence[rxpump.ProjectionStatistics])
    assert_type(await client.indexes.details("by-country"), rxpump.IndexDetails)
    assert_type(await client.server_info(), rxpump.ServerInfo)
    async for event in client.indexes.iter("$idx-all"):
        assert_type(event, rxpump.Event)


async def iterations(client: rxpump.Client) -> None:
    async for event in client.iter("ponies"):
        assert_type(event, rxpump.Event)
    async for event in client.stream("ponies"):
        assert_type(event, rxpump.Event)
    async for delivery in client.connect_subscription("judges", "ponies"):
        assert_type(delivery, rxpump.Delivery)


async def the_first_pipeline(client: rxpump.Client) -> None:
    jumps = client.iter("ponies").pipe(ops.of_type("PonyJumped"), ops.json())
    assert_type(jumps, rxpump.Observable[Any])
    heights = jumps.pipe(rx.map(height_of), rx.map(meters))
    assert_type(heights, rxpump.Observable[float])
    assert_type(await heights.pipe(rx.to_list()), list[float])
    assert_type(await anext(aiter(heights)), float)


def coroutines_and_batches(heights: rxpump.Observable[int]) -> None:
    assert_type(heights.pipe(ops.map_async(look_up)), rxpump.Observable[str])
    assert_type(heights.pipe(ops.batch(10)), rxpump.Observable[list[int]])
    assert_type(heights.pipe(ops.to_event("Measured")), rxpump.Observable[rxpump.NewEvent])


def operators_keep_their_type_after_others(client: rxpump.Client, checkpoint: CheckpointStore) -> None:
    events = client.iter("ponies")
    assert_type(events.pipe(rx.take(1), ops.batch(3)), rxpump.Observable[list[rxpump.Event]])
    assert_type(events.pipe(rx.take(1), ops.commit_checkpoint(checkpoint)), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.in_stream("ponies")), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.on_backpressure_buffer(4)), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.on_backpressure_drop()), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.on_backpressure_latest()), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.rate_limit(4)), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.retry_with_backoff()), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.without_system_events()), rxpump.Observable[rxpump.Event])
    assert_type(events.pipe(rx.take(1), ops.link_into(client, "links")), rxpump.Observable[rxpump.WriteResult])


@dataclass
class Jumped:
    height: int


class Slept(TypedDict):
    hours: float


def models_have_their_type(events: rxpump.Observable[rxpump.Event]) -> None:
    assert_type(events.pipe(ops.decode(Jumped)), rxpump.Observable[Jumped])
    assert_type(events.pipe(ops.of_type("PonySlept"), ops.decode(Slept)), rxpump.Observable[Slept])
    assert_type(events.pipe(ops.decode({"PonyJumped": Jumped, "PonySlept": Slept})), rxpump.Observable[Any])


def arguments_of_lambdas_are_inferred(client: rxpump.Client, numbers: rxpump.Observable[int]) -> None:
    events = client.iter("ponies")
    assert_type(events.pipe(rx.map(lambda event: event.data)), rxpump.Observable[bytes])
    assert_type(events.pipe(rx.filter(lambda event: event.number > 3), rx.take(2)), rxpump.Observable[rxpump.Event])
    assert_type(numbers.pipe(rx.map(lambda n: n * 0.5), rx.map(lambda n: f"{n:.1f}")), rxpump.Observable[str])
    assert_type(numbers.pipe(rx.filter(lambda n: n > 3), rx.to_list()), rxpump.Observable[list[int]])
    heights = events.pipe(ops.where(type_prefix="Jump"), ops.json(), rx.map(lambda jump: jump["Height"] * 0.3048))
    assert_type(heights, rxpump.Observable[Any])


def filters_keep_the_type(client: rxpump.Client) -> None:
    deliveries = client.connect_subscription("judges", "ponies")
    wanted = deliveries.pipe(ops.of_type("PonyJumped"), ops.where(stream_prefix="pony"), ops.distinct_by_id())
    assert_type(wanted, rxpump.Observable[rxpump.Delivery])


def an_operator_for_other_items_is_an_error(numbers: rxpump.Observable[int]) -> None:
    numbers.pipe(rx.map(height_of))  # type: ignore[arg-type]
    numbers.pipe(rx.map(meters), ops.map_async(look_up))  # type: ignore[misc]


def twenty_operators(numbers: rxpump.Observable[int]) -> None:
    long = numbers.pipe(
        rx.map(meters), rx.map(str), rx.map(len), rx.map(meters), rx.map(str),
        rx.map(len), rx.map(meters), rx.map(str), rx.map(len), rx.map(meters),
        rx.map(str), rx.map(len), rx.map(meters), rx.map(str), rx.map(len),
        rx.map(meters), rx.map(str), rx.map(len), rx.map(meters), rx.map(str),
    )  # fmt: skip
    assert_type(long, rxpump.Observable[str])


def operators_of_a_list_are_not_inferred(numbers: rxpump.Observable[int]) -> None:
    operators: list[Callable[[Any], Any]] = [rx.take(1), rx.map(str)]
    assert_type(numbers.pipe(*operators), rxpump.Observable[Any])
