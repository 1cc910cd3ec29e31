"""Events and groups as plain values, also those that a server describes wrongly."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import rxpump
from rxpump import END, Acl, GroupDetails, Position, SystemSettings
from rxpump.model.events import single_event
from rxpump.model.group_settings import GroupOptions
from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.server import EmbeddedServer
from rxpump.ui.event_json import event_values
from rxpump.ui.routes.groups import group_values, parked_values
from rxpump.ui.routes.streams import LastEvent, recent_streams
from tests.ui.harness import page


@dataclass
class Stored:
    """A record as a server could send it."""

    event_stream_id: str = "ponies"
    event_number: int = 3
    event_id: bytes = bytes(range(16))
    event_type: str = "Jumped"
    data_content_type: int = 1
    data: bytes = b"{}"
    metadata: bytes = b""
    created: int = 636_000_000_000_000_000


def test_an_impossible_time_and_id_are_left_out() -> None:
    event = single_event(Stored(event_id=b"short", created=2**62 - 1))
    values = event_values(event)
    assert (values["time"], values["id"], values["number"]) == (None, None, 3)
    assert LastEvent.of(event).created is None


@pytest.mark.parametrize(
    "data", [b"", b"3", b"@ponies", b"3@", b"x@ponies", b"-1@ponies", b"9" * 30 + b"@a", b"\xff"]
)
def test_a_link_to_nothing_has_no_target(data: bytes) -> None:
    link = event_values(single_event(Stored(event_type=LINK_EVENT_TYPE, data=data)))["link"]
    assert (link["target"], link["is_broken"]) == (None, False)


def test_an_unresolved_link_names_its_target() -> None:
    values = event_values(single_event(Stored(event_type=LINK_EVENT_TYPE, data=b"7@a@b")))
    assert (values["stream"], values["link"]["target"]) == ("ponies", {"stream": "a@b", "number": 7})


@pytest.mark.parametrize("metadata", [b"", b"x", b"[]", b'{"reason": 5}'])
def test_a_parked_event_can_lack_a_reason(metadata: bytes) -> None:
    link = Stored(event_stream_id="parked", event_number=9, event_type=LINK_EVENT_TYPE, metadata=metadata)
    values = parked_values(single_event(Stored(), link))
    assert (values["stream"], values["parked_number"], values["reason"]) == ("ponies", 9, None)


def test_ids_in_large_metadata_are_not_searched() -> None:
    metadata = b'{"$correlationId":"a","x":"' + b"x" * 70_000 + b'"}'
    values = event_values(single_event(Stored(metadata=metadata)))
    assert (values["correlation_id"], values["metadata"]["truncated"]) == (None, True)


@pytest.mark.parametrize(("start", "shown"), [(END, "end"), (Position(5, 4), "5/4"), (3, 3)])
def test_the_start_of_a_group_is_shown_as_text(start: object, shown: object) -> None:
    settings = GroupOptions(start_from=start)  # type: ignore[arg-type]
    assert group_values(GroupDetails("s", "g", "Live", settings))["settings"]["start_from"] == shown


async def test_a_stream_that_may_not_be_read_is_listed(memory_server: EmbeddedServer) -> None:
    admin = rxpump.connect(memory_server.uri, username="admin", password="changeit")
    async with admin, rxpump.connect(memory_server.uri) as anonymous, page(anonymous) as browser:
        await admin.set_system_settings(SystemSettings(system_stream_acl=Acl(read="$all")))
        await admin.set_metadata("secret", acl=Acl(read="$admins", metadata_read="$admins"))
        await admin.publish_event("secret", "T")
        row = await recent_streams(anonymous)
        assert (row["stream"], row["state"], row["events"], row["last_number"]) == ("secret", "live", None, 0)
        assert (await browser.error(403, "/api/stream/secret"))["kind"] == "AccessDenied"
