"""Requests that create, change and delete consumer groups."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.grpc.calls.groups import create_group, delete_group, update_group
from rxpump.grpc.calls.parked import replay_parked, restart_groups, truncate_parked
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import ConsumerStrategy, PersistentSubscriptionSettings
from rxpump.model.positions import END, START, Position
from tests.grpc.calls.asked import answer, is_recorded

TEN_SECONDS = PersistentSubscriptionSettings(message_timeout_seconds=10, start_from=START)
EVERYTHING = PersistentSubscriptionSettings(
    resolve_links=True,
    start_from=START,
    message_timeout_seconds=1.234,
    record_statistics=True,
    live_buffer_size=100,
    read_batch_size=9,
    buffer_size=90,
    max_retry_count=7,
    checkpoint_after_seconds=3.456,
    checkpoint_min_count=3,
    checkpoint_max_count=33,
    subscriber_max_count=4,
)


def options(operation: Any) -> Any:
    (request,) = operation.requests
    return request.options


def start_of(stream: str | None, start: Any) -> Any:
    created = options(create_group(stream, "riders", PersistentSubscriptionSettings(start_from=start)))
    return created.all if stream is None else created.stream


def test_every_setting_is_sent() -> None:
    sent = options(create_group("pc", "every", EVERYTHING)).settings
    assert sent == messages.Settings(
        resolve_links=True,
        extra_statistics=True,
        message_timeout_ms=1234,
        max_retry_count=7,
        checkpoint_after_ms=3456,
        min_checkpoint_count=3,
        max_checkpoint_count=33,
        max_subscriber_count=4,
        live_buffer_size=100,
        read_batch_size=9,
        history_buffer_size=90,
        named_consumer_strategy=1,
        consumer_strategy="RoundRobin",
    )


@pytest.mark.parametrize(
    ("strategy", "number"),
    [("DispatchToSingle", 0), ("RoundRobin", 1), ("Pinned", 2), ("PinnedByCorrelation", 0), ("Own", 0)],
)
def test_a_strategy_is_sent_by_name_and_number(strategy: str, number: int) -> None:
    sent = options(create_group("ponies", "riders", PersistentSubscriptionSettings(strategy=strategy))).settings
    assert (sent.consumer_strategy, sent.named_consumer_strategy) == (strategy, number)


def test_events_that_never_expire_have_the_longest_timeout() -> None:
    settings = PersistentSubscriptionSettings(message_timeout_seconds=0, checkpoint_after_seconds=0)
    sent = options(create_group("ponies", "riders", settings)).settings
    assert (sent.message_timeout_ms, sent.checkpoint_after_ms) == (2**31 - 1, 0)


@pytest.mark.parametrize(
    ("start", "field"),
    [(START, {"start": {}}), (END, {"end": {}}), (-1, {"end": {}}), (0, {"revision": 0}), (7, {"revision": 7})],
)
def test_a_group_on_a_stream_starts_at_a_number(start: Any, field: dict[str, Any]) -> None:
    assert start_of("ponies", start) == messages.StreamOptions(stream_identifier={"stream_name": b"ponies"}, **field)


@pytest.mark.parametrize("make", [create_group, update_group])
@pytest.mark.parametrize(("start", "revision"), [(START, 0), (END, 2**64 - 1), (-1, 2**64 - 1), (7, 7)])
def test_servers_before_21_6_find_stream_and_start(make: Any, start: Any, revision: int) -> None:
    """The schema of these servers has neither the field `stream` nor `all`."""
    sent = options(make("ponies", "riders", PersistentSubscriptionSettings(start_from=start)))
    assert (sent.stream_identifier.stream_name, sent.settings.revision) == (b"ponies", revision)
    on_all = options(make(None, "riders", PersistentSubscriptionSettings(start_from=START)))
    assert not on_all.HasField("stream_identifier")


@pytest.mark.parametrize(
    ("start", "field"),
    [
        (START, {"start": {}}),
        (0, {"start": {}}),
        (END, {"end": {}}),
        (Position(-1, -1), {"end": {}}),
        (Position(9, 8), {"position": {"commit_position": 9, "prepare_position": 8}}),
    ],
)
def test_a_group_on_all_starts_at_a_position(start: Any, field: dict[str, Any]) -> None:
    assert start_of(None, start) == messages.AllOptions(no_filter={}, **field)


@pytest.mark.parametrize(("stream", "start"), [("ponies", Position(9, 9)), (None, 7)])
def test_a_start_of_the_other_kind_is_refused(stream: str | None, start: Any) -> None:
    with pytest.raises(InvalidArgument, match="start_from"):
        start_of(stream, start)


def test_a_group_on_all_can_have_a_filter() -> None:
    settings = PersistentSubscriptionSettings(where=EventFilter(stream_prefix="pony-"))
    sent = options(create_group(None, "riders", settings)).all.filter
    assert sent.stream_identifier.regex == "^pony-"
    assert sent.WhichOneof("window") == "count"
    assert sent.checkpoint_interval_multiplier == 1


@pytest.mark.parametrize(
    ("where", "resolve_links"),
    [
        (EventFilter(type_prefix="P", stream_prefix="p"), False),
        (EventFilter(type_regex=r"\d"), False),
        (EventFilter(type_prefix="P"), True),
    ],
)
def test_a_filter_that_the_server_cannot_apply_is_refused(where: EventFilter, resolve_links: bool) -> None:
    settings = PersistentSubscriptionSettings(where=where, resolve_links=resolve_links)
    with pytest.raises(InvalidArgument, match="the server alone filters"):
        create_group(None, "riders", settings)


def test_a_group_on_a_stream_has_no_filter() -> None:
    settings = PersistentSubscriptionSettings(where=EventFilter(type_prefix="P"))
    with pytest.raises(InvalidArgument, match="only a group on \\$all has a filter"):
        create_group("ponies", "riders", settings)


def test_an_update_names_no_filter_and_no_strategy_by_name() -> None:
    settings = PersistentSubscriptionSettings(where=EventFilter(type_prefix="P"), strategy=ConsumerStrategy.PINNED)
    sent = options(update_group(None, "riders", settings))
    assert sent.all == messages.AllOptions(end={})
    assert (sent.settings.consumer_strategy, sent.settings.named_consumer_strategy) == ("", 2)


@pytest.mark.parametrize("strategy", [ConsumerStrategy.PINNED_BY_CORRELATION, "Own"])
def test_an_update_cannot_set_every_strategy(strategy: str) -> None:
    with pytest.raises(InvalidArgument, match="DispatchToSingle, RoundRobin, Pinned"):
        update_group("ponies", "riders", PersistentSubscriptionSettings(strategy=strategy))


def test_other_clients_send_the_same_messages() -> None:
    single = PersistentSubscriptionSettings(
        message_timeout_seconds=20, start_from=1, strategy=ConsumerStrategy.ROUND_ROBIN
    )
    update = update_group("pu", "g", single)
    assert update.requests[0].options.settings.revision == 1
    update.requests[0].options.ClearField("stream_identifier")
    update.requests[0].options.settings.ClearField("revision")
    assert is_recorded(update)
    assert is_recorded(delete_group("ap", "g"))
    assert is_recorded(delete_group(None, "ga"))
    assert is_recorded(replay_parked(None, "ga"))
    assert is_recorded(replay_parked("nm", "g", 2))
    assert is_recorded(restart_groups())


def test_parked_events_are_removed_up_to_a_number() -> None:
    assert options(truncate_parked("ponies", "riders", 3)).stop_at == 3
    assert options(truncate_parked("ponies", "riders")).WhichOneof("limit") == "no_limit"


def test_the_answers_have_no_result() -> None:
    response = restart_groups().context.method.response()
    for operation in (
        create_group("ponies", "riders", TEN_SECONDS),
        update_group("ponies", "riders", TEN_SECONDS),
        delete_group("ponies", "riders"),
        replay_parked("ponies", "riders"),
        truncate_parked("ponies", "riders"),
        restart_groups(),
    ):
        assert answer(operation, response) is None


def test_the_errors_name_stream_and_group() -> None:
    context = create_group(None, "riders", TEN_SECONDS).context
    assert (context.stream_or_all, context.group) == ("$all", "riders")
    assert context.action == "create persistent subscriptions of"
