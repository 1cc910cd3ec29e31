from __future__ import annotations

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent, new_link
from tests.operators.events import broken_link, event, linked


def test_the_data_of_a_link_name_its_target() -> None:
    link = new_link(event(stream="ponies@home", number=7), "out")
    assert (link.type, link.data, link.is_json, link.metadata) == ("$>", b"7@ponies@home", False, b"")


def test_a_link_to_a_link_points_to_the_target() -> None:
    assert new_link(linked(event(number=7), number=3), "out").data == b"7@ponies"
    assert new_link(event("$>", b"7@ponies", stream="links", number=3), "out").data == b"7@ponies"
    assert new_link(broken_link(), "out").data == b"0@gone"


def test_the_id_of_a_link_depends_on_stream_and_target() -> None:
    first = new_link(event(number=7), "out")
    assert new_link(event(number=7), "out").id == first.id
    others = {new_link(event(number=8), "out").id, new_link(event(number=7), "in").id}
    assert len(others | {first.id}) == 3


def test_a_link_whose_data_are_no_text_is_copied() -> None:
    assert new_link(event("$>", b"\xff\xfe"), "out").data == b"\xff\xfe"


def test_only_an_event_that_was_read_can_be_linked_to() -> None:
    with pytest.raises(InvalidArgument, match="an Event that was read"):
        new_link(NewEvent("T"), "out")  # type: ignore[arg-type]
