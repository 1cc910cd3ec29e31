"""EventStore, a server for one test in a separate thread, and Recorded."""

from __future__ import annotations

import threading

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.server import Account
from rxpump.testing import EventStore, MockTransport, NotRunning, Recorded, mock_client


def test_blocking_clients_of_both_protocols_can_use_it() -> None:
    with EventStore() as event_store:
        with rxpump.open(event_store.uri) as client:
            client.publish_event("orders", "Placed", {"price": 5})
            client.create_subscription("billing", "orders")
            client.replay_parked("billing", "orders")
        with rxpump.open(event_store.grpc_uri) as client:
            assert [event.type for event in client.iter_all() if event.stream == "orders"] == ["Placed"]


async def test_a_client_in_another_event_loop_can_use_it() -> None:
    with EventStore() as event_store:
        async with rxpump.connect(event_store.uri) as client:
            await client.publish_event("orders", "Placed")
        assert [event.type for event in event_store.read_events()] == ["Placed"]


def test_it_has_the_projections_and_users_that_it_is_given() -> None:
    ada = Account("ada", "secret", ("$admins",))
    with EventStore(projections=True, users=[ada]) as event_store:
        uri = event_store.uri.replace("admin:changeit", "ada:secret")
        with rxpump.open(uri) as client:
            client.publish_event("order-1", "Placed")
            [link] = client.pipeline("$ce-order", rxpump.operators.until_caught_up(), timeout=5)
    assert link.stream == "order-1"


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "rxpump.testing.EventStore"]


def test_its_thread_and_its_data_end_with_it() -> None:
    event_store = EventStore()
    for _ in range(2):
        with event_store, rxpump.open(event_store.uri) as client:
            assert event_store.read_events() == []
            assert len(threads()) == 1
            client.publish_event("orders", "Placed")
    assert threads() == []
    event_store.stop()


def test_starting_it_again_changes_nothing() -> None:
    with EventStore() as event_store:
        uri = event_store.uri
        event_store.start()
        assert event_store.uri == uri


def test_a_server_that_does_not_run_says_so() -> None:
    event_store = EventStore()
    assert repr(event_store) == "<EventStore stopped>"
    for use in (lambda: event_store.uri, lambda: event_store.grpc_uri, event_store.read_events):
        with pytest.raises(NotRunning, match=r"the EventStore is not running; use it in a `with` block"):
            use()
    with event_store:
        assert repr(event_store) == f"<EventStore {event_store.uri}>"


def test_a_failure_at_the_start_ends_the_thread() -> None:
    with pytest.raises(AttributeError):
        EventStore(users=["ada"]).start()  # type: ignore[list-item]
    assert threads() == []


# Recorded ----------------------------------------------------------------------------------------------


def test_recorded_events_are_plain_values() -> None:
    with EventStore() as event_store, rxpump.open(event_store.uri) as client:
        recorded = Recorded(event_store.read_events)
        assert recorded == {}
        assert recorded["orders"] == []
        assert "orders" not in recorded
        client.publish_event("orders", "Placed", {"price": 5}, metadata={"by": "ada"})
        client.publish_event("mails", "Sent", b"\x00")
        client.publish_event("orders", "Paid")
        client.set_metadata("orders", max_count=5)
        assert recorded["orders"] == [("Placed", {"price": 5}, {"by": "ada"}), ("Paid", None)]
        assert recorded.types("orders") == ["Placed", "Paid"]
        assert recorded.all[1] == ("mails", ("Sent", b"\x00"))
        assert "orders" in recorded
        assert list(recorded) == ["orders", "mails"]
        assert len(recorded) == 2
        assert recorded == Recorded(event_store.read_events)
        assert repr(recorded) == f"<Recorded {dict(recorded)}>"


def test_recorded_has_no_tombstones() -> None:
    with EventStore() as event_store, rxpump.open(event_store.uri) as client:
        client.publish_event("orders", "Placed")
        client.delete_stream("orders", hard=True)
        assert Recorded(event_store.read_events) == {"orders": [("Placed", None)]}


def test_an_event_that_changes_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Recorded(list))


async def test_the_mock_transport_can_be_recorded() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish("orders", [NewEvent("Placed", {"price": 5}), NewEvent("Broken", b"{", is_json=True)])
        await client.set_metadata("orders", max_count=5)
    assert Recorded(transport.read_events) == {"orders": [("Placed", {"price": 5}), ("Broken", b"{")]}
