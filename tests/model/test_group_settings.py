from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.group_settings import ConsumerStrategy, NackAction, NamedSettings, PersistentSubscriptionSettings
from rxpump.model.positions import END, LAST_POSITION, START, Position
from rxpump.tcp.wire.codes import NakAction

SETTINGS = PersistentSubscriptionSettings()
TIMES = [field.name for field in fields(SETTINGS) if field.type == "float"]
COUNTS = [field.name for field in fields(SETTINGS) if field.type == "int"]


def test_the_defaults_are_those_of_the_protocol_page() -> None:
    """See docs/protocol/tcp.md, section 4.18."""
    assert (
        PersistentSubscriptionSettings(
            resolve_links=False,
            start_from=END,
            message_timeout_seconds=30,
            record_statistics=False,
            live_buffer_size=500,
            read_batch_size=20,
            buffer_size=500,
            max_retry_count=10,
            checkpoint_after_seconds=2,
            checkpoint_max_count=1000,
            checkpoint_min_count=10,
            subscriber_max_count=0,
            strategy="RoundRobin",
        )
        == SETTINGS
    )


def test_settings_do_not_change_and_each_is_documented() -> None:
    assert hash(SETTINGS) == hash(PersistentSubscriptionSettings())
    with pytest.raises(FrozenInstanceError):
        SETTINGS.buffer_size = 7  # type: ignore[misc]
    text = PersistentSubscriptionSettings.__doc__ or ""
    assert [field.name for field in fields(SETTINGS) if f"{field.name}:" not in text] == []
    assert {field.name for field in fields(SETTINGS)} <= NamedSettings.__annotations__.keys()


@pytest.mark.parametrize("name", TIMES)
def test_a_time_fits_in_the_protocol_or_is_zero(name: str) -> None:
    given: dict[str, Any] = {name: 0}
    assert getattr(PersistentSubscriptionSettings(**given), name) == 0
    for value in (-1.0, 0.0001, 2**31 / 1000 + 1, "3", None, float("nan"), True):
        with pytest.raises(InvalidArgument, match=f"^{name} is .*; allowed is "):
            PersistentSubscriptionSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_a_whole_number_within_the_protocol(name: str) -> None:
    for value in (-2, 2.5, "3", None, 2**63):
        with pytest.raises(InvalidArgument, match=f"^{name} is .*; allowed is a whole number"):
            PersistentSubscriptionSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"resolve_links": 1}, "resolve_links is 1; allowed is True or False"),
        ({"record_statistics": None}, "record_statistics is None; allowed is True or False"),
        ({"read_batch_size": 500}, r"read_batch_size is 500; allowed is under buffer_size \(500\)"),
        ({"checkpoint_min_count": 1001}, "checkpoint_min_count is 1001; allowed is checkpoint_max_count"),
        (
            {"strategy": ""},
            "strategy is ''; allowed is a ConsumerStrategy, or the name of another strategy of the server",
        ),
        ({"start_from": -2}, "start_from is -2; allowed is a whole number, -1 or more"),
    ],
)
def test_an_invalid_setting_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{named}"):
        PersistentSubscriptionSettings(**settings)


@pytest.mark.parametrize(
    ("named", "settings"),
    [
        ({"buffer_size": 50}, {"buffer_size": 50}),
        ({"timeout_ms": 1500}, {"message_timeout_seconds": 1.5}),
        ({"checkpoint_after_ms": 0}, {"checkpoint_after_seconds": 0.0}),
        ({"consumer_strategy": "Pinned"}, {"strategy": ConsumerStrategy.PINNED}),
        ({"prefer_round_robin": False}, {"strategy": ConsumerStrategy.DISPATCH_TO_SINGLE}),
        ({"prefer_round_robin": False, "consumer_strategy": "Pinned"}, {"strategy": "Pinned"}),
        ({"prefer_round_robin": True, "strategy": "Pinned"}, {"strategy": "Pinned"}),
    ],
)
def test_settings_have_names_of_rxpump_and_photon_pump(named: Any, settings: dict[str, Any]) -> None:
    assert SETTINGS.but(named) == PersistentSubscriptionSettings(**settings)


def test_invalid_milliseconds_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"^timeout_ms is 'soon'"):
        SETTINGS.but({"timeout_ms": "soon"})  # type: ignore[typeddict-item]


def test_each_nack_action_has_a_code() -> None:
    assert {action.name for action in NackAction} == {code.name for code in NakAction} - {"UNKNOWN"}


@pytest.mark.parametrize(
    ("given", "start"),
    [(0, 0), (7, 7), (-1, END), (START, START), (END, END), (Position(5, 4), Position(5, 4)), (LAST_POSITION, END)],
)
def test_the_start_of_a_group_has_no_sentinels(given: Any, start: Any) -> None:
    assert PersistentSubscriptionSettings(start_from=given).start == start


@pytest.mark.parametrize("start", [-2, 2**63, 1.5, True, None, "start", Position(-1, 3)])
def test_a_start_that_is_no_place_is_refused(start: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        PersistentSubscriptionSettings(start_from=start)
    assert (refused.value.argument, refused.value.value) == ("start_from", start)


def test_a_filter_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="where is 'orders'"):
        PersistentSubscriptionSettings(where="orders")  # type: ignore[arg-type]
