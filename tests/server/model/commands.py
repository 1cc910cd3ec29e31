"""Strategies of test_model: valid and invalid names, numbers, events and metadata."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st

from rxpump.tcp.wire import schema
from tests.raw_client import ADMIN, OPS
from tests.server.model.log import MAX64

USERS = st.sampled_from([ADMIN, ADMIN, ADMIN, None, OPS])
CLIENTS = st.integers(0, 1)
PLAIN = ["a", "b", "x@y", "$sys"]
META = ["$$a", "$$b", "$$$sys", "$$$all", "$$links"]
REFUSED = ["$$", "$$$$a", "$$$$"]
WRITABLE = st.sampled_from([*PLAIN, "a", "b", "links", *META, *REFUSED, "$all"])
READABLE = st.sampled_from(
    [*PLAIN, "a", "b", "links", "links", *META, *REFUSED, "$settings", "$all", "never", "$$never"]
)
DELETABLE = st.sampled_from([*PLAIN, "links", "$$a", *REFUSED, "$all", "never"])
SOME_IDS = [bytes([n]) * 16 for n in range(1, 5)]
FRESH = count(1)
NO_TRANSACTIONS = {-1: 123456789, -2: -1}

IDS = st.sampled_from(SOME_IDS) | st.none()
TARGETS = st.sampled_from(
    ["0@a", "1@a", "-1@a", "0@b", "-1@links", "7@b", "0@$sys", "0@$$a", "0@x@y", "0@x@y", "nowhere", "x@a"]
)
VERSION = st.sampled_from(["any", "any", "last", "last", "none", "exists", "exists", "before", "beyond", -3])
NUMBERS = st.sampled_from([*range(-1, 9), *range(-1, 9), -2, 100, MAX64])
VERSION_AT_COMMIT = st.sampled_from(["any", "any", "last", "none", "before"])
COUNTS = st.sampled_from([*range(1, 9), *range(1, 9), 0, -1, 4096, 4097])

JSON_NUMBERS = st.sampled_from(["1", "1", "2", "2", "3", "3", "0", "-1", "1.5", '"2"', "null", "true", "true"])
TRUNCATE = st.sampled_from(["1", "1", "2", "2", "3", "0", "50", str(MAX64), "-3", "null"])
ROLES = st.sampled_from(['"$all"', '"$admins"', '"ops"', '["$ops","nobody"]', "[]", '""'])
ACL = st.dictionaries(st.sampled_from(["$r", "$w", "$d", "$mr", "$mw"]), ROLES, max_size=3)
ANY_ACL = ACL | st.sampled_from([{"$x": '"$all"'}, {"$r": "1"}])


def document(fields: dict[str, str]) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"


OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "$maxCount": JSON_NUMBERS,
        "$maxAge": JSON_NUMBERS,
        "$tb": TRUNCATE,
        "$acl": ANY_ACL.map(document),
        "mine": st.just('[1,{"$tb":2}]'),
    },
).map(document)
METADATA = OBJECTS | OBJECTS | st.sampled_from(["", "no JSON", "[]", '\ufeff{"$maxCount":1}', '\ufeff{"$tb":1}'])
PREFIXES = st.builds(
    schema.Filter,
    context=st.integers(0, 1),
    type=st.just(1),
    data=st.lists(st.sampled_from(["a", "$", "li", "T"]), max_size=2),
)
PATTERNS = st.builds(
    schema.Filter,
    context=st.integers(0, 1),
    type=st.just(0),
    data=st.sampled_from(["^[^$]", "s$", "a|b", "T"]).map(lambda p: [p]),
)
FILTER = PREFIXES | PATTERNS
SETTINGS = st.fixed_dictionaries(
    {}, optional={"$userStreamAcl": ACL.map(document), "$systemStreamAcl": ACL.map(document)}
).map(document)


def event(id: bytes | None, **fields: object) -> schema.NewEvent:
    event_id = (next(FRESH) << 64).to_bytes(16, "big") if id is None else id
    return schema.NewEvent(**{"event_id": event_id, "event_type": "T", "data": event_id[:8]} | fields)


EVENT = st.builds(event, IDS, data_content_type=st.integers(0, 2), metadata=st.binary(max_size=2))
EVENTS = st.lists(EVENT, min_size=1, max_size=4) | st.lists(EVENT, max_size=4)
LINKS = st.lists(
    st.builds(lambda id, data: event(id, event_type="$>", data=data.encode()), st.none(), TARGETS),
    min_size=1,
    max_size=3,
)
