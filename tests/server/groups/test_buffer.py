from __future__ import annotations

import pytest

from rxpump.server.groups.buffer import Buffer
from rxpump.server.groups.message import Message
from tests.server.groups.machine import message


def retry(number: int, *, replay_of: bytes | None = None) -> Message:
    again = message(number, replay_of=replay_of)
    again.retry_count = int(replay_of is None)
    return again


def drained(buffer: Buffer) -> list[int]:
    return [buffer.pop().number for _ in range(len(buffer))]


def test_retries_come_before_new_messages() -> None:
    buffer = Buffer()
    buffer.add([message(4), message(5)])
    for number in (3, 1, 2):
        buffer.retry(retry(number))
    assert repr(buffer) == "<Buffer of 3 retries and 2 new>"
    assert drained(buffer) == [1, 2, 3, 4, 5]
    with pytest.raises(IndexError):
        buffer.pop()


def test_messages_that_are_put_back_keep_their_order() -> None:
    buffer = Buffer()
    buffer.add([message(number) for number in (4, 5, 6)])
    buffer.retry(retry(1))
    buffer.retry(retry(9, replay_of=b"0@s"))
    taken = [buffer.pop() for _ in range(4)]
    assert [each.number for each in taken] == [1, 9, 4, 5]
    del taken[2]
    buffer.put_back(taken)
    assert drained(buffer) == [1, 9, 5, 6]
