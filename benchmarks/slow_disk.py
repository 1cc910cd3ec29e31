"""Serve on a simulated slow disk: each commit takes COMMIT_SECONDS longer, in the thread of the writer.

    python -m benchmarks.slow_disk events.db

Everything else is as in `rxpump serve`. SIGTERM stops the server.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from rxpump.cli.loop import run
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.store.changes import Change
from rxpump.server.store.group_commit import Commit, GroupCommit

COMMIT_SECONDS: Final = 0.005


class SlowCommit(GroupCommit):
    """Delays each commit."""

    def commit(self, changes: Sequence[Change[Any]]) -> Commit:
        """Commit the changes, and sleep."""
        commit = super().commit(changes)
        time.sleep(COMMIT_SECONDS)
        return commit


class SlowStore(SqliteStore):
    """A store whose commits are delayed."""

    def __init__(self, *arguments: Any, **connections: Any) -> None:
        super().__init__(*arguments, **connections)
        self.commits = SlowCommit(connections["writing"], self._clock)


async def main(path: str) -> None:
    """Serve the store in the file `path` on a free port, until the process is stopped."""
    async with EmbeddedServer(SlowStore.open(path), port=0) as server:
        print(f"Listening on {server.uri}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(sys.argv[1]))
