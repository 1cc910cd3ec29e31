"""Stores for checkpoints: `ops.commit_checkpoint(store)` saves one, and `await store.load()` reads it.

from rxpump import checkpoints

store = checkpoints.FileCheckpoint("counts.checkpoint")
done = await store.load()
client.stream("ponies", from_event=done.number + 1 if done else 0).pipe(..., ops.commit_checkpoint(store))
"""

from rxpump.checkpoints.checkpoint import Checkpoint, CheckpointStore
from rxpump.checkpoints.event_store import EventStoreCheckpoint
from rxpump.checkpoints.file import FileCheckpoint
from rxpump.checkpoints.sqlite import SqliteCheckpoint

__all__ = ["Checkpoint", "CheckpointStore", "EventStoreCheckpoint", "FileCheckpoint", "SqliteCheckpoint"]
