from __future__ import annotations

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent, new_link
from tests.operators.events import broken_link, event, linked


def test_a_link_says_where_it_leads() -> None:
    link = new_link(event(stream="ponies@home", number=7), "out")
    assert (link.type, link.data, link.is_json, link.metadata) == ("$>", b"7@ponies@home", False, b"")


def test_what_is_a_link_or_was_reached_by_one_is_not_linked_to_twice() -> None:
    assert new_link(linked(event(number=7), number=3), "out").data == b"7@ponies"
    assert new_link(event("$>", b"7@ponies", stream="links", number=3), "out").data == b"7@ponies"
    assert new_link(broken_link(), "out").data == b"0@gone"


def test_the_same_link_has_the_same_id_and_no_other_has() -> None:
    first = new_link(event(number=7), "out")
    assert new_link(event(number=7), "out").id == first.id
    others = {new_link(event(number=8), "out").id, new_link(event(number=7), "in").id}
    assert len(others | {first.id}) == 3


def test_a_link_that_is_no_text_is_copied_as_it_is() -> None:
    assert new_link(event("$>", b"\xff\xfe"), "out").data == b"\xff\xfe"


def test_only_what_was_read_can_be_linked_to() -> None:
    with pytest.raises(InvalidArgument, match="an Event that was read"):
        new_link(NewEvent("T"), "out")  # type: ignore[arg-type]
