from __future__ import annotations

import pytest

from rxpump.server.store.filters import MAX_PREFIX_CHARACTERS, MAX_PREFIXES, BadFilter, read_filter
from rxpump.wire.codes import FilterContext, FilterType
from rxpump.wire.schema import EventRecord, Filter

STREAM, TYPE = FilterContext
REGEX, PREFIX = FilterType


@pytest.mark.parametrize(
    ("context", "type", "data", "found"),
    [
        (STREAM, PREFIX, ["order-"], True),
        (STREAM, PREFIX, ["x", "or"], True),
        (STREAM, PREFIX, ["Created"], False),
        (STREAM, PREFIX, ["rder"], False),
        (TYPE, PREFIX, ["order"], False),
        (TYPE, PREFIX, ["Created"], True),
        (STREAM, REGEX, [r"\d"], True),
        (STREAM, REGEX, ["Created", r"\d"], False),
        (TYPE, REGEX, ["ed$"], True),
        (STREAM, REGEX, [], True),
        (TYPE, PREFIX, [], True),
    ],
)
def test_what_is_found(context, type, data, found):
    wanted = read_filter(Filter(context=context, type=type, data=data))
    assert wanted.matches(EventRecord(event_stream_id="order-1", event_type="Created")) is found
    assert wanted.search.steps > 0
    assert wanted.search.size > 0


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Filter(type=REGEX, data=["("]), "does not compile"),
        (Filter(type=2, data=["x"]), "type is 0"),
        (Filter(context=2, data=["x"]), "context is 0"),
        (Filter(type=PREFIX, data=["x"] * (MAX_PREFIXES + 1)), "256 prefixes"),
        (Filter(type=PREFIX, data=["x" * (MAX_PREFIX_CHARACTERS + 1)]), "256 prefixes"),
        (Filter.FromString(b"\x10\x01\x1a\x01\xff"), "UTF-8"),
    ],
)
def test_what_is_refused(message, why):
    with pytest.raises(BadFilter, match=why):
        read_filter(message)
