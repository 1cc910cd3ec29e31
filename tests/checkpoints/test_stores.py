"""Every store loads the checkpoint that was saved last, also in the next process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump.checkpoints import Checkpoint, EventStoreCheckpoint, FileCheckpoint, SqliteCheckpoint
from rxpump.errors import InvalidArgument
from rxpump.model.positions import Position
from rxpump.server import EmbeddedServer

FIRST = Checkpoint("orders", 7)
SECOND = Checkpoint("orders", 9, Position(100, 90))


@pytest.mark.parametrize("kind", ["file", "sqlite", "event store"])
async def test_the_last_one_saved_is_loaded(kind: str, tmp_path: Path, memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        make: Any = {
            "file": lambda: FileCheckpoint(tmp_path / "checkpoint"),
            "sqlite": lambda: SqliteCheckpoint(tmp_path / "checkpoints.db", "projection"),
            "event store": lambda: EventStoreCheckpoint(client, "projection-checkpoint"),
        }[kind]
        assert await make().load() is None
        for checkpoint in (FIRST, SECOND):
            await make().save(checkpoint)
            assert await make().load() == checkpoint


async def test_a_file_that_is_not_complete_is_never_loaded(tmp_path: Path) -> None:
    store = FileCheckpoint(tmp_path / "checkpoint")
    await store.save(FIRST)
    (tmp_path / "checkpoint.new").write_text('{"stream": "ord')  # a save that the process did not survive
    assert await store.load() == FIRST
    await store.save(SECOND)
    assert await store.load() == SECOND


async def test_two_pipelines_share_a_database(tmp_path: Path) -> None:
    one, two = (SqliteCheckpoint(tmp_path / "checkpoints.db", name) for name in ("one", "two"))
    await one.save(FIRST)
    await two.save(SECOND)
    assert (await one.load(), await two.load()) == (FIRST, SECOND)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"stream": "s"}', json.dumps({"stream": 1, "number": 1, "position": None})]
)
async def test_content_that_is_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "checkpoint"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match=r"a text that Checkpoint.to_json returned"):
        await FileCheckpoint(path).load()
