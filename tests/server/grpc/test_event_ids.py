"""The forms of event ids in responses."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rxpump.grpc.messages.streams import ReadResponse
from rxpump.server.grpc.event_ids import ID_FIELDS, IdForm, read_id, text_of_id
from rxpump.server.store.record import varint

IDS = st.lists(st.binary(min_size=16, max_size=16) | st.just(bytes(16)), max_size=20)


@given(IDS, st.sampled_from(IdForm))
def test_ids_are_encoded_one_by_one_or_together(ids: list[bytes], form: IdForm) -> None:
    fields = ID_FIELDS[form](ids)
    assert len(fields) == len(ids)
    for event_id, field in zip(ids, fields, strict=True):
        event = b"\x0a%b%b" % (varint(len(field)), field)
        encoded = ReadResponse.FromString(b"\x0a%b%b" % (varint(len(event)), event)).event.event.id
        assert encoded.WhichOneof("form") == form.value
        assert read_id(encoded) == event_id
        if form is IdForm.TEXT:
            assert encoded.string == text_of_id(event_id) == str(UUID(bytes_le=event_id))
