from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rxpump.server.groups.configuration import Entry, apply_json, change_to_json, removal_to_json, to_json
from rxpump.server.groups.settings import GroupSettings

EVERY = GroupSettings(True, 7, 0.001, True, 2, 3, 4, 5, 0.006, 8, 9, 10, "Pinned", stream="s", group="g")
UNNAMED = GroupSettings(stream="t", group="")


def through_json(*contents: dict[str, Any]) -> list[Entry]:
    """Return the groups that result from applying changes in order. Each change is encoded as JSON and decoded."""
    entries: dict[str, Entry] = {}
    for content in contents:
        apply_json(json.loads(json.dumps(content)), entries)
    return list(entries.values())


def test_a_configuration_is_read_as_written() -> None:
    later = GroupSettings(stream="t", group="h")
    named = replace(EVERY, group="over gRPC", follows_v23=True)
    entries = [Entry(EVERY), Entry(UNNAMED, begins_after=-1), Entry(later, 12), Entry(named)]
    assert through_json(to_json(entries, "admin")) == entries
    assert through_json(*(change_to_json(entry, "admin") for entry in entries)) == entries


def test_a_change_affects_one_group() -> None:
    changed = Entry(GroupSettings(stream="s", group="g", max_retry_count=3))
    whole = to_json([Entry(EVERY), Entry(UNNAMED)], "admin")
    assert through_json(whole, change_to_json(changed, "ops")) == [changed, Entry(UNNAMED)]
    assert through_json(whole, removal_to_json(EVERY, "ops")) == [Entry(UNNAMED)]
    unknown = GroupSettings(stream="u", group="")
    assert through_json(whole, removal_to_json(unknown, "ops"), to_json([], "admin")) == []


def test_the_keys_are_those_of_a_real_server() -> None:
    [entry] = json.loads(json.dumps(to_json([Entry(EVERY)], "admin")))["entries"]
    assert list(entry.values()) == ["s", "g", True, True, 1, 7, 2, 4, 5, 3, 6, 9, 8, 10, "Pinned"]
    assert {"messageTimeout", "historyBufferSize", "checkPointAfter", "maxSubscriberCount"} < set(entry)


def test_huge_times_of_older_stores_become_the_longest() -> None:
    [stored] = json.loads(json.dumps(to_json([Entry(UNNAMED)], "admin")))["entries"]
    stored |= {"messageTimeout": 461168601842738, "checkPointAfter": -461168601842738}
    [(settings, _)] = through_json({"entries": [stored]})
    assert settings.message_timeout_seconds == -settings.checkpoint_after_seconds == (2**31 - 1) / 1000


@pytest.mark.parametrize(
    "broken",
    [
        [],
        "x",
        {},
        {"entries": 3},
        {"entries": [None]},
        {"entry": None},
        {"removed": "s::g"},
        {"removed": {"stream": "s"}},
        {"entries": [{"stream": 3}]},
        {"entries": [{"stream": "s", "group": "g"}]},
        {"entries": [{"stream": "s", "group": "g", "namedConsumerStrategy": "Best"}]},
        {"entries": [{"stream": "s", "group": "g", "namedConsumerStrategy": "Pinned", "startFrom": True}]},
        {"entries": [{"stream": "s", "group": "g", "namedConsumerStrategy": "Pinned", "beginsAfter": "1"}]},
        {"entries": [{"stream": "s", "group": "g", "namedConsumerStrategy": "Pinned", "startFrom": 2**63}]},
    ],
)
def test_a_bad_configuration_is_refused(broken: Any) -> None:
    entries = {"t::": Entry(UNNAMED)}
    with pytest.raises(ValueError, match=r"."):
        apply_json(broken, entries)
    assert list(entries) == ["t::"]
