"""Each method for a single stream refuses `$all`, and its error names the method to use."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import EventStoreCheckpoint
from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent
from tests.operators.events import event

ALL = "$all"

Method = Callable[[rxpump.Client], Any]

READING: dict[str, tuple[Method, str]] = {
    "get_event": (lambda client: client.get_event(ALL), "get_all()"),
    "get": (lambda client: client.get(ALL), "get_all()"),
    "iter": (lambda client: client.iter(ALL), "iter_all()"),
    "stream": (lambda client: client.stream(ALL), "stream_all()"),
    "live": (lambda client: client.live(ALL), "stream_all()"),
    "subscribe_to": (lambda client: client.subscribe_to(ALL), "stream_all()"),
    "relay": (lambda client: client.relay(ALL, lambda events: events, "out"), "stream_all()"),
}

WRITING: dict[str, Method] = {
    "publish_event": lambda client: client.publish_event(ALL, "T"),
    "publish": lambda client: client.publish(ALL, [NewEvent("T")]),
    "link_to": lambda client: client.link_to(ALL, event()),
    "publisher": lambda client: client.publisher(ALL),
    "delete_stream": lambda client: client.delete_stream(ALL),
    "transaction": lambda client: client.transaction(ALL),
    "continue_transaction": lambda client: client.continue_transaction(ALL, 1),
}

ELSEWHERE: dict[str, Method] = {
    "a relay's target": lambda client: client.relay("in", lambda events: events, ALL),
    "an iterable": lambda client: client.publish(ALL, iter([NewEvent("T")])),
    "publish_to": lambda client: ops.publish_to(client, ALL),
    "link_into": lambda client: ops.link_into(client, ALL),
    "checkpoints": lambda client: EventStoreCheckpoint(client, ALL),
}

SERVED = {"get_metadata", "set_metadata"}
"""Methods for the metadata of `$all`, which has an access control list."""

GROUPS = {
    "create_subscription",
    "update_subscription",
    "delete_subscription",
    "connect_subscription",
    "replay_parked",
    "truncate_parked",
    "subscription_details",
    "list_subscriptions",
}
"""Methods for consumer groups of `$all`, which a transport refuses with NotSupported."""


def test_all_methods_with_a_stream_are_tested() -> None:
    methods = {
        name
        for name, method in inspect.getmembers(rxpump.Client, inspect.isfunction)
        if not name.startswith("_") and {"stream", "source"} & set(inspect.signature(method).parameters)
    }
    assert methods == READING.keys() | WRITING.keys() | SERVED | GROUPS


@pytest.mark.parametrize("name", READING)
async def test_a_read_of_all_names_the_method_to_use(name: str) -> None:
    method, instead = READING[name]
    with pytest.raises(InvalidArgument, match=r"is '\$all'; allowed is the name of one stream; ") as raised:
        method(rxpump.connect("tcp://nowhere:1"))
    assert str(raised.value).endswith(f", use {instead}")


@pytest.mark.parametrize("method", [*WRITING.values(), *ELSEWHERE.values()], ids=[*WRITING, *ELSEWHERE])
async def test_a_write_to_all_is_refused(method: Method) -> None:
    with pytest.raises(InvalidArgument, match=r"\$all is the log of all events, which cannot be written or deleted"):
        method(rxpump.connect("tcp://nowhere:1"))


async def test_the_metadata_of_all_can_be_read(memory_server: Any) -> None:
    async with rxpump.connect(memory_server.uri.replace("//", "//admin:changeit@")) as client:
        assert (await client.get_metadata(ALL)).version == -1
