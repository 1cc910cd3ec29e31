"""Scavenges: permissions and replies (docs/protocol/tcp.md, section 3.7)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rxpump import Credentials
from rxpump.server.store.write_transaction import WriteTransaction
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ScavengeResult
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, OPS
from tests.server.store.driving import new_event
from tests.server.talk import Talk


async def scavenge(talk: Talk, user: Credentials | None) -> Any:
    talk.send(Command.SCAVENGE_DATABASE, b"", user)
    await talk.settled()
    [answer] = talk.answers
    assert answer.command == Command.SCAVENGE_DATABASE_COMPLETED
    return schema.ScavengeDatabaseCompleted.FromString(answer.payload)


async def test_only_admins_and_ops_scavenge(talk: Talk) -> None:
    denied = await scavenge(talk, None)
    assert (denied.result, denied.error, denied.total_space_saved) == (ScavengeResult.FAILED, "Access denied.", 0)
    for user in (ADMIN, OPS):
        done = await scavenge(talk, user)
        assert (done.result, done.HasField("error"), done.HasField("total_time_ms")) == (0, False, True)


async def test_the_reply_reports_the_freed_space(talk: Talk) -> None:
    await talk.write("s", *"01234")
    await talk.write("$$s", new_event(data=b'{"$maxCount":2}', json=True))
    assert (await scavenge(talk, OPS)).total_space_saved > 0
    assert len(talk.read_all((0, 0), 10, user=ADMIN).events) == 3


async def test_only_one_scavenge_runs_at_a_time(talk: Talk) -> None:
    other = Talk(talk.store)
    talk.send(Command.SCAVENGE_DATABASE, b"", ADMIN)
    refused = await scavenge(other, ADMIN)
    assert (refused.result, refused.total_space_saved) == (ScavengeResult.IN_PROGRESS, 0)
    await talk.settled()
    assert (await scavenge(other, ADMIN)).result == ScavengeResult.SUCCESS


async def test_a_full_disk_fails_the_request(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(log: WriteTransaction) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(WriteTransaction, "close", refuse)
    with caplog.at_level(logging.CRITICAL):
        failed = await scavenge(talk, ADMIN)
    assert (failed.result, failed.error) == (ScavengeResult.FAILED, "disk full")
    monkeypatch.undo()
    assert (await scavenge(talk, ADMIN)).result == ScavengeResult.SUCCESS


@pytest.mark.parametrize("payload", [b"\x08"])
async def test_an_invalid_payload_is_a_bad_request(talk: Talk, payload: bytes) -> None:
    [(command, _)] = talk.send(Command.SCAVENGE_DATABASE, payload, ADMIN)
    assert command == Command.BAD_REQUEST
