"""`rxpump.messages` has the names of `photonpump.messages` that rxpump has."""

from __future__ import annotations

import uuid

import pytest

import rxpump
from rxpump import messages
from tests.photonpump_messages import ENUMS, NOT_SHARED, PROTOCOL, SHARED

RENAMED = {"AllStreamSlice": "AllPage", "StreamSlice": "StreamPage", "Credential": "Credentials"}


def test_every_shared_name_is_there_and_no_other() -> None:
    assert set(messages.__all__) == SHARED
    assert [name for name in SHARED if not hasattr(messages, name)] == []
    assert not SHARED & PROTOCOL


@pytest.mark.parametrize("name", sorted(SHARED & set(rxpump.__all__)) + sorted(RENAMED))
def test_a_name_is_the_object_that_rxpump_exports(name: str) -> None:
    assert getattr(messages, name) is getattr(rxpump, RENAMED.get(name, name))


@pytest.mark.parametrize("enum", ENUMS)
def test_enums_have_the_members_of_photonpump(enum: str) -> None:
    assert [name for name in ENUMS[enum] if not hasattr(getattr(messages, enum), name)] == [
        name for name in ENUMS[enum] if name in NOT_SHARED
    ]


def test_expected_versions_have_the_values_of_photonpump() -> None:
    for name, value in ENUMS["ExpectedVersion"].items():
        assert getattr(messages.ExpectedVersion, name, value) == value


def test_objects_are_made_as_in_photonpump() -> None:
    event = messages.NewEvent("Jumped", id=uuid.UUID(int=1), data={"Height": 10}, metadata={"judge": "Applejack"})
    assert isinstance(event, messages.NewEventData)
    assert messages.Position(1, 2).commit == 1
    assert messages.Credential("ops", "changeit").login == "ops"


def test_strategies_are_accepted_by_a_group() -> None:
    for strategy in (messages.ROUND_ROBIN, messages.DISPATCH_TO_SINGLE, messages.PINNED):
        assert rxpump.PersistentSubscriptionSettings(strategy=strategy).strategy == strategy
