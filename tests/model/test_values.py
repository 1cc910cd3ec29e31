"""Every public value and error can be pickled, copied, compared and printed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

import rxpump
from rxpump import checkpoints, errors, operators
from rxpump.errors import InvalidArgument, NotDecodable, NotReady, RxPumpError
from rxpump.model import signals, status
from rxpump.model.events import single_event
from tests.operators.deliveries import FakeAcknowledger
from tests.operators.events import broken_link, event, linked
from tests.test_errors import sample

MODULES: list[ModuleType] = [rxpump, errors, operators, signals, status, checkpoints]

NO_VALUES = {
    "Client", "Connection", "Observable", "Transaction",  # These belong to a connection,
    "BlockingClient", "BlockingIterator", "BlockingTransaction",  # and so do the blocking ones.
    "Delivery",  # So does a delivery; see a test below.
    "CheckpointStore", "EventStoreCheckpoint", "FileCheckpoint", "SqliteCheckpoint",  # stores
}  # fmt: skip

EVENT = event("Jumped", {"Height": 10}, metadata={"judge": "Applejack"}, number=3)
RECORD = EVENT._record
POSITION = rxpump.Position(7, 5)
REASON = NotReady("Ping")

INDEX_FIELD = rxpump.IndexField("country", "rec => rec.value.country", rxpump.IndexFieldType.STRING)
CONSUMER = rxpump.ConsumerDetails("127.0.0.1:5000", "ops", "billing", 7, 3, 40, 2, {"Mean": 3})
ANSWER = status.NodeAnswer("node1:2113", "node1:2113 leader")
VERDICT = status.NodeVerdict("node1:2113", "leader", "chosen, because it is the leader")

LATENCY = rxpump.LatencyHistogram((0.1, 1.0), (5, 3, 0), 1.5)
REQUESTS = rxpump.RequestMetrics(LATENCY, 1)
SUBSCRIPTION = rxpump.SubscriptionMetrics(
    1, "ponies", "judges", 7, 3.5, 2,
    is_paused=True, is_live=False, events_behind=4, bytes_behind=None, seconds_behind=1.5, unacknowledged=2,
)  # fmt: skip

VALUES: list[object] = [
    EVENT,
    event("Jumped", b"\xff", position=12),
    linked(EVENT, number=8),
    linked(EVENT).link,
    broken_link(),
    rxpump.NewEvent("Jumped", {"Height": 10}, metadata={"judge": "Applejack"}, id=UUID(int=7)),
    rxpump.NewEvent("Slept", b"\xff", id=UUID(int=8)),
    rxpump.StreamPage(
        [single_event(RECORD)],
        stream="ponies", next_event_number=4, last_event_number=9, is_end_of_stream=False,
    ),
    rxpump.AllPage([event(position=3)], position=POSITION, next_position=rxpump.Position(8, 8)),
    rxpump.AllPage([], position=POSITION, next_position=POSITION),
    rxpump.StreamMetadata(),
    rxpump.StreamMetadata(3, timedelta(days=1), 5, 60, rxpump.Acl(read="ops"), {"owner": ["Applejack"]}),
    rxpump.MetadataResult("ponies", rxpump.StreamMetadata(custom={"owner": 7}), 3, b'{"owner":7}'),
    rxpump.Acl(read=("ops", "judges"), write=()),
    rxpump.SystemSettings(rxpump.Acl(read="$all")),
    rxpump.Backoff(attempts=3),
    rxpump.Settings(name="billing", reconnect=rxpump.Backoff(max_delay=60)),
    rxpump.PersistentSubscriptionSettings(start_from=0, strategy=rxpump.ConsumerStrategy.PINNED),
    rxpump.Credentials("ops", "changeit"),
    rxpump.Token("a.b.c"),
    rxpump.EventFilter(type_regex="^Jump"),
    rxpump.WriteResult("ponies", 0, 1, POSITION),
    rxpump.DeleteResult("ponies", None),
    rxpump.ScavengeResult("id", 2.5, 7),
    rxpump.ServerInfo("25.1.0", frozenset({"streams/append"})),
    rxpump.UserDetails("ouro", "Ouro O.", ("$ops",), False),
    rxpump.ProjectionStatistics("count", rxpump.ProjectionMode.CONTINUOUS, "Running"),
    rxpump.ProjectionMode.TRANSIENT,
    rxpump.IndexDetails("by-country", "", (INDEX_FIELD,), rxpump.IndexState.STARTED),
    rxpump.IndexState.STOPPED,
    rxpump.IndexFieldType.STRING,
    INDEX_FIELD,
    CONSUMER,
    rxpump.GroupDetails("ponies", "judges", "Live", rxpump.PersistentSubscriptionSettings(), (CONSUMER,)),
    LATENCY,
    REQUESTS,
    SUBSCRIPTION,
    rxpump.Metrics(status.Idle(), 3, {rxpump.RequestKind.APPEND: REQUESTS}, 1, 200, 100, (SUBSCRIPTION,)),
    POSITION,
    rxpump.START,
    rxpump.ConsumerStrategy.PINNED,
    rxpump.ExpectedVersion.ANY,
    rxpump.NackAction.PARK,
    rxpump.RequestKind.APPEND,
    rxpump.Capability.GROUP_INFO,
    rxpump.NodePreference.FOLLOWER,
    rxpump.StreamDirection.BACKWARD,
    operators.where(type_prefix="Jump", stream_regex="-[0-9]+$"),
    operators.Undecodable(EVENT, NotDecodable("ponies", 3, "Jumped", "no height")),
    operators.OverflowStrategy.DROP_OLDEST,
    signals.CaughtUp(),
    signals.FellBehind(REASON),
    signals.Reconnected(),
    signals.Examined(POSITION),
    status.Idle(),
    ANSWER,
    VERDICT,
    status.Discovered("tcp://node1:1113", (ANSWER,), (VERDICT,)),
    status.Connecting("tcp://localhost:1113"),
    status.Connected("tcp://localhost:1113"),
    status.Reconnecting(2, 0.5, REASON),
    status.Closed(REASON),
    checkpoints.Checkpoint("ponies", 3, POSITION),
]  # fmt: skip
"""At least one sample of each public value class; a new class needs a new sample."""


def public_classes() -> list[type]:
    """Return the classes that the public modules export or, without `__all__`, define."""
    found = set()
    for module in MODULES:
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        names = getattr(module, "__all__", own)
        found |= {getattr(module, name) for name in names if isinstance(getattr(module, name), type)}
    return sorted(found, key=lambda cls: cls.__name__)


def samples(cls: type) -> list[object]:
    if issubclass(cls, RxPumpError):
        return [sample(cls)]
    return [value for value in VALUES if type(value) is cls]


CLASSES = [cls for cls in public_classes() if cls.__name__ not in NO_VALUES]
SAMPLES = [pytest.param(value, id=repr(value)[:60]) for cls in CLASSES for value in samples(cls)]


def through_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle 2": through_pickle(2),
    "pickle 5": through_pickle(5),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "twice": lambda value: copy.copy(through_pickle(5)(value)),
}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_public_class_has_a_sample(cls: type) -> None:
    assert samples(cls), f"put a sample of {cls.__name__} into VALUES"


def test_every_exception_to_the_samples_is_public() -> None:
    assert NO_VALUES - {"Connection"} <= {cls.__name__ for cls in public_classes()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", SAMPLES)
def test_a_copy_is_equal_and_prints_the_same(value: Any, way: str) -> None:
    again = WAYS[way](value)
    assert type(again) is type(value)
    assert again == value
    assert (again != value) is False
    assert (repr(again), str(again)) == (repr(value), str(value))
    assert public_state(again) == public_state(value)


@pytest.mark.parametrize("value", SAMPLES)
def test_values_of_other_kinds_are_not_equal(value: Any) -> None:
    assert value != object()
    others = [other.values[0] for other in SAMPLES if other.values[0] is not value]
    assert [other for other in others if other == value] == []


# The custom keys of metadata can contain lists, so metadata have no hash.
@pytest.mark.parametrize("value", [each for each in SAMPLES if "Metadata" not in str(type(each.values[0]))])
def test_equal_values_have_equal_hashes(value: Any) -> None:
    assert hash(through_pickle(5)(value)) == hash(value)
    assert len({value, copy.copy(value)}) == 1


def public_state(value: object) -> dict[str, object]:
    """Return every attribute and property that is a plain value."""
    names = [
        name for name in dir(value) if not name.startswith("_") and name != "ends"
    ]  # An empty page has no first and last event.
    read = {name: getattr(value, name) for name in names}
    return {name: each for name, each in read.items() if not callable(each)}


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_decoded_after_the_copy(way: str) -> None:
    again = WAYS[way](EVENT)
    assert (again.json(), again.json_metadata(), again.id) == ({"Height": 10}, {"judge": "Applejack"}, EVENT.id)
    assert [each.json() for each in WAYS[way](VALUES[7])] == [{"Height": 10}]


@pytest.mark.parametrize("change", ["type", "data", "metadata", "number", "stream"])
def test_events_that_differ_are_not_equal(change: str) -> None:
    other = copy.deepcopy(EVENT)
    assert other == EVENT
    name = {"number": "event_number", "stream": "event_stream_id", "type": "event_type"}.get(change, change)
    setattr(other._record, name, 4 if change == "number" else b"{}" if "data" in change else "other")
    assert other != EVENT


def test_a_copied_error_keeps_its_attributes() -> None:
    error = InvalidArgument("max_count", 5000, "a number from 1 to 4096")
    assert copy.copy(error) == error
    assert error != InvalidArgument("max_count", 5001, "a number from 1 to 4096")
    assert error != errors.InvalidUri("max_count", 5000, "a number from 1 to 4096")


@pytest.mark.parametrize("way", WAYS)
def test_a_delivery_belongs_to_its_connection(way: str) -> None:
    delivery = rxpump.Delivery(EVENT, 0, FakeAcknowledger(), 1)
    with pytest.raises(TypeError, match=r"cannot be pickled or copied; use delivery\.event"):
        WAYS[way](delivery)
    assert WAYS[way](delivery.event) == EVENT
    assert delivery != EVENT
    assert delivery != rxpump.Delivery(EVENT, 0, FakeAcknowledger(), 1)
    assert len({delivery, EVENT}) == 2
