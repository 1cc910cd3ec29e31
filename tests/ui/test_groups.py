"""`/api/groups`: consumer groups, their parked events, and the actions on these."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import NackAction, NewEvent
from tests.ui.harness import SECONDS, Browser, encoded

STREAM, GROUP = "orders/1", "billing 2"
PATH = f"/api/groups/{encoded(STREAM)}/{encoded(GROUP)}"


@pytest.fixture
def is_grpc(uri: str) -> bool:
    return uri.startswith("kurrentdb")


@pytest.fixture
async def group(client: rxpump.Client) -> str:
    """A group of a stream with three events."""
    await client.publish(STREAM, [NewEvent("Placed", {"n": n}) for n in range(3)])
    await client.create_subscription(GROUP, STREAM, start_from=0, max_retry_count=7)
    return GROUP


@pytest.fixture
async def parked(client: rxpump.Client, group: str, browser: Browser) -> list[dict[str, Any]]:
    """Three parked events of the group, as the page lists them."""
    refused = client.connect_subscription(group, STREAM).pipe(
        rx.take(3), rx.do_action(lambda delivery: delivery.nack(NackAction.PARK, "the price is missing"))
    )
    await refused
    return await until_parked(browser, 3)


async def until_parked(browser: Browser, count: int) -> list[dict[str, Any]]:
    """Return the parked events as soon as there are `count` of them."""
    async with asyncio.timeout(SECONDS):
        while len(rows := await browser.get(f"{PATH}/parked")) != count:
            await asyncio.sleep(0.01)
    found: list[dict[str, Any]] = rows
    return found


async def test_groups_are_listed_with_their_settings(browser: Browser, group: str, is_grpc: bool) -> None:
    (row,) = await browser.get("/api/groups")
    assert (row["stream"], row["group"], row["parked"]) == (STREAM, group, 0)
    assert (row["settings"]["max_retry_count"], row["settings"]["start_from"]) == (7, 0)
    assert row["settings"]["strategy"] == "RoundRobin"
    assert (row["last_known"], row["lag"]) == ("2", 3)
    assert (row["status"] is None, row["consumers"], row["in_flight"]) == (
        (False, [], 0) if is_grpc else (True, None, None)
    )
    assert await browser.get(PATH) == row


async def test_the_consumers_of_a_group_are_listed(
    browser: Browser, group: str, client: rxpump.Client, is_grpc: bool
) -> None:
    if not is_grpc:
        pytest.skip("the TCP protocol does not report them")
    delivered = asyncio.Event()
    consuming = client.connect_subscription(group, STREAM, buffer_size=2).subscribe(lambda _: delivered.set())
    await delivered.wait()
    row = await browser.get(PATH)
    assert [consumer["connection_name"] for consumer in row["consumers"]] == [client.name]
    assert row["in_flight"] == row["consumers"][0]["in_flight"] == 2
    consuming.dispose()


async def test_no_groups_are_an_empty_list(browser: Browser) -> None:
    assert await browser.get("/api/groups") == []


@pytest.mark.parametrize("path", ["/api/groups/orders/nothing", "/api/groups/nothing/billing"])
async def test_a_group_that_does_not_exist_is_not_found(path: str, browser: Browser) -> None:
    assert (await browser.error(404, path))["kind"] == "PersistentSubscriptionNotFound"


async def test_parked_events_have_their_data_and_the_reason(parked: list[dict[str, Any]], is_grpc: bool) -> None:
    assert [row["parked_number"] for row in parked] == [0, 1, 2]
    assert [(row["stream"], row["number"], row["type"]) for row in parked] == [
        (STREAM, n, "Placed") for n in range(3)
    ]
    assert [row["data"]["text"] for row in parked] == ['{"n":0}', '{"n":1}', '{"n":2}']
    assert "the price is missing" in parked[0]["reason"]
    assert parked[0]["parked_time"] >= parked[0]["time"]


async def test_parked_events_are_counted_and_can_be_limited(browser: Browser, parked: list[dict[str, Any]]) -> None:
    assert (await browser.get(PATH))["parked"] == len(parked)
    assert [row["parked_number"] for row in await browser.get(f"{PATH}/parked", count=2)] == [0, 1]


async def test_a_group_without_parked_events_has_none(browser: Browser, group: str) -> None:
    assert await browser.get(f"{PATH}/parked") == []


async def next_numbers(client: rxpump.Client, count: int) -> list[int]:
    """Consume and acknowledge deliveries, and return the numbers of their events."""
    numbers: list[int] = await client.connect_subscription(GROUP, STREAM).pipe(
        rx.take(count),
        rx.do_action(lambda delivery: delivery.ack()),
        rx.map(lambda delivery: delivery.number),
        rx.to_list(),
    )
    return numbers


async def test_parked_events_are_replayed(browser: Browser, client: rxpump.Client, parked: list[Any]) -> None:
    reply = await browser.post(f"{PATH}/replay")
    assert (reply.status_code, reply.json()) == (200, {"done": True})
    assert sorted(await next_numbers(client, 3)) == [0, 1, 2]
    assert await until_parked(browser, 0) == []


async def test_the_oldest_can_be_retried_alone(
    browser: Browser, client: rxpump.Client, parked: list[Any], is_grpc: bool
) -> None:
    reply = await browser.post(f"{PATH}/retry/0")
    if not is_grpc:
        assert (reply.status_code, reply.json()["error"]["kind"]) == (501, "NotSupported")
        return
    assert reply.json() == {"done": True}
    assert await next_numbers(client, 1) == [0]
    assert [row["parked_number"] for row in await until_parked(browser, 2)] == [1, 2]


async def test_the_only_parked_event_can_be_retried(browser: Browser, client: rxpump.Client, group: str) -> None:
    refused = client.connect_subscription(group, STREAM).pipe(
        rx.take(3),
        rx.do_action(lambda each: each.nack(NackAction.PARK, "") if each.number == 1 else each.ack()),
    )
    await refused
    await until_parked(browser, 1)
    assert (await browser.post(f"{PATH}/retry/0")).json() == {"done": True}
    assert await next_numbers(client, 1) == [1]


async def test_others_than_the_oldest_are_not_retried_alone(browser: Browser, parked: list[Any]) -> None:
    reply = await browser.post(f"{PATH}/retry/1")
    assert (reply.status_code, reply.json()["error"]["kind"]) == (409, "NotOldest")
    assert reply.json()["error"]["oldest"] == 0


async def test_some_parked_events_are_replayed(
    browser: Browser, client: rxpump.Client, parked: list[Any], is_grpc: bool
) -> None:
    reply = await browser.post(f"{PATH}/replay", {"limit": 2})
    if not is_grpc:
        assert (reply.status_code, reply.json()["error"]["kind"]) == (501, "NotSupported")
        return
    assert sorted(await next_numbers(client, 2)) == [0, 1]
    assert [row["parked_number"] for row in await until_parked(browser, 1)] == [2]


async def test_parked_events_are_cleared(browser: Browser, parked: list[Any]) -> None:
    assert (await browser.post(f"{PATH}/clear")).json() == {"done": True}
    assert await until_parked(browser, 0) == []
    assert (await browser.get(PATH))["parked"] == 0
    assert (await browser.post(f"{PATH}/clear")).json() == {"done": True}


async def test_a_group_without_parked_events_can_be_cleared(browser: Browser, group: str) -> None:
    assert (await browser.post(f"{PATH}/clear")).json() == {"done": True}


@pytest.mark.parametrize("number", ["x", "-1", str(2**63)])
async def test_a_wrong_number_is_refused(number: str, browser: Browser) -> None:
    reply = await browser.post(f"{PATH}/retry/{number}")
    assert (reply.status_code, reply.json()["error"]["argument"]) == (400, "number")


@pytest.mark.parametrize("limit", ["x", 0, -1, True])
async def test_a_wrong_limit_is_refused(limit: object, browser: Browser, group: str) -> None:
    reply = await browser.post(f"{PATH}/replay", {"limit": limit})
    assert (reply.status_code, reply.json()["error"]["argument"]) == (400, "limit")
