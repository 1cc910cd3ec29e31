"""Deletes, metadata and settings, with a client of the embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import Acl, StreamMetadata, SystemSettings
from rxpump.errors import (
    AccessDenied,
    EventNotFound,
    InvalidArgument,
    ScavengeFailed,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.server import EmbeddedServer


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    """A client without credentials. Stream `ponies` has ten events."""
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("ponies", [rxpump.NewEvent("Counted", {"n": n}) for n in range(10)])
        yield client


def numbers(source: Any) -> Any:
    return source.pipe(rx.map(attrgetter("number")), rx.to_list())


async def test_a_soft_deleted_stream_can_be_written_again(client: rxpump.Client) -> None:
    result = await client.delete_stream("ponies", 9)
    assert result.stream == "ponies"
    assert result.position is not None
    with pytest.raises(StreamNotFound):
        await client.get("ponies")
    found = await client.get_metadata("ponies")
    assert (found.metadata.is_soft_deleted, found.version) == (True, 0)
    written = await client.publish_event("ponies", "Counted", {"n": 10})
    assert written.first_event_number == 10
    assert await numbers(client.iter("ponies")) == [10]
    assert not (await client.get_metadata("ponies")).metadata.is_soft_deleted


async def test_a_hard_deleted_stream_cannot_be_written(client: rxpump.Client) -> None:
    await client.delete_stream("ponies", hard=True)
    for method in (
        client.get("ponies"),
        client.publish_event("ponies", "Counted"),
        client.delete_stream("ponies"),
        client.get_metadata("ponies"),
        client.set_metadata("ponies", max_count=3),
    ):
        with pytest.raises(StreamDeleted) as raised:
            await method
        assert raised.value.stream in ("ponies", "$$ponies")


async def test_a_delete_with_a_wrong_version_deletes_nothing(client: rxpump.Client) -> None:
    with pytest.raises(WrongExpectedVersion) as raised:
        await client.delete_stream("ponies", 3, hard=True)
    assert (raised.value.stream, raised.value.expected) == ("ponies", 3)
    assert len(await client.get("ponies")) == 10


async def test_metadata_is_empty_until_it_is_set(client: rxpump.Client) -> None:
    for stream in ("ponies", "unicorns"):
        found = await client.get_metadata(stream)
        assert (found.stream, found.metadata, found.version, found.raw) == (stream, StreamMetadata(), -1, b"")


async def test_metadata_is_applied_and_keeps_custom_values(client: rxpump.Client) -> None:
    await client.set_metadata("ponies", max_count=3, custom={"owner": "Applejack"}, expected_version=-1)
    assert await numbers(client.iter("ponies")) == [7, 8, 9]
    found = await client.get_metadata("ponies")
    assert found.metadata == StreamMetadata(max_count=3, custom={"owner": "Applejack"})
    assert found.version == 0
    more = replace(found.metadata, max_count=None, truncate_before=8)
    await client.set_metadata("ponies", more, expected_version=found.version)
    assert await numbers(client.iter("ponies")) == [8, 9]
    with pytest.raises(WrongExpectedVersion):
        await client.set_metadata("ponies", more, expected_version=found.version)
    assert (await client.get_metadata("ponies")).metadata.custom == {"owner": "Applejack"}


async def test_metadata_can_be_set_as_bytes(
    client: rxpump.Client,
) -> None:
    await client.set_metadata("ponies", b'{"$maxCount": 2}')
    assert (await client.get_metadata("ponies")).metadata == StreamMetadata(max_count=2)
    await client.set_metadata("ponies", b'{"$maxCount": "2"}')
    found = await client.get_metadata("ponies")
    assert (found.metadata, found.raw) == (StreamMetadata(), b'{"$maxCount": "2"}')
    assert len(await client.get("ponies")) == 10, "it counts as empty there too"
    await client.publish("$$ponies", [rxpump.NewEvent("$metadata", b'{"$maxCount": 2}')])
    assert (await client.get_metadata("ponies")).metadata == StreamMetadata(), "binary is none"


async def test_an_acl_denies_access(client: rxpump.Client) -> None:
    acl = Acl(read="ops", write="ops", delete=(), metadata_read="ops", metadata_write=())
    await client.set_metadata("ponies", acl=acl)
    ops, admin = client.as_user("ops", "changeit"), client.as_user(rxpump.Credentials("admin", "changeit"))
    for method in (client.get("ponies"), client.publish_event("ponies", "Counted"), client.get_metadata("ponies")):
        with pytest.raises(AccessDenied):
            await method
    assert len(await ops.get("ponies")) == 10
    assert (await ops.get_metadata("ponies")).metadata.acl == acl
    await ops.publish_event("ponies", "Counted")
    refused: list[Awaitable[Any]] = [ops.delete_stream("ponies"), ops.set_metadata("ponies")]
    for each in refused:
        with pytest.raises(AccessDenied):
            await each
    await admin.delete_stream("ponies")


async def test_system_settings_apply_to_streams_without_acl(client: rxpump.Client) -> None:
    admin = client.as_user("admin", "changeit")
    assert await admin.get_system_settings() == SystemSettings()
    settings = SystemSettings(user_stream_acl=Acl(read="$admins"))
    await admin.set_system_settings(settings)
    assert await admin.get_system_settings() == settings
    with pytest.raises(AccessDenied):
        await client.get("ponies")
    with pytest.raises(AccessDenied):
        await client.set_system_settings(settings)
    await admin.publish("$settings", [rxpump.NewEvent("$settings", [7])])
    assert await admin.get_system_settings() == SystemSettings()


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda client: client.delete_stream("ponies", -3), "expected_version"),
        (lambda client: client.delete_stream(""), "stream"),
        (lambda client: client.delete_stream("ponies", hard="yes"), "hard"),
        (lambda client: client.get_metadata("$$ponies"), "stream"),
        (lambda client: client.set_metadata("$$ponies", max_count=3), "stream"),
        (lambda client: client.set_metadata("ponies", {"$maxCount": 3}), "metadata"),
        (lambda client: client.set_metadata("ponies", StreamMetadata(), max_count=3), "max_count"),
        (lambda client: client.set_metadata("ponies", custom={"mine": object()}), "data"),
        (lambda client: client.set_system_settings(Acl()), "settings"),
        (lambda client: client.transaction("ponies", -4), "expected_version"),
        (lambda client: client.continue_transaction("ponies", -1), "transaction_id"),
        (lambda client: client.iter_all(where="Pony"), "where"),
        (lambda client: client.stream_all(where=len), "where"),
        (lambda client: client.get_all(where=7), "where"),
        (lambda client: client.link_to("out", rxpump.NewEvent("T")), "event"),
        (lambda client: client.as_user("ops"), "password"),
        (lambda client: client.as_user(7), "user"),
        (lambda client: client.as_user(rxpump.Credentials("a", "b"), "c"), "user"),
    ],
)
def test_an_invalid_argument_is_refused_at_the_call(call: Any, argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        call(rxpump.connect("memory://"))
    assert raised.value.argument == argument


async def test_a_link_resolves_and_is_written_once(client: rxpump.Client) -> None:
    third = await client.get_event("ponies", 3)
    first = await client.link_to("best", third)
    again = await client.link_to("best", third)
    assert (first.first_event_number, again.first_event_number) == (0, 0)
    found = await client.get_event("best")
    assert (found.stream, found.number, found.received.stream) == ("ponies", 3, "best")
    await client.link_to("best of all", found)
    assert (await client.get_event("best of all")).number == 3
    await client.delete_stream("ponies")
    with pytest.raises(EventNotFound):
        await client.get_event("best", 1)
    assert (await client.get_event("best")).is_broken_link


async def test_a_scavenge_removes_deleted_events(client: rxpump.Client) -> None:
    ops, admin = client.as_user("ops", "changeit"), client.as_user("admin", "changeit")
    await client.set_metadata("ponies", max_count=3)
    mine = rxpump.EventFilter(stream_prefix="ponies")
    everything = admin.iter_all(where=mine, resolve_links=False)
    assert await numbers(everything) == list(range(10))
    with pytest.raises(ScavengeFailed, match="ccess"):
        await client.scavenge()
    for who in (ops, admin):
        result = await who.scavenge()
        assert result.is_done
        assert result.id is None
    assert await numbers(everything) == [7, 8, 9]
    assert await numbers(client.iter("ponies")) == [7, 8, 9]
